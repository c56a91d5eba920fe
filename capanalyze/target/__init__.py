"""Who the target is, and how we know.

`contacts` collects who asked and answered whom, `hints` what frames tell of hosts besides (directions, MAC addresses,
hop counts), `decision` names the target, `doubts` says what speaks against it.
"""

from capanalyze.target.contacts import Contacts
from capanalyze.target.decision import find_target, unknown_target
from capanalyze.target.hints import Hints

__all__ = ["Contacts", "Hints", "find_target", "unknown_target"]
