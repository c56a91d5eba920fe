"""capanalyze: which replies leaked through a host's firewall, read from a capture taken on that host."""

__version__ = "0.1.0"
