"""Messages in, exchanges out: `collect` brings messages into order, `pair_messages` pairs them.

`sighting` is a message on its way in, `pair` an exchange while it is open, `book` finds open ones,
`repeats` knows copies and fragments, and `pairing` holds the rules.
"""

from capanalyze.exchanges.pair import Pair
from capanalyze.exchanges.pairing import Pairing, pair_messages
from capanalyze.exchanges.sighting import Sighting, Source, collect

__all__ = ["Pair", "Pairing", "Sighting", "Source", "collect", "pair_messages"]
