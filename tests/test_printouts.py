"""What findings say is what the clients' own programs printed (`*.probes.txt`): what was disclosed, and the outcome.

Left alone is what no finding speaks of: the client's own times and hints, and what ssh says that went encrypted.
"""

import ast
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from capanalyze.analysis import analyze
from capanalyze.audit import audit_of
from capanalyze.cli import main
from tests.conftest import PCAPS, SHARED
from tests.lab.truth import SERVICES

LAB = SHARED / "captures" / "lab"
INTERFACES = {"lan": "en0", "internet": "ppp0", "home1": "ppp0", "home2": "ppp0", "outbound": "ppp0"}
ANY = "any"  # a capture of all interfaces, of a container too
COMMAND, DATAGRAM = "$ ", "# "
BLOCK = re.compile(r"^(?=\$ |# )", re.MULTILINE)

Fact = tuple[str, str, str]  # service, kind, value
Reader = Callable[[list[str], str], Iterator[Fact]]


def found(pattern: str, printed: str) -> list[tuple[str, ...]]:
    """What a program printed, by the groups of a pattern whose `^` and `$` are those of a line."""
    return [match.groups("") for match in re.finditer(pattern, printed, re.MULTILINE)]


def outcome(service: str, printed: str, replied: str) -> Iterator[Fact]:
    """Whether the program was answered, refused, or neither."""
    if found(replied, printed):
        yield service, "outcome", "replied"
    elif found("(?i)refused|unreachable|permission denied|no route to host", printed):
        yield service, "outcome", "rejected"
    else:
        yield service, "outcome", "silent"


def ping(_: list[str], printed: str) -> Iterator[Fact]:
    yield from outcome("icmp", printed, "bytes from")


def ntpdate(_: list[str], printed: str) -> Iterator[Fact]:
    """It does not tell a refusal from silence."""
    for (stratum,) in found(r"^\S+ \S+ \(\+0000\) .* s(\d+) ", printed):
        yield "ntp", "outcome", "replied"
        yield "ntp", "stratum", stratum


def nmblookup(_: list[str], printed: str) -> Iterator[Fact]:
    for name, suffix, group in found(r"^\t(\S+) +<([0-9a-f]{2})> - (<GROUP>)?", printed):
        yield "nbns", "name", f"{name}<{suffix}> {'group' if group else 'unique'}"
    for (address,) in found(r"^(\S+) \S+<[0-9a-f]{2}>$", printed):
        yield "nbns", "address", address


def dig(words: list[str], printed: str) -> Iterator[Fact]:
    if "8053" in words:
        yield from outcome("udp/8053", printed, r"^[\d.]+$")
        return
    if "5353" not in words:
        yield from (("dns", "answer", f"{words[2]} A {address}") for (address,) in found(r"^([\d.]+)$", printed))
        return
    yield from outcome("mdns", printed, "ANSWER: [1-9]")
    yield from (("mdns", "instance", name) for (name,) in found(r"\sIN\s+PTR\s+(\S+)\.$", printed))
    for port, host in found(r"\sIN\s+SRV\s+\d+ \d+ (\d+) (\S+)\.$", printed):
        yield "mdns", "endpoint", f"{host}:{port}"
        yield "mdns", "host-name", host
    yield from (("mdns", "address", address) for (address,) in found(r"\sIN\s+A(?:AAA)?\s+(\S+)$", printed))


def netcat(words: list[str], printed: str) -> Iterator[Fact]:
    """An echo over UDP that is not heard may have been asked by somebody else just then."""
    service = f"{'udp' if '-u' in words else 'tcp'}/{words[-1]}"
    if service.startswith("tcp"):
        yield from outcome(service, printed, "succeeded!")
    elif "echo-me" in printed:
        yield service, "outcome", "replied"
    for version, software in found(r"^SSH-([\d.]+)-(.+)$", printed):
        yield service, "protocol", f"SSH {version}"
        yield service, "software", software
    for kind, pattern in (("status", r"^(HTTP/.+)$"), ("server", r"^Server: (.+)$"), ("banner", r"^(backdoor: .*)$")):
        yield from ((service, kind, value) for (value,) in found(pattern, printed))


