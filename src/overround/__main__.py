"""`python -m overround` is the command line."""

from overround.apps.cli import main

main()
