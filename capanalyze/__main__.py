"""`python -m capanalyze`."""

from capanalyze.cli import main

main()
