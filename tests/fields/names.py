"""DNS, mDNS, LLMNR, NetBIOS names and datagrams."""

import re
from collections.abc import Callable, Iterator
from functools import partial

from tests.fields.comparison import Comparison, Table, first_word, shown
from tests.fields.dissection import Frame

ROOT = "<Root>"
SECTIONS = {"answer": "dns.count.answers", "authority": "dns.count.auth_rr", "additional": "dns.count.add_rr"}
SERVICE_TYPES = "_services._dns-sd._udp."
RCODES = (
    "FORMERR",
    "SERVFAIL",
    "NXDOMAIN",
    "NOTIMP",
    "REFUSED",
    "YXDOMAIN",
    "YXRRSET",
    "NXRRSET",
    "NOTAUTH",
    "NOTZONE",
)

BROWSER_HOST, BROWSER_BACKUP, BROWSER_DOMAIN, BROWSER_MASTER = 1, 10, 12, 15
ROLES = {
    "browser.server_type.sql": "SQL server",
    "browser.server_type.domain_controller": "domain controller",
    "browser.server_type.backup_controller": "backup domain controller",
    "browser.server_type.time": "time source",
    "browser.server_type.print": "print server",
    "browser.server_type.browser.backup": "backup browser",
    "browser.server_type.browser.master": "master browser",
    "browser.server_type.browser.domain_master": "domain master browser",
}
NETBIOS_NAME = re.compile(r"(?P<name>.*)<(?P<suffix>[0-9a-f]{2})>(?: \(.*\))?")
ROLE = re.compile(": [^,]+")


def name(text: str) -> str:
    """A domain name; the root has none."""
    return "" if text == ROOT else text


def unescaped(text: str) -> str:
    """A fact without the escapes of dots within a label, which tshark does not mark."""
    return text.replace("\\.", ".").replace("\\\\", "\\")


def first(field: str) -> Callable[[Frame], list[str]]:
    return lambda record: [name(one) for one in record.shown(field)[:1]]


def joined(*fields: str) -> Callable[[Frame], list[str]]:
    return lambda record: [" ".join(record.shown(*fields))]


def endpoint(record: Frame) -> list[str]:
    ports = record.shown("dns.srv.port")
    return [f"{name(target)}:{port}" for target, port in zip(record.shown("dns.srv.target"), ports, strict=False)]


# Type of record → its name, and its data as shown.
DATA: dict[int, tuple[str, Callable[[Frame], list[str]]]] = {
    1: ("A", first("dns.a")),
    2: ("NS", first("dns.ns")),
    5: ("CNAME", first("dns.cname")),
    6: ("SOA", first("dns.soa.mname")),
    12: ("PTR", first("dns.ptr.domain_name")),
    13: ("HINFO", joined("dns.hinfo.cpu", "dns.hinfo.os")),
    15: ("MX", first("dns.mx.mail_exchange")),
    16: ("TXT", joined("dns.txt")),
    28: ("AAAA", first("dns.aaaa")),
    33: ("SRV", endpoint),
}


def records(frame: Frame) -> Iterator[Frame]:
    """The resource records; the owner of an SRV record stands in parts."""
    yield from frame.parts("dns.resp.name", "dns.srv.service")


def owner(record: Frame) -> str:
    parts = record.shown("dns.srv.service", "dns.srv.proto", "dns.srv.name")
    return ".".join(parts) if parts else name(record.fields[0].show)


def of_section(section: str, frame: Frame) -> Iterator[str]:
    """The records of a section as `owner TYPE data`; an update's are the asker's own."""
    if frame.number("dns.flags.opcode"):
        return
    before = 0
    for other, count in SECTIONS.items():
        if other == section:
            break
        before += frame.number(count)
    for record in [*records(frame)][before : before + frame.number(SECTIONS[section])]:
        label, data = DATA.get(record.number("dns.resp.type"), ("", None))
        if data:
            yield from (f"{owner(record) or '.'} {label} {value}" for value in data(record))


def recursion(frame: Frame) -> list[str]:
    offered = frame.number("dns.flags.recavail") == 1 and frame.number("dns.flags.opcode") == 0
    return ["offered"] if offered else []


def rcode(frame: Frame) -> list[str]:
    number = frame.number("dns.flags.rcode")
    return [str(number)] if number > 0 else []


def rcode_number(value: str) -> str:
    """`NXDOMAIN (the name does not exist)`."""
    return str(RCODES.index(first_word(value)) + 1)


def of_type(kind: str, frame: Frame) -> Iterator[tuple[str, str]]:
    """Owner and data of the records of one type."""
    for record in records(frame):
        label, data = DATA.get(record.number("dns.resp.type"), ("", None))
        if data and label == kind:
            yield from ((owner(record), value) for value in data(record))


def instances(frame: Frame) -> Iterator[str]:
    for whose, target in of_type("PTR", frame):
        if not whose.lower().startswith(SERVICE_TYPES) and not whose.lower().endswith(".arpa"):
            yield target
    yield from (whose for whose, _ in of_type("SRV", frame))


