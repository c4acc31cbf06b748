"""Reference programs: NumPy loops that do the work of the published programs, without gfopt."""
