"""DHCP, port mapping, STUN, IKE, QUIC, TFTP: how a network is used and crossed."""

import re
from collections.abc import Iterator
from ipaddress import IPv6Address

from tests.fields.comparison import Comparison, Table, first_word, shown
from tests.fields.dissection import Field, Frame

UNSPECIFIED = "0.0.0.0"
ACKNOWLEDGEMENT, TFTP_DATA = 4, ("tftp.block", "data.len")
SERVER_ID = "2"
MAPPERS = {"nat-pmp": "NAT-PMP", "portcontrol": "PCP"}
PCP_RESULTS = {"Unsupported opcode": "UNSUPP_OPCODE"}

# RFC 8489 section 14, RFC 3489 section 11.2: OTHER-ADDRESS and CHANGED-ADDRESS.
OTHER_ADDRESSES = ("0x802c", "0x0005")

# What RFC 7296 and RFC 2409 call what tshark calls otherwise.
TRANSFORMS = {
    "isakmp.tf.id.encr": "encryption",
    "isakmp.tf.id.prf": "PRF",
    "isakmp.tf.id.integ": "integrity",
    "isakmp.tf.id.dh": "group",
    "isakmp.ike.attr.encryption_algorithm": "encryption",
    "isakmp.ike.attr.hash_algorithm": "hash",
    "isakmp.ike.attr.authentication_method": "authentication",
    "isakmp.ike.attr.group_description": "group",
    "isakmp.ike.attr.key_length": "key length",
}
VENDOR_IDS = {"RFC 3706 DPD (Dead Peer Detection)": "Dead Peer Detection (RFC 3706)", "XAUTH": "XAUTH"}
TRANSFORM_PREFIX = re.compile("ENCR_|PRF_|AUTH_")
MODP = re.compile(r"(?:Alternate )?(\d+)[- ]bit MODP group")
QUIC_VERSIONS = {"1": "v1", "v2-draft-01": "v2 (draft)"}
STATUS, COOKIE = 16384, 16390
# tshark names all status notifications; of these a fact is made (RFC 7296 section 3.10.1).
CAPABILITIES = (COOKIE, 16404, 16406, 16418, 16430, 16431)


def offered_addresses(frame: Frame) -> list[str]:
    return [one for one in frame.shown("dhcp.ip.your") if one != UNSPECIFIED]


def server_macs(frame: Frame) -> Iterator[str]:
    """The link-layer address in the server's DUID."""
    for option in frame.parts("dhcpv6.option.type"):
        if option.fields[0].show == SERVER_ID:
            yield from option.shown("dhcpv6.duidllt.link_layer_addr", "dhcpv6.duidll.link_layer_addr")


def mapping_version(frame: Frame) -> list[str]:
    return [MAPPERS[layer] for layer in frame.layers if layer in MAPPERS]


def external_addresses(frame: Frame) -> Iterator[str]:
    yield from frame.shown("nat-pmp.external_ip")
    for shown_address in frame.shown("portcontrol.map.rsp_assigned_ext_ip"):
        address = IPv6Address(shown_address)
        yield str(address.ipv4_mapped or address)


def mappings(frame: Frame) -> Iterator[str]:
    for external, internal, lifetime in (
        ("nat-pmp.external_port", "nat-pmp.internal_port", "nat-pmp.pml"),
        ("portcontrol.map.rsp_assigned_external_port", "portcontrol.map.internal_port", "portcontrol.lifetime_rsp"),
    ):
        if frame.shown(external):
            yield f"{frame.number(external)} to {frame.number(internal)}, {frame.number(lifetime)} s"


def mapping_errors(frame: Frame) -> list[str]:
    return [PCP_RESULTS[field.named] for field in frame.all("portcontrol.result_code") if field.show != "0"]


def epochs(frame: Frame) -> list[str]:
    return [f"{one} s" for one in frame.shown("nat-pmp.sssoe", "portcontrol.epoch_time")]


def stun_errors(frame: Frame) -> list[str]:
    parts = zip(frame.shown("stun.att.error.class"), frame.shown("stun.att.error"), strict=False)
    numbers = [int(group) * 100 + int(number) for group, number in parts]
    return [f"{number} {reason}" for number, reason in zip(numbers, frame.shown("stun.att.error.reason"), strict=False)]


def other_addresses(frame: Frame) -> Iterator[str]:
    for attribute in frame.parts("stun.att.type", "classicstun.att.type"):
        if attribute.fields[0].show in OTHER_ADDRESSES:
            addresses = attribute.shown("stun.att.ipv4", "classicstun.att.ipv4")
            ports = attribute.shown("stun.att.port", "classicstun.att.port")
            yield from (f"{address}:{port}" for address, port in zip(addresses, ports, strict=False))


