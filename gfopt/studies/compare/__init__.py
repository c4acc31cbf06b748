"""Is HEAD worse than BASE? The runs of two sides, paired by seed, and one verdict. No torch."""
