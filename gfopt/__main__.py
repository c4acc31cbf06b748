"""python -m gfopt."""

from gfopt.cli import main

main()
