"""Equal tuning: as many trials for every optimizer, on the same seeds, at the same cost."""
