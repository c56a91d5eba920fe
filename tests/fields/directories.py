"""Kerberos, LDAP, SNMP, the port mapper, SLP: what is told of users, objects and programs."""

import re
from collections.abc import Callable, Iterator

from tests.fields.clocks import utc
from tests.fields.comparison import Comparison, Table, first_word, shown
from tests.fields.dissection import Field, Frame

# Where tshark's name is another than that of RFC 3961 section 8.3, RFC 4757 or RFC 4120 section 7.5.9.
ETYPES = {"arcfour-hmac-md5": "rc4-hmac", "des3-cbc-sha1": "des3-cbc-sha1-kd"}
ERRORS = {"KEY_EXP": "KEY_EXPIRED"}
PREFIX = re.compile("(KDC|KRB|KRB_AP)_ERR_")

# MS-ADTS: attributes of the rootDSE that have a kind of their own.
ATTRIBUTES = {
    "naming-context": ("defaultNamingContext", "namingContexts", "rootDomainNamingContext"),
    "host-name": ("dnsHostName",),
    "server-name": ("serverName", "ldapServiceName"),
    "software": ("vendorName", "vendorVersion"),
    "clock": ("currentTime",),
}
OWN_KIND = {name for names in ATTRIBUTES.values() for name in names}

SYSTEM = "1.3.6.1.2.1.1."
OBJECT_ID, UPTIME = f"{SYSTEM}2.0", f"{SYSTEM}3.0"
ENTERPRISES = "1.3.6.1.4.1."
REPORTS = {
    "1.3.6.1.6.3.15.1.1.1.0": "usmStatsUnsupportedSecLevels",
    "1.3.6.1.6.3.15.1.1.2.0": "usmStatsNotInTimeWindows",
    "1.3.6.1.6.3.15.1.1.3.0": "usmStatsUnknownUserNames",
    "1.3.6.1.6.3.15.1.1.4.0": "usmStatsUnknownEngineIDs",
    "1.3.6.1.6.3.15.1.1.5.0": "usmStatsWrongDigests",
    "1.3.6.1.6.3.15.1.1.6.0": "usmStatsDecryptionErrors",
}
VERSIONS = {"version-1": "SNMPv1", "v2c": "SNMPv2c", "snmpv3": "SNMPv3"}
TRANSPORTS = {"6": "tcp", "17": "udp"}
ACCEPT_STATES = {1: "PROG_UNAVAIL", 2: "PROG_MISMATCH", 3: "PROC_UNAVAIL", 4: "GARBAGE_ARGS", 5: "SYSTEM_ERR"}


def kerberos_error(value: str) -> str:
    return PREFIX.sub("", first_word(value))


def kerberos_errors(frame: Frame) -> list[str]:
    """`eRR-PREAUTH-REQUIRED`."""
    names = [field.named.removeprefix("eRR-").replace("-", "_") for field in frame.all("kerberos.error_code")]
    return [ERRORS.get(name, name) for name in names]


def encryption_types(frame: Frame) -> Iterator[str]:
    for field in frame.all("kerberos.etype"):
        name = field.named.removeprefix("eTYPE-").lower()
        yield ETYPES.get(name, name)


def kerberos_clock(frame: Frame) -> list[str]:
    """Seconds and microseconds."""
    times = zip(frame.shown("kerberos.stime"), frame.shown("kerberos.susec"), strict=False)
    return [f"{utc(stime).partition('.')[0]}.{int(susec):06}Z" for stime, susec in times]


def principal(element: str, component: str) -> Callable[[Frame], Iterator[str]]:
    """Names of one sort, their components joined."""

    def names(frame: Frame) -> Iterator[str]:
        for name in frame.parts(element):
            yield "/".join(name.shown(component))

    return names


def attributes(frame: Frame) -> Iterator[tuple[str, str]]:
    """Attribute and value of a search result; a logon answer has fields of its own."""
    for attribute in frame.parts("ldap.type"):
        name = attribute.fields[0].show
        yield from ((name, field.said) for field in attribute.all("ldap.AttributeValue"))
        yield from ((name, value) for value in attribute.shown("ldap.oid"))


