"""YAML -> Experiment: parse with positions, validate, report all errors of a file together."""