def ssh(_: list[str], printed: str) -> Iterator[Fact]:
    yield from outcome("tcp/22", printed, "Permission denied|Connection closed by")


def kinit(_: list[str], printed: str) -> Iterator[Fact]:
    """It asks over TCP where UDP is silent; the realm that is printed is the one that it named."""
    for (principal,) in found(r"Client '(\S+)@\S+' not found in Kerberos database", printed):
        yield "kerberos", "principal", f"{principal} (does not exist)"


PROGRAMS: dict[str, Reader] = {
    "dig": dig,
    "kinit": kinit,
    "nc": netcat,
    "nmblookup": nmblookup,
    "ntpdate": ntpdate,
    "ping": ping,
    "sh": netcat,
    "ssh": ssh,
}
SENT = re.compile(r"\S+ -> \[\S+\]:(\d+) (\w+) (.*)")
CONTROL, VARIABLES = 0x16, 12  # NTP version 2, mode 6, and where its text begins (RFC 1305 appendix B)
# What a mode discloses that its programs did not print: a datagram of the prober's own, or nmap, drew it.
ELSEWHERE = {
    "boot": {("ntp", "stratum", "0")},
    "allow-all": {("nbns", "name", "WORKGROUP<1d> unique")},
}
# What a client's program takes for an answer, and is none: a connection that is closed without a word.
NO_ANSWER = {"published": {("tcp/80", "outcome", "replied")}}


def printouts() -> dict[tuple[Path, str, str], list[Path]]:
    """The printouts that belong to a capture, by its folder, mode and interface."""
    grouped: dict[tuple[Path, str, str], list[Path]] = defaultdict(list)
    for path in [*sorted(PCAPS.glob("*/*.probes.txt")), *sorted(LAB.glob("*.probes.txt"))]:
        mode, client, *_ = path.name.split(".")
        of_all = (path.parent / f"{mode}.{ANY}.pcap").exists() and path.parent != LAB
        grouped[path.parent, mode, ANY if of_all else INTERFACES[client]].append(path)
    return grouped


def blocks(paths: list[Path], mark: str) -> Iterator[tuple[str, str]]:
    """What was run, or sent, and what was printed then."""
    for path in paths:
        for block in BLOCK.split(path.read_text("utf-8", "replace")):
            if block.startswith(mark):
                line, _, printed = block.removeprefix(mark).partition("\n")
                yield line, printed


def printed_by_programs(paths: list[Path]) -> set[Fact]:
    """All that the readers make of what the programs printed."""
    runs = [(line.split(), printed) for line, printed in blocks(paths, COMMAND)]
    return {fact for words, printed in runs for fact in PROGRAMS[words[0]](words, printed)}


def sent(paths: list[Path]) -> Iterator[tuple[str, str, bytes]]:
    """The service that a datagram of the prober's own asked, what came of it, and the reply's first octets."""
    for line, _ in blocks(paths, DATAGRAM):
        if (match := SENT.fullmatch(line.strip())) is None:
            raise AssertionError(line)
        port, verdict, octets = match.groups()
        yield SERVICES.get(f"udp/{port}", f"udp/{port}"), verdict, ast.literal_eval(octets)


def as_fact(service: str, kind: str, value: str) -> Fact:
    """What was disclosed, in the words that the readers use: nmblookup does not say what a name stands for."""
    return service, kind, value.partition(":")[0] if service == "nbns" and kind == "name" else value


def told_by_findings(path: Path) -> set[Fact]:
    """What the findings of a capture say."""
    findings = analyze(audit_of([str(path)], target=TARGETS)).findings
    facts = {as_fact(one.service, fact.kind, fact.value) for one in findings for fact in one.disclosures}
    silent = {(one.service, "outcome", "silent") for one in findings if one.unproven}
    drew = {(one.service, "outcome", name) for one in findings for name in OUTCOMES if getattr(one, name)}
    return facts | silent | drew


