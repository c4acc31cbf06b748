"""How claims are judged: a file for each kind of check. Its fields are keys of the claim in YAML.

exact      a published number with its seed: our number for that seed must equal it
spread     a published number without a seed: its place among the numbers of our seeds
ratio      two published numbers, one divided by the other: seed by seed, or repeat by repeat
ordering   one thing is lower (or higher) than another, seed by seed
property   what a publication calls a method, as a number that the runs give
"""
