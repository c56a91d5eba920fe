"""The lab's parts that need no namespaces: audit files, expected verdicts, captures rewritten, the log's records."""

import struct
from pathlib import Path

import pytest
from click.testing import CliRunner

from capanalyze.audit import load_audit
from tests.build import pcap
from tests.lab import audits, firewall_log, listing
from tests.lab.__main__ import main
from tests.lab.audits import Promise, Span
from tests.lab.captures import STEP, raw_to_ppp, step_back
from tests.lab.expect import expected
from tests.lab.inside import setting_of
from tests.lab.settings import SETTINGS, chosen
from tests.lab.truth import Row, Writer, read

SECOND = 1_700_000_000


def row(port: str, verdict: str, at: float = SECOND, zone: str = "lan") -> Row:
    return Row(at, zone, 4, "service", port, "probe", verdict, 0.5)


def write(folder: Path, promise: Promise, rows: list[Row]) -> None:
    head = audits.head("One", ("en0",))
    (folder / "audit.toml").write_text(head + audits.section(promise, [f"{promise.name}.en0.pcap"]))
    (folder / f"{promise.name}.en0.pcap").write_bytes(pcap([]))
    writer = Writer(folder / f"{promise.name}.lan.truth.tsv")
    for one in rows:
        writer.note(one)


@pytest.mark.parametrize(
    ("promise", "verdicts"),
    [
        (Promise("m", "M", "block"), ["leaked", "refused", "silent", "allowed", "unproven"]),
        (Promise("m", "M", "block", stealth=True), ["leaked", "visible", "silent", "leaked", "unproven"]),
        (Promise("m", "M", "allow"), ["allowed", "refused", "silent", "allowed", "unproven"]),
        (Promise("m", "M", "block", ("ntp", "tcp/22")), ["allowed", "refused", "silent", "allowed", "unproven"]),
    ],
)
def test_verdicts_follow_from_the_best_that_a_client_got(tmp_path: Path, promise: Promise, verdicts: list[str]) -> None:
    services = ("ntp", "tcp/9", "tcp/22", "icmp", "nbdgm")
    rows = [
        row("udp/123", "silent"),
        row("udp/123", "replied"),
        row("udp/123", "rejected"),
        row("tcp/9", "silent"),
        row("tcp/9", "rejected"),
        row("tcp/22", "silent"),
        row("icmp/8", "replied"),
        row("udp/138", "silent"),
        row("-", "-"),
        row("udp/123", "replied", zone="outbound"),
    ]
    write(tmp_path, promise, rows)
    assert expected(tmp_path) == {
        ("m", "lan", service): verdict for service, verdict in zip(services, verdicts, strict=True)
    }


def test_silence_is_held_back_where_the_service_answers_under_another_mode(tmp_path: Path) -> None:
    shut, free = Promise("shut", "S", "block"), Promise("free", "F", "allow")
    write(tmp_path, free, [row("tcp/22", "replied")])
    write(tmp_path, shut, [row("tcp/22", "silent"), row("tcp/25", "silent")])
    sections = [audits.section(one, [f"{one.name}.en0.pcap"]) for one in (shut, free)]
    (tmp_path / "audit.toml").write_text(audits.head("One", ("en0",)) + "".join(sections))
    assert {key: verdict for key, verdict in expected(tmp_path).items() if key[0] == "shut"} == {
        ("shut", "lan", "tcp/22"): "blocked",
        ("shut", "lan", "tcp/25"): "silent",
    }


def test_what_was_asked_before_the_capture_began_is_not_its_business(tmp_path: Path) -> None:
    write(tmp_path, Promise("m", "M", "block"), [row("tcp/1", "replied", SECOND - 2), row("tcp/2", "replied")])
    frame = b"\x45" + bytes(19)
    (tmp_path / "m.en0.pcap").write_bytes(pcap([(SECOND, frame)]))
    assert expected(tmp_path) == {("m", "lan", "tcp/2"): "leaked"}


def test_a_truth_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "m.lan.truth.tsv"
    for one in (row("tcp/1", "replied"), row("tcp/2", "silent")):  # two probers, one after the other
        Writer(path).note(one)
    assert read(path) == [row("tcp/1", "replied"), row("tcp/2", "silent")]


def test_a_flip_is_described_by_its_times(tmp_path: Path) -> None:
    text = audits.head("Flip", ("en0", "ppp0"), (4,))
    text += audits.section(Promise("a", "A", "block"), ["x.en0.pcap"], (Span(0, SECOND), Span(SECOND + 5, 0)))
    text += audits.section(Promise("b", "B", "allow"), ["x.en0.pcap"], (Span(SECOND, SECOND + 5),))
    (tmp_path / "audit.toml").write_text(text)
    (tmp_path / "x.en0.pcap").write_bytes(pcap([]))
    audit = load_audit(tmp_path / "audit.toml")
    (capture,) = audit.captures
    moments = (SECOND - 1, SECOND, SECOND + 4, SECOND + 5)
    assert [capture.mode_at(moment * 10**9) for moment in moments] == ["a", "b", "b", "a"]
    assert audit.target == ("198.51.100.10", "203.0.113.10")


