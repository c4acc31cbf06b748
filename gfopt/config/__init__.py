"""YAML -> Experiment: parsed with positions, validated, every complaint at once."""
