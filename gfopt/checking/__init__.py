"""A rule's manners before a race: each promise of gfopt.optimizers.base tried on made problems."""