def frames(path: Path) -> list[tuple[float, bytes]]:
    octets, at, found = path.read_bytes(), 24, []
    while at < len(octets):
        seconds, fraction, size, _ = struct.unpack_from("<4I", octets, at)
        found.append((seconds + fraction / 1e6, octets[at + 16 : at + 16 + size]))
        at += 16 + size
    return found


def test_raw_ip_becomes_ppp(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap([(SECOND, b"\x45abc"), (SECOND, b"\x60abc")], link=101))
    raw_to_ppp(path)
    assert struct.unpack_from("<I", path.read_bytes(), 20) == (9,)
    assert [frame for _, frame in frames(path)] == [b"\xff\x03\x00\x21\x45abc", b"\xff\x03\x00\x57\x60abc"]


def test_the_clock_is_set_back_from_a_moment_on(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap([(SECOND + after, b"\x45") for after in (0, 1, 2)]))
    step_back(path, SECOND + 1)
    back = STEP / 1e6
    assert [time - SECOND for time, _ in frames(path)] == [0, 1 - back, 2 - back]


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=2H", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def test_the_log_is_read_from_nflog(tmp_path: Path) -> None:
    tcp = b"\x45" + bytes(8) + b"\x06" + bytes(2) + bytes([192, 0, 2, 1, 192, 0, 2, 2]) + b"\x04\x00\x00\x16"
    echo = b"\x60" + bytes(5) + b"\x3a\x40" + bytes(15) + b"\x01" + bytes(15) + b"\x02" + b"\x80\x00"
    stamp = attribute(firewall_log.STAMP, struct.pack(">2Q", SECOND, 500_000))
    records = [
        bytes(4) + stamp + attribute(firewall_log.PREFIX, b"Deny \0") + attribute(firewall_log.PAYLOAD, tcp),
        bytes(4) + stamp + attribute(firewall_log.PREFIX, b"Deny \0") + attribute(firewall_log.PAYLOAD, echo),
        bytes(4) + attribute(firewall_log.PREFIX, b"\0"),
    ]
    path = tmp_path / "log.pcap"
    path.write_bytes(pcap([(SECOND + 1, record) for record in records]))
    assert list(firewall_log.entries(path)) == [
        firewall_log.Entry(SECOND + 0.5, "Deny", "192.0.2.1", firewall_log.TCP, 22),
        firewall_log.Entry(SECOND + 0.5, "Deny", "::1", firewall_log.ICMP6, 128),
    ]
    known = [firewall_log.Listener("sshd", 0, firewall_log.TCP, 22)]
    first, second = firewall_log.lines(path, known).splitlines()
    assert first == "Nov 14 22:13:20 Qf98e Firewall[44]: Deny sshd connecting from 192.0.2.1:22 uid = 0 proto=6"
    assert second.endswith("Stealth Mode connection attempt to ICMPv6 port 128 from ::1")


def test_settings_are_chosen_by_mode_or_folder() -> None:
    assert [one.key for one in chosen(("leopard", "ufw/off"))] == [
        "leopard/allow-all",
        "leopard/specific-services",
        "leopard/block-all",
        "ufw/off",
    ]
    assert {one.name for one in chosen(("off",))} == {"off"}
    assert len(chosen(("off",))) == 11
    assert chosen(()) == list(SETTINGS)
    result = CliRunner().invoke(main, ["record", "--out", "x", "--modes", "leopard,none"])
    assert result.exit_code == 2
    assert "'none' is none of leopard, allow-all, " in result.stderr


def test_no_two_settings_have_one_key() -> None:
    assert len({one.key for one in SETTINGS}) == len(SETTINGS)


def test_a_capture_of_all_interfaces_has_their_numbers_for_zones(tmp_path: Path) -> None:
    text = audits.head("Any", ("any",), (4,)) + audits.section(Promise("m", "M", "block"), ["m.any.pcap"])
    (tmp_path / "audit.toml").write_text(text)
    (tmp_path / "m.any.pcap").write_bytes(pcap([]))
    audit = load_audit(tmp_path / "audit.toml")
    assert audit.zones == {"if2": "lan", "if3": "internet"}
    assert audit.target == ("198.51.100.10", "203.0.113.10")


def test_rules_of_ones_own_are_a_setting() -> None:
    setting = setting_of(["mine", "/rules.nft", "block", "stealth", "tcp/22", "ntp"])
    assert setting.promise == Promise("mine", "mine", "block", ("tcp/22", "ntp"), stealth=True)
    assert (setting.folder, setting.rules) == ("own", "/rules.nft")


def test_pictures_and_the_readme_itself_are_not_listed(tmp_path: Path) -> None:
    for name in ("README.md", "leaks.png", "b.pcap"):
        (tmp_path / name).touch()
    assert [line.split("|")[1].strip() for line in listing.table(tmp_path).splitlines()[2:]] == ["`b.pcap`"]
