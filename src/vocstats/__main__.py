"""``python -m vocstats``: the command line where its script is not on the path."""

from vocstats.cli import main

main()