def told_by_exchanges(path: Path) -> set[Fact]:
    """What the exchanges of a capture say, for a target that only asks has no findings."""
    words = ["exchanges", "--format", "jsonl", "--disclosures", str(path)]
    rows = [json.loads(line) for line in CliRunner().invoke(main, words).stdout.splitlines()]
    facts = {as_fact(row["service"], fact["kind"], fact["value"]) for row in rows for fact in row["disclosures"]}
    return facts | {(row["service"], "outcome", row["outcome"]) for row in rows}


CAPTURES = printouts()
OUTCOMES = ("replied", "rejected", "silent")
TARGETS = ("198.51.100.10", "203.0.113.10", "fd00:1ab::10", "2001:db8:99::10")
parametrized = pytest.mark.parametrize(
    ("capture", "paths"),
    [(folder / f"{mode}.{interface}.pcap", paths) for (folder, mode, interface), paths in CAPTURES.items()],
    ids=[f"{folder.name}-{mode}-{interface}" for folder, mode, interface in CAPTURES],
)


def test_every_program_is_read() -> None:
    """None is without a reader, and each reader finds something."""
    runs = [(line.split(), printed) for paths in CAPTURES.values() for line, printed in blocks(paths, COMMAND)]
    assert {words[0] for words, _ in runs} == set(PROGRAMS)
    assert {words[0] for words, printed in runs if any(PROGRAMS[words[0]](words, printed))} == set(PROGRAMS)


@parametrized
def test_findings_say_what_the_programs_printed(capture: Path, paths: list[Path]) -> None:
    """No less; and of a kind that a program printed, no more."""
    mode = capture.name.partition(".")[0]
    printed = printed_by_programs(paths)
    asks = mode == "client" or f".{ANY}." in capture.name
    told = told_by_exchanges(capture) if asks else told_by_findings(capture)
    assert printed - told == NO_ANSWER.get(capture.parent.name, set())
    kinds = {fact[:2] for fact in printed if fact[1] != "outcome"}
    assert {fact for fact in told - printed if fact[:2] in kinds} <= ELSEWHERE.get(mode, set())


@parametrized
def test_findings_say_what_came_of_datagrams(capture: Path, paths: list[Path]) -> None:
    """What came back stands in the capture, too. A silence may be of one that could hear no error."""
    frames = capture.read_bytes()
    told = told_by_findings(capture)
    for service, verdict, octets in sent(paths):
        assert verdict == "silent" or (service, "outcome", verdict) in told
        assert octets in frames
        if service == "ntp-control" and octets[:1] == bytes([CONTROL]):
            variables = re.findall(rb"(\w+=[^,]*),", octets[VARIABLES:])
            assert {("ntp-control", "ntp-variable", variable.decode()) for variable in variables} <= told
            assert variables


@pytest.mark.parametrize("zone", ["lan", "internet"])
@pytest.mark.parametrize("folder", [PCAPS / "leopard", LAB], ids=["leopard", "lab"])
def test_block_all_discloses_what_the_clients_read(folder: Path, zone: str) -> None:
    """The article's claim: the time server, the name table and its master browser, the Bonjour instances."""
    printed = folder / f"block-all.{zone}.probes.txt"
    if not printed.exists():
        pytest.skip(f"{printed.name} is not here")
    read = {fact[:2] for fact in printed_by_programs([printed])}
    assert read >= {("ntp", "stratum"), ("nbns", "name"), ("nbns", "address"), ("mdns", "instance")}
    findings = analyze(audit_of([str(folder / f"block-all.{INTERFACES[zone]}.pcap")], target=TARGETS)).findings
    told = {one.service: {(fact.kind, fact.value) for fact in one.disclosures} for one in findings}
    assert ("name", "..__MSBROWSE__.<01> group: master browser") in told["nbns"]
    assert ("reference-id", "127.0.0.1") in told["ntp"]
    clocks = [micros(value) for kind, value in told["ntp"] if kind == "clock"]
    for line, text in blocks([printed], COMMAND):
        for date, time, fraction in found(r"^(\S+) (\S+)\.(\d+) \(\+0000\)", text):
            moment = micros(f"{date}T{time}.{fraction:0>6}Z")
            assert min(abs(clock - moment) for clock in clocks) <= 1, line  # ntpdate rounds


def micros(time: str) -> int:
    """Microseconds since 1970."""
    return (datetime.fromisoformat(time) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
