"""Who the target is, and how we know.

`contacts` collects who asked and answered whom, `hints` what frames tell of hosts besides. Each kind of evidence is a
file that turns these into grounds (`ground`) for or against an address: `directions`, `interfaces`, `padding`,
`checksums`, `hops`, `turnaround`, `macs`, `neighbours`, `roles`. `decision` weighs them, `doubts` says what speaks
against the target.
"""

from capanalyze.target.contacts import Contacts
from capanalyze.target.decision import find_target, unknown_target
from capanalyze.target.hints import Hints

__all__ = ["Contacts", "Hints", "find_target", "unknown_target"]
