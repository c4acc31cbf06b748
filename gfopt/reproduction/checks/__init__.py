"""How claims are judged: one class a kind of check, its fields the claim's, its sentence its own.

exact      a published number with its seed: it must come out, within the tolerance
spread     a published number without a seed: where it stands among our seeds
ratio      two published numbers, one divided by the other: seed by seed, or repeat by repeat
ordering   one thing below (or above) another, seed by seed
property   what a method is said to be, as a number that is measured
"""
