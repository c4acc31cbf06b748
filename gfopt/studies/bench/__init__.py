"""gfopt bench: the speed of each backend on this machine, next to reference programs."""
