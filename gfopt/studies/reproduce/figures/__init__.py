"""The figures of the publications, drawn from runs: a file for each kind that a claims file names.

Values that aren't finite leave a gap in a line. Matplotlib is loaded inside functions. The same
input gives the same bytes.
"""