def ike_version(frame: Frame) -> list[str]:
    return [f"IKEv{frame.number('isakmp.mjver')}"]


def algorithm(field: Field) -> str:
    """`AES-CBC` of `ENCR_AES_CBC (12)`, `MODP-2048` of `2048 bit MODP group (14)`."""
    name = TRANSFORM_PREFIX.sub("", field.named)
    if found := MODP.fullmatch(name):
        return f"MODP-{found[1]}"
    return name.replace("_", "-")


def transforms(frame: Frame) -> Iterator[str]:
    """Of version 2 with the length of the key; of version 1 that is an attribute of its own."""
    for part in frame.parts(*TRANSFORMS):
        length = part.shown("isakmp.ike2.attr.key_length")
        yield " ".join([TRANSFORMS[part.fields[0].name], algorithm(part.fields[0]), *length])


def without_case(value: str) -> str:
    """`authentication pre-shared key`: tshark begins with a capital."""
    return value.lower()


def notifications(frame: Frame, *, errors: bool) -> list[str]:
    found = [(int(field.show), field.named) for field in frame.all("isakmp.notify.msgtype")]
    return [name for number, name in found if (number < STATUS if errors else number in CAPABILITIES)]


def vendor_ids(frame: Frame) -> list[str]:
    return [VENDOR_IDS.get(one, one) for one in frame.shown("isakmp.vid_string")]


def quic_versions(frame: Frame) -> Iterator[str]:
    """`1`, `draft-29 (0xff00001d)`; versions that are there to be ignored tell nothing."""
    yield from (f"Google QUIC {version}" for version in frame.shown("gquic.version"))
    # Of one packet in a datagram after the other the first tells.
    negotiated = frame.all("quic.supported_version")
    for field in negotiated or frame.all("quic.version")[:1]:
        if field.octets[0] & 0x0F != 0x0A:
            name = field.said.partition(" (")[0]
            yield f"QUIC {QUIC_VERSIONS.get(name, name.replace('draft-', 'draft '))}"


def tftp_files(frame: Frame) -> list[str]:
    """A block and how much it holds, or the leave to write."""
    if frame.number("tftp.opcode") == ACKNOWLEDGEMENT:
        return ["may be written"]
    return [f"block {one}, {size} octets" for one, size in zip(*map(frame.shown, TFTP_DATA), strict=False)]


def tftp_errors(frame: Frame) -> list[str]:
    found = zip(frame.shown("tftp.error.code"), frame.shown("tftp.error.message"), strict=False)
    return [f"{code} {message}" for code, message in found]


def tftp_options(frame: Frame) -> list[str]:
    return [
        f"{name}={value}"
        for name, value in zip(frame.shown("tftp.option.name"), frame.shown("tftp.option.value"), strict=False)
    ]


DHCP: Table = {
    ("dhcp", "offered-address"): Comparison(offered_addresses),
    ("dhcp", "server-id"): shown("dhcp.option.dhcp_server_id"),
    ("dhcp", "router"): shown("dhcp.option.router"),
    ("dhcp", "name-server"): shown("dhcp.option.domain_name_server"),
    ("dhcp", "domain"): shown("dhcp.option.domain_name"),
    ("dhcpv6", "mac-address"): Comparison(server_macs),
    ("dhcpv6", "name-server"): shown("dhcpv6.dns_server"),
    ("dhcpv6", "offered-address"): shown("dhcpv6.iaaddr.ip"),
}
NAT: Table = {
    ("natpmp", "version"): Comparison(mapping_version),
    ("natpmp", "uptime"): Comparison(epochs),
    ("natpmp", "external-address"): Comparison(external_addresses),
    ("natpmp", "mapping"): Comparison(mappings),
    ("natpmp", "error"): Comparison(mapping_errors),
    ("stun", "software"): shown("stun.att.software", "classicstun.att.server"),
    ("stun", "realm"): shown("stun.att.realm"),
    ("stun", "error"): Comparison(stun_errors),
    ("stun", "other-address"): Comparison(other_addresses),
}
IKE: Table = {
    ("ike", "version"): Comparison(ike_version),
    ("ike", "transform"): Comparison(lambda frame: map(without_case, transforms(frame)), without_case),
    ("ike", "vendor-id"): Comparison(vendor_ids),
    ("ike", "error"): Comparison(lambda frame: notifications(frame, errors=True), first_word),
    ("ike", "capability"): Comparison(lambda frame: notifications(frame, errors=False), first_word),
}
TABLE: Table = {
    **DHCP,
    **NAT,
    **IKE,
    ("quic", "version"): Comparison(quic_versions),
    ("tftp", "file"): Comparison(tftp_files),
    ("tftp", "error"): Comparison(tftp_errors),
    ("tftp", "option"): Comparison(tftp_options),
}
