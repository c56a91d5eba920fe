"""What a domain controller tells who looks for one, [MS-ADTS] section 6.3.1: in CLDAP, or in a mailslot."""

import struct
from collections.abc import Iterator
from uuid import UUID

from capanalyze.protocols._names import after_name, name_at

# Opcodes, section 6.3.1.3.
PRIMARY_RESPONSE = 12
SAM_LOGON = (19, 20, 21)
SAM_LOGON_EX = (23, 24, 25)

# Section 6.3.1.9: opcode, reserved, flags, the domain's GUID, then names compressed as in DNS.
LOGON_EX = struct.Struct("<HHI16s")
NAMES = ("forest", "domain", "host-name", "netbios-domain", "netbios-name", "user", "site", "site")


def facts(octets: bytes) -> Iterator[tuple[str, str]]:
    """Domain, host and site in a response; nothing of other messages."""
    (opcode,) = struct.unpack_from("<H", octets)
    if opcode in SAM_LOGON_EX:
        yield from _extended(octets)
    elif opcode in SAM_LOGON:
        yield from _plain(octets, ("netbios-name", "user", "netbios-domain"), 2)
    elif opcode == PRIMARY_RESPONSE:
        end = octets.index(b"\0", 2) + 1
        yield from _plain(octets, ("netbios-name", "netbios-domain"), end + end % 2)


def _extended(octets: bytes) -> Iterator[tuple[str, str]]:
    """NETLOGON_SAM_LOGON_RESPONSE_EX, section 6.3.1.9."""
    *_, domain = LOGON_EX.unpack_from(octets)
    yield "domain-guid", str(UUID(bytes_le=domain))
    at = LOGON_EX.size
    for kind in NAMES:
        if name := name_at(octets, at):
            yield kind, name
        at = after_name(octets, at)


def _plain(octets: bytes, kinds: tuple[str, ...], at: int) -> Iterator[tuple[str, str]]:
    """Texts in UTF-16, each ended by a zero, sections 6.3.1.5 and 6.3.1.7; a server's name begins with backslashes."""
    for kind in kinds:
        end = at
        while True:
            (unit,) = struct.unpack_from("<H", octets, end)
            if unit == 0:
                break
            end += 2
        if name := octets[at:end].decode("utf-16-le", "replace").lstrip("\\"):
            yield kind, name
        at = end + 2
