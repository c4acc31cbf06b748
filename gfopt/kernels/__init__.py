"""Compiled loops of the rules whose updates are sequential, each beside its rule by name."""
