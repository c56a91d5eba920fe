"""capanalyze: which replies leaked through a host's firewall, read from a capture taken on that host.

`analysis` has the whole flow on one page, CONTRIBUTING.md what each folder does.
"""

__version__ = "0.1.0"
