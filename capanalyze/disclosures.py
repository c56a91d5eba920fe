"""What a reply told the peer: facts for a finding, and the few of them that a table cell has room for.

The decoders in `capanalyze.protocols` trust nothing and catch nothing. Whatever they or dpkt raise ends here
as one more fact, `malformed`, after those that were read before.
"""

import struct
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from itertools import islice

from capanalyze.escape import printable
from capanalyze.model import Disclosure, Fact
from capanalyze.protocols import PROTOCOLS
from capanalyze.protocols._protocol import Decoder

# By service; "tcp" stands for every TCP port.
DECODERS: dict[str, Decoder] = {protocol.name: protocol.decode for protocol in PROTOCOLS if protocol.decode}

MAX_FACTS = 32
# Many of one kind leave room for others: the attributes of a service for its name, host and port.
MAX_OF_KIND = 16
MAX_LENGTH = 200
# Facts that repeat or exceed their kind are read in vain, but not for ever.
MAX_READ = 8 * MAX_FACTS
# Of a table cell: facts of one kind, and the length of each.
MAX_TOLD = 4
MAX_PHRASE = 60


def disclose(service: str, reply: bytes) -> list[Disclosure]:
    """The facts in a reply's payload, in its own order."""
    decoder = DECODERS.get("tcp" if service.startswith("tcp/") else service)
    if decoder is None:
        return []
    # dpkt loads all of its protocols at once: only who decodes waits for it.
    from dpkt import Error, NeedData

    facts: dict[Disclosure, None] = {}
    kinds: Counter[str] = Counter()
    try:
        for kind, value in islice(decoder(reply), MAX_READ):
            fact = Disclosure(kind=kind, value=printable(value, MAX_LENGTH))
            if fact.value and fact not in facts and kinds[kind] < MAX_OF_KIND:
                facts[fact] = None
                kinds[kind] += 1
            if len(facts) == MAX_FACTS:
                break
    except (NeedData, EOFError, LookupError, struct.error):
        facts[_malformed(f"ends early, after {len(reply)} octets")] = None
    except (Error, ValueError, RecursionError) as fault:
        facts[_malformed(str(fault) or type(fault).__name__)] = None
    return list(facts)


def _malformed(reason: str) -> Disclosure:
    """Why a reply was not read to its end."""
    return Disclosure(kind="malformed", value=printable(reason, MAX_LENGTH))


def telling(disclosures: Collection[Disclosure | Fact]) -> str:
    """One line for a table cell: the facts that tell most, first. Empty where none does."""
    if not disclosures:
        return ""
    values: dict[str, list[str]] = {}
    for fact in disclosures:
        values.setdefault(fact.kind, []).append(fact.value)
    clauses = (", ".join(_told(values, clause)) for clause in CLAUSES)
    return printable("; ".join(filter(None, clauses)), MAX_LENGTH)


Phrase = Callable[[str], str | None]
Clause = tuple[tuple[str, Phrase], ...]


def _told(values: dict[str, list[str]], clause: Clause) -> Iterator[str]:
    """The phrases of one clause."""
    for kind, phrase in clause:
        found = list(dict.fromkeys(filter(None, map(phrase, values.get(kind, [])))))
        yield from (printable(words, MAX_PHRASE) for words in found[:MAX_TOLD])
        if len(found) > MAX_TOLD:
            yield f"{len(found) - MAX_TOLD} more"


def _netbios_name(value: str) -> str | None:
    """`QF98E<00>`, or `WORKGROUP<00> (group)`: the names of the host and of its group."""
    name, end, use = value.partition("<00> ")
    if not end:
        return None
    return f"{name}<00> (group)" if use.startswith("group") else f"{name}<00>"


def _netbios_role(value: str) -> str | None:
    """What another name says that the host is."""
    role = value.rpartition(": ")[2].partition(",")[0]
    return role if role in NETBIOS_ROLES else None


def _upstream(value: str) -> str:
    """Whom a time server follows; the names of clocks have no dots."""
    if value.count(".") != 3:
        return f"clock {value}"
    if value.startswith("127."):
        return f"follows its own clock ({value})"
    return f"follows {value}"


NETBIOS_ROLES = ("domain controller", "domain master browser", "master browser", "file server")

# Phrases of a clause are joined by commas, clauses by semicolons; both stand in the order of their worth.
CLAUSES: tuple[Clause, ...] = (
    (("instance", str), ("model", str), ("service", str), ("endpoint", "at {}".format), ("host-info", str)),
    (("software", str), ("server", str), ("banner", str), ("protocol", str)),
    (("system-description", str), ("os-version", "system {}".format)),
    (("system-name", str), ("system-location", str), ("system-contact", str), ("printer-location", str)),
    (
        ("name", _netbios_name),
        ("name", _netbios_role),
        ("host-name", str),
        ("confirmed", "confirms {}".format),
        ("workgroup", "{} (group)".format),
        ("master-browser", "master browser {}".format),
        ("backup-browser", "backup browser {}".format),
        ("role", str),
        ("comment", str),
        ("address", str),
        ("external-address", "reached at {}".format),
        ("other-address", "also at {}".format),
        ("relayed-address", "relays at {}".format),
        ("mac-address", "MAC {}".format),
        ("engine-id", "engine {}".format),
        ("vendor", str),
        ("wait", "asks to wait {}".format),
    ),
    (
        ("realm", "realm {}".format),
        ("principal", "principal {}".format),
        ("server-name", str),
        ("encryption-type", str),
        ("salt", "salt {}".format),
    ),
    (
        ("naming-context", str),
        ("domain", "domain {}".format),
        ("forest", "forest {}".format),
        ("site", "site {}".format),
        ("netbios-domain", str),
        ("netbios-name", str),
    ),
    (("subject", "certificate of {}".format), ("subject-alt-name", str), ("issuer", "issued by {}".format)),
    (("vendor-id", str), ("transform", str), ("capability", str)),
    (("program", str), ("port", "port {}".format)),
    (("rcode", str), ("answer", str), ("authority", str), ("additional", str)),
    (("resource", str), ("key", "key {}".format), ("statistic", str)),
    (
        ("offered-address", "offers {}".format),
        ("mapping", "maps {}".format),
        ("router", "router {}".format),
        ("name-server", "name server {}".format),
        ("boot-file", "boots {}".format),
    ),
    (("scope", "scope {}".format), ("usn", str)),
    (("recursion", "recursion {}".format), ("location", str), ("text", str)),
    (("file", "file: {}".format), ("option", str), ("time", "clock {}".format)),
    (("engine-boots", "started {} times".format), ("uptime", "up for {}".format)),
    (
        ("kiss-o'-death", "kiss-o'-death {}".format),
        ("reference-id", _upstream),
        ("stratum", "stratum {}".format),
        ("unsynchronised", "unsynchronised".format),
        ("version", str),
    ),
    (("ntp-variable", str), ("associations", "{} associations".format)),
    (("monlist", "client list of {}".format), ("client-address", str), ("ntp-private", str)),
    (("error", "error: {}".format),),
    (("malformed", "malformed: {}".format),),
)