def of_kind(kind: str, *fields: str) -> Comparison:
    def told(frame: Frame) -> list[str]:
        values = [value for name, value in attributes(frame) if name in ATTRIBUTES[kind]]
        return values + frame.shown(*fields)

    return Comparison(told)


def other_attributes(frame: Frame) -> list[str]:
    return [f"{name}={value}" for name, value in attributes(frame) if name not in OWN_KIND]


def current_time(frame: Frame) -> Iterator[str]:
    """`20261125194830.0Z`."""
    for name, value in attributes(frame):
        if name in ATTRIBUTES["clock"]:
            yield re.sub(r"(....)(..)(..)(..)(..)(..).*", r"\1-\2-\3T\4:\5:\6Z", value)


def logon(field: str) -> Comparison:
    return Comparison(lambda frame: [value for value in frame.shown(field) if value != "<Root>"])


def ldap_errors(frame: Frame) -> list[str]:
    return [field.named for field in frame.all("ldap.resultCode") if field.show != "0"]


def bindings(frame: Frame) -> Iterator[tuple[str, Field]]:
    """Object identifier and value of each variable."""
    for binding in frame.parts("snmp.name"):
        yield from (
            (binding.fields[0].show, field) for field in binding.fields[1:] if field.name.startswith("snmp.value")
        )


def system(number: int) -> Comparison:
    """A text of the system group, white space as one blank."""

    def told(frame: Frame) -> Iterator[str]:
        for identifier, field in bindings(frame):
            if identifier == f"{SYSTEM}{number}.0" and field.octets:
                yield " ".join(field.octets.decode("utf-8", "replace").split())

    return Comparison(told)


def snmp_errors(frame: Frame) -> Iterator[str]:
    yield from (field.named for field in frame.all("snmp.error_status") if field.show != "0")
    yield from (REPORTS[identifier] for identifier, _ in bindings(frame) if identifier in REPORTS)


def community(frame: Frame) -> list[str]:
    return [f"{len(field.octets)} octets, not shown" for field in frame.all("snmp.community")]


def uptime(frame: Frame) -> Iterator[str]:
    if frame.number("snmp.msgAuthoritativeEngineBoots") > 0:
        yield f"{frame.number('snmp.msgAuthoritativeEngineTime')} s"
    yield from (f"{int(field.show) // 100} s" for identifier, field in bindings(frame) if identifier == UPTIME)


def vendors(frame: Frame) -> Iterator[str]:
    """Numbers of enterprises: of the engine, and of the system's object identifier."""
    for field in authoritative(frame).all("snmp.engineid.enterprise"):
        yield field.show
    for identifier, field in bindings(frame):
        if identifier == OBJECT_ID and field.show.startswith(ENTERPRISES):
            yield field.show.removeprefix(ENTERPRISES).partition(".")[0]


def authoritative(frame: Frame) -> Frame:
    """What belongs to the authoritative engine; the context's may be another."""
    for part in frame.parts("snmp.msgAuthoritativeEngineID", "snmp.msgAuthoritativeEngineBoots"):
        if part.fields[0].name == "snmp.msgAuthoritativeEngineID":
            return part
    return Frame()


def enterprise(value: str) -> str:
    """`Net-SNMP (enterprise 8072)`, `enterprise 999`."""
    return value.rpartition("enterprise ")[2].rstrip(")")


def engine_boots(frame: Frame) -> list[str]:
    boots = frame.number("snmp.msgAuthoritativeEngineBoots")
    return [str(boots)] if boots > 0 else []


def programs(frame: Frame) -> Iterator[str]:
    """`100000 version 4 tcp/111`, of version 2; of versions 3 and 4 `100000 version 4 udp 0.0.0.0 port 111`."""
    for entry in frame.parts("portmap.prog"):
        number, version = entry.fields[0].show, entry.shown("portmap.version", "portmap.rpcb.version")[0]
        for transport, port in zip(entry.shown("portmap.proto"), entry.shown("portmap.port"), strict=False):
            yield f"{number} version {version} {TRANSPORTS.get(transport, transport)}/{port}"
    for entry in frame.parts("portmap.rpcb.prog"):
        netid, address = entry.shown("portmap.rpcb.netid")[0], entry.shown("portmap.rpcb.addr")[0]
        version = entry.shown("portmap.rpcb.version")[0]
        if netid[:3] in ("udp", "tcp"):
            host, high, low = address.rsplit(".", 2)
            address = f"{host} port {int(high) * 256 + int(low)}"
        yield f"{entry.fields[0].show} version {version} {netid} {address}"


