"""Is HEAD worse than BASE? Two sides' runs paired by seed, and one verdict. No torch here."""