def hosts(frame: Frame) -> Iterator[str]:
    yield from (target for whose, target in of_type("PTR", frame) if whose.lower().endswith(".arpa"))
    yield from (whose for kind in ("A", "AAAA") for whose, _ in of_type(kind, frame))


def services(frame: Frame) -> Iterator[str]:
    yield from (target for whose, target in of_type("PTR", frame) if whose.lower().startswith(SERVICE_TYPES))


def netbios_name(text: str) -> tuple[str, str]:
    """`<01><02>__MSBROWSE__<02><01> (Browser)`: the name with dots for what is not printed, and its suffix."""
    found = NETBIOS_NAME.fullmatch(text)
    return (re.sub("<[0-9a-f]{2}>", ".", found["name"]), found["suffix"]) if found else (text, "")


def netbios_names(frame: Frame) -> Iterator[str]:
    """`QF98E<20> unique`, of a node's table and of records that name an owner."""
    for entry in frame.parts("nbns.netbios_name", "nbns.name"):
        field = entry.fields[0]
        flags = entry.shown("nbns.name_flags.group", "nbns.nb_flags.group")
        if not flags:
            continue
        shown_name, suffix = netbios_name(field.said)
        for group in dict.fromkeys(flags):
            words = "group" if group == "1" else "unique"
            words += ", being released" * (entry.number("nbns.name_flags.drg") == 1)
            words += ", in conflict" * (entry.number("nbns.name_flags.cnf") == 1)
            yield f"{shown_name}<{suffix}> {words}"


def units(frame: Frame) -> list[str]:
    return [one for one in frame.shown("nbns.unit_id") if one != "00:00:00:00:00:00"]


def without_suffix(*fields: str) -> Callable[[Frame], list[str]]:
    """Names that are encoded as they should be."""
    return lambda frame: [name for name, suffix in map(netbios_name, said(frame, *fields)) if suffix]


def said(frame: Frame, *fields: str) -> list[str]:
    return [field.said for field in frame.all(*fields)]


def in_browser(commands: tuple[int, ...], told: Callable[[Frame], list[str]]) -> Callable[[Frame], list[str]]:
    """What browser frames of these commands say."""
    return lambda frame: told(frame) if frame.number("browser.command") in commands else []


def workgroups(frame: Frame) -> list[str]:
    if frame.number("browser.command") == BROWSER_DOMAIN:
        return frame.shown("browser.server")
    return without_suffix("nbdgm.destination_name")(frame)


def os_version(frame: Frame) -> list[str]:
    return [f"{frame.number('browser.os_major')}.{frame.number('browser.os_minor')}"]


def roles(frame: Frame) -> list[str]:
    served = ", ".join(words for field, words in ROLES.items() if frame.number(field) == 1)
    return [served] if served else []


HOSTS = (BROWSER_HOST, BROWSER_MASTER)

DNS: Table = {("dns", section): Comparison(partial(of_section, section), unescaped) for section in SECTIONS}
MDNS: Table = {
    ("mdns", "instance"): Comparison(instances, unescaped),
    ("mdns", "service"): Comparison(services, unescaped),
    ("mdns", "host-name"): Comparison(hosts, unescaped),
    ("mdns", "endpoint"): Comparison(lambda frame: (data for _, data in of_type("SRV", frame)), unescaped),
    ("mdns", "address"): shown("dns.a", "dns.aaaa"),
    ("mdns", "attribute"): shown("dns.txt"),
    ("mdns", "host-info"): Comparison(lambda frame: (data for _, data in of_type("HINFO", frame))),
}
NBNS: Table = {
    ("nbns", "name"): Comparison(netbios_names, lambda value: ROLE.sub("", value)),
    ("nbns", "address"): shown("nbns.addr"),
    ("nbns", "mac-address"): Comparison(units),
}
NBDGM: Table = {
    ("nbdgm", "host-name"): Comparison(without_suffix("nbdgm.source_name")),
    ("nbdgm", "workgroup"): Comparison(in_browser((*HOSTS, BROWSER_DOMAIN), workgroups)),
    ("nbdgm", "os-version"): Comparison(in_browser(HOSTS, os_version)),
    ("nbdgm", "role"): Comparison(in_browser(HOSTS, roles)),
    ("nbdgm", "comment"): Comparison(in_browser(HOSTS, lambda frame: frame.shown("browser.comment"))),
    ("nbdgm", "master-browser"): Comparison(
        in_browser((BROWSER_DOMAIN,), lambda frame: frame.shown("browser.mb_server"))
    ),
    ("nbdgm", "backup-browser"): shown("browser.backup.server"),
}
TABLE: Table = {
    **DNS,
    ("llmnr", "answer"): DNS["dns", "answer"],
    ("dns", "recursion"): Comparison(recursion),
    ("dns", "rcode"): Comparison(rcode, rcode_number),
    **MDNS,
    **NBNS,
    **NBDGM,
}