def accept_state(frame: Frame) -> list[str]:
    state = frame.number("rpc.state_accept")
    return [ACCEPT_STATES[state]] if state > 0 else []


def offered_versions(frame: Frame) -> list[str]:
    low, high = frame.number("rpc.programversion.min"), frame.number("rpc.programversion.max")
    return [f"versions {low} to {high}"] if low >= 0 else []


KERBEROS: Table = {
    ("kerberos", "clock"): Comparison(kerberos_clock),
    ("kerberos", "error"): Comparison(kerberos_errors, kerberos_error),
    ("kerberos", "realm"): shown("kerberos.crealm", "kerberos.realm"),
    ("kerberos", "principal"): Comparison(principal("kerberos.cname_element", "kerberos.CNameString"), first_word),
    ("kerberos", "server-name"): Comparison(principal("kerberos.sname_element", "kerberos.SNameString")),
    ("kerberos", "encryption-type"): Comparison(encryption_types),
    ("kerberos", "salt"): shown("kerberos.info2_salt"),
    ("kerberos", "text"): shown("kerberos.e_text"),
}
LDAP: Table = {
    ("ldap", "attribute"): Comparison(other_attributes),
    ("ldap", "naming-context"): of_kind("naming-context"),
    ("ldap", "host-name"): of_kind("host-name", "mscldap.hostname"),
    ("ldap", "server-name"): of_kind("server-name"),
    ("ldap", "software"): of_kind("software"),
    ("ldap", "clock"): Comparison(current_time),
    ("ldap", "domain"): shown("mscldap.domain"),
    ("ldap", "domain-guid"): shown("mscldap.domain.guid"),
    ("ldap", "forest"): shown("mscldap.forest"),
    ("ldap", "netbios-domain"): logon("mscldap.nb_domain"),
    ("ldap", "netbios-name"): logon("mscldap.nb_hostname"),
    ("ldap", "site"): shown("mscldap.sitename", "mscldap.clientsitename"),
    ("ldap", "error"): Comparison(ldap_errors),
    ("ldap", "text"): shown("ldap.errorMessage"),
}
SNMP: Table = {
    ("snmp", "version"): Comparison(
        lambda frame: [VERSIONS[one.named] for one in frame.all("snmp.version", "snmp.msgVersion")]
    ),
    ("snmp", "community"): Comparison(community),
    ("snmp", "engine-id"): Comparison(
        lambda frame: [one.value for one in frame.all("snmp.msgAuthoritativeEngineID") if one.value]
    ),
    ("snmp", "vendor"): Comparison(vendors, enterprise),
    ("snmp", "mac-address"): Comparison(lambda frame: authoritative(frame).shown("snmp.engineid.mac")),
    ("snmp", "engine-boots"): Comparison(engine_boots),
    ("snmp", "uptime"): Comparison(uptime),
    ("snmp", "error"): Comparison(snmp_errors, first_word),
    ("snmp", "system-description"): system(1),
    ("snmp", "system-contact"): system(4),
    ("snmp", "system-name"): system(5),
    ("snmp", "system-location"): system(6),
}


TABLE: Table = {
    **KERBEROS,
    **LDAP,
    **SNMP,
    ("portmap", "program"): Comparison(programs, lambda value: re.sub(r"^\S+ \((\d+)\)", r"\1", value)),
    ("portmap", "port"): Comparison(lambda frame: [] if frame.all("portmap.prog") else frame.shown("portmap.port")),
    ("portmap", "error"): Comparison(accept_state, first_word),
    ("portmap", "version"): Comparison(offered_versions),
    ("slp", "location"): shown("srvloc.url.url"),
    ("slp", "attribute"): shown("srvloc.item"),
}
