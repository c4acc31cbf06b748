"""Equal tuning: for every rule of a config as many trials, on the same seeds, at the same cost."""
