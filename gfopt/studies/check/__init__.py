"""gfopt check: each promise of gfopt.optimizers.base, tested on small problems before any run."""
