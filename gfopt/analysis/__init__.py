"""Records -> numbers: costs, statistics, comparisons, timing. No torch here."""
