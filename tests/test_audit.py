"""Audit files and options: what is taken, and what one line says where they are wrong."""

from pathlib import Path

import pytest

from capanalyze.audit import Audit, Segment, audit_of, load_audit, parts_of_name
from capanalyze.errors import AuditError
from tests.build import START, pcap

MODE = '[modes.block-all]\npromise = "block"\ncaptures = ["a.pcap"]\n'


def load(folder: Path, text: str) -> Path:
    for name in ("a.pcap", "b.pcap", "c.en0.pcap"):
        (folder / name).touch()
    path = folder / "audit.toml"
    path.write_text(text)
    return path


def test_a_whole_audit_file(tmp_path: Path) -> None:
    text = """
        title = "Leopard firewall"
        [target]
        addresses = ["192.0.2.10", "FD00::10"]
        [zones]
        en0 = "lan"
        "198.51.100.0/24" = "dmz"
        [modes.strict]
        title = "Strict"
        promise = "block"
        allow = ["tcp/22", "ntp"]
        stealth = true
        captures = ["*.pcap"]
    """
    audit = load_audit(load(tmp_path, text))
    assert audit.title == "Leopard firewall"
    assert audit.target == ("192.0.2.10", "fd00::10")
    assert audit.zones == {"en0": "lan", "198.51.100.0/24": "dmz"}
    assert [file.name for file in audit.captures] == ["a.pcap", "b.pcap", "c.en0.pcap"]
    (mode,) = audit.used_modes()
    assert (mode.name, mode.title, mode.promise, mode.allow, mode.stealth) == (
        "strict",
        "Strict",
        "block",
        ("tcp/22", "ntp"),
        True,
    )


def test_a_capture_in_two_modes_one_after_the_other(tmp_path: Path) -> None:
    text = """
        [modes.open]
        promise = "allow"
        captures = [{ file = "a.pcap", until = 2007-10-29T10:00:00Z }]
        [modes.shut]
        promise = "block"
        captures = [{ file = "a.pcap", since = 2007-10-29T10:00:00 }]
    """
    (file,) = load_audit(load(tmp_path, text)).captures
    noon = 1_193_652_000 * 10**9
    assert file.segments == (Segment("open", None, noon), Segment("shut", noon, None))
    assert [file.mode_at(time) for time in (noon - 1, noon, None)] == ["open", "shut", None]


def test_a_capture_may_be_named_once_for_each_of_its_interfaces(tmp_path: Path) -> None:
    text = """
        [modes.open]
        promise = "allow"
        captures = [{ file = "a.pcap", interfaces = [2, 0] }]
        [modes.shut]
        promise = "block"
        captures = [{ file = "a.pcap", interfaces = [1], until = 2007-10-29T10:00:00Z }]
    """
    opened, shut = load_audit(load(tmp_path, text)).captures
    assert (opened.name, opened.interfaces) == ("a.pcap (interfaces 0, 2)", (0, 2))
    assert (shut.name, shut.interfaces) == ("a.pcap (interface 1)", (1,))
    assert [one.mode for one in (*opened.segments, *shut.segments)] == ["open", "shut"]


@pytest.mark.parametrize("second", ["", "interfaces = [1, 3], ", "interfaces = [3], "])
def test_an_interface_is_of_one_capture_only(tmp_path: Path, second: str) -> None:
    text = f"""
        [modes.shut]
        promise = "block"
        captures = [{{ file = "a.pcap", interfaces = [1, 2] }}, {{ {second}file = "a.pcap" }}]
    """
    path = load(tmp_path, text)
    if second == "interfaces = [3], ":
        assert len(load_audit(path).captures) == 2
        return
    with pytest.raises(AuditError, match=r"audit\.toml: a\.pcap is named more than once for the same interfaces$"):
        load_audit(path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            '[modes.x]\npromise = "block"\ncaptures = [{ file = "a.pcap", interfaces = [-1] }]',
            "modes.x.captures[0].interfaces[0]: is -1, expected `int` >= 0",
        ),
        ("", "the file: lacks the key `modes`"),
        ("x = [", "not TOML"),
        ("[modes]\n", "modes: is empty"),
        (MODE + "captures = 1\n", "not TOML"),
        (MODE.replace('"block"', '"deny"'), "modes.block-all.promise: is 'deny', expected 'block' or 'allow'"),
        (MODE.replace("promise", "promises"), "has an unknown key `promises`, expected promise, captures"),
        (MODE.replace('["a.pcap"]', "[]"), "modes.block-all.captures: is empty"),
        (MODE.replace("a.pcap", "z*.pcap"), "modes.block-all.captures[0]: is 'z*.pcap', expected the name of a file"),
        (MODE.replace('"a.pcap"', "7"), "modes.block-all.captures[0]: is 7, expected"),
        (MODE + 'allow = ["ssh"]\n', "modes.block-all.allow: is 'ssh', expected tcp/PORT, udp/PORT or one of"),
        (MODE + 'allow = ["tcp/99999"]\n', "is 'tcp/99999', expected tcp/PORT"),
        (MODE + "stealth = 1\n", "modes.block-all.stealth: is 1, expected `bool`"),
        ('[target]\naddresses = ["host"]\n' + MODE, "target.addresses: is 'host', expected an IPv4 or IPv6 address"),
        ("[target]\naddress = 1\n" + MODE, "target"),
        ('[zones]\n"10.0.0.1/8" = "x"\n' + MODE, "zones: is '10.0.0.1/8', expected an interface or a network"),
        ("[zones]\nen0 = 3\n" + MODE, "zones.en0: is 3, expected `str`"),
        (
            MODE.replace('"a.pcap"', '{ file = "a.pcap", from = 1 }'),
            "unknown key `from`, expected file, interfaces, since, until",
        ),
        (
            MODE.replace('"a.pcap"', '{ file = "a.pcap", since = 2007-10-29, until = 2007-10-28 }'),
            "modes.block-all.captures[0]",
        ),
        (MODE + 'allow = ["tcp"]\n', "modes.block-all.allow: is 'tcp', expected tcp/PORT"),
        (MODE + MODE.replace("block-all", "other"), "a.pcap belongs to block-all and to other at the same time"),
    ],
)
def test_a_wrong_audit_file_is_told_by_key_value_and_expectation(tmp_path: Path, text: str, reason: str) -> None:
    path = load(tmp_path, text)
    with pytest.raises(AuditError) as caught:
        load_audit(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_audit_file(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="No such file"):
        load_audit(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("block-all.ppp0.dlt_ppp.pcap", ("block-all", "ppp0")),
        ("block-all.en0.pcap.gz", ("block-all", "en0")),
        ("specific-services.en0.pcap", ("specific-services", "en0")),
        ("block-all.pcap", ("block-all", None)),
        ("block-all.both.pcapng", ("block-all", "both")),
        ("block-all.eth0.100.pcap", ("block-all", "eth0.100")),
        ("block-all.br-lan.pcap.gz", ("block-all", "br-lan")),
        ("block-all.2007.pcap", ("block-all", None)),
        ("block-all.any.pcap", ("block-all", "any")),
        ("dns.google.pcap", (None, None)),
        ("block-all", (None, None)),
        ("xblock-all.en0.pcap", (None, "en0")),
        ("block-all.ppp0.pcap3", ("block-all", "ppp0")),
        ("block-all.ppp0.pcap03", ("block-all", "ppp0")),
        ("block-all.ppp0.pcap3.gz", ("block-all", "ppp0")),
        ("block-all.ppp0.dlt_ppp.pcap12.zst", ("block-all", "ppp0")),
        ("block-all.eth0.100.pcap3", ("block-all", "eth0.100")),
        ("block-all.pcap3", ("block-all", None)),
        ("block-all.ppp0.20071029-101306.pcap", ("block-all", "ppp0")),
        ("block-all.ppp0-20071029-101306.pcap", ("block-all", "ppp0")),
        ("block-all.ppp0_2007-10-29_10:13:06.pcap3", ("block-all", "ppp0")),
        ("block-all.ppp0-1193652786.pcap", ("block-all", "ppp0")),
        ("block-all.ppp0.pcap.1193652786", ("block-all", "ppp0")),
        ("block-all.ppp0_00001_20071029101306.pcapng", ("block-all", "ppp0")),
        ("block-all.ppp0_20071029101306_00001.pcapng.gz", ("block-all", "ppp0")),
        ("block-all-20071029-101306.ppp0.pcap", ("block-all", "ppp0")),
        ("block-all-20071029-101306.pcap", ("block-all", None)),
        ("block-all_00001_20071029101306.pcapng", ("block-all", None)),
        ("block-all.20071029-101306.pcap", ("block-all", None)),
        ("block-all.20071029-101306", ("block-all", None)),
        ("block-all-2007-10-29.ppp0.pcap3", ("block-all-2007-10-29", "ppp0")),
        ("xblock-all.en0.pcap3", (None, "en0")),
    ],
)
def test_a_files_name_tells_mode_and_interface(name: str, told: tuple[str | None, str | None]) -> None:
    assert parts_of_name(name, ["block-all", "specific-services", "block-all-2007-10-29"]) == told


@pytest.mark.parametrize(
    ("name", "interface"),
    [
        ("ufw.wlp2s0.pcap", "wlp2s0"),
        ("lockdown.eth0.100.pcap", "eth0.100"),
        ("lockdown.any.pcap", "any"),
        ("office.old.pcap", None),
        ("dump.2.pcap", None),
        ("eth0.pcap", None),
    ],
)
def test_an_interface_is_read_behind_whatever_name(name: str, interface: str | None) -> None:
    assert parts_of_name(name, ["block-all"]) == (None, interface)


def test_a_name_that_is_no_mode_is_told_once(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in ("ufw.eth0.pcap", "ufw.eth1.pcap", "plain.pcap")]
    assert audit_of(paths).unknown_modes == ("ufw",)
    assert audit_of(paths, mode="block-all").unknown_modes == ()


def pieces(folder: Path, *names: str) -> list[str]:
    """Captures in this folder, each begun a minute after the one before it."""
    for minute, name in enumerate(names):
        (folder / name).write_bytes(pcap([(START + 60 * minute, b"")]))
    return [str(folder / name) for name in names]


def series_of(audit: Audit) -> list[list[str]]:
    return [[capture.name for capture in series] for series in audit.series()]


def test_the_series_of_an_audit(tmp_path: Path) -> None:
    names = pieces(tmp_path, "block-all.en0.pcap1", "block-all.en0.pcap2", "block-all.en0.pcap0", "block-all.en1.pcap")
    assert series_of(audit_of(names[::-1])) == [
        ["block-all.en1.pcap"],
        ["block-all.en0.pcap1", "block-all.en0.pcap2", "block-all.en0.pcap0"],
    ]


def test_every_piece_falls_under_the_mode_and_time_of_its_pattern(tmp_path: Path) -> None:
    names = ("open.ppp0.pcap", *(f"open.ppp0.pcap{number}" for number in range(1, 11)))
    pieces(tmp_path, *names)
    text = """
        [modes.open]
        promise = "allow"
        captures = [{ file = "open.ppp0.pcap*", until = 2007-10-29T10:15:00Z }]
        [modes.shut]
        promise = "block"
        captures = [{ file = "open.ppp0.pcap*", since = 2007-10-29T10:15:00Z }]
    """
    audit = load_audit(load(tmp_path, text))
    switch = 1_193_652_900 * 10**9
    segments = (Segment("open", None, switch), Segment("shut", switch, None))
    assert {(capture.segments, capture.interface) for capture in audit.captures} == {(segments, "ppp0")}
    assert series_of(audit) == [list(names)]


def test_pieces_that_an_audit_puts_under_two_modes_are_two_series(tmp_path: Path) -> None:
    pieces(tmp_path, "x.pcap0", "x.pcap1", "x.pcap2")
    text = """
        [modes.open]
        promise = "allow"
        captures = ["x.pcap[01]"]
        [modes.shut]
        promise = "block"
        captures = ["x.pcap2"]
    """
    assert series_of(load_audit(load(tmp_path, text))) == [["x.pcap0", "x.pcap1"], ["x.pcap2"]]


def test_an_alias_is_its_presets_mode() -> None:
    audit = audit_of(["/x/specific-services.en0.pcap"])
    assert [mode.name for mode in audit.used_modes()] == ["specific"]
    assert audit.mode("specific").allow == ("tcp/22",)


def test_files_of_one_name_are_told_apart_by_their_folders() -> None:
    assert [file.name for file in audit_of(["/x/a.pcap", "/y/a.pcap"]).captures] == ["/x/a.pcap", "/y/a.pcap"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"mode": "open"}, "--mode: is 'open', expected one of allow-all, specific, block-all, specific-services"),
        ({"target": ("x",)}, "--target: is 'x', expected an IPv4 or IPv6 address"),
        ({"zones": ("en0",)}, "--zone: is 'en0', expected INTERFACE=ZONE"),
        ({"zones": ("=lan",)}, "--zone: is '=lan'"),
        ({"zones": ("1.2.3.4/99=lan",)}, "--zone: is '1.2.3.4/99', expected an interface or a network"),
    ],
)
def test_a_wrong_option_is_told(options: dict[str, str], reason: str) -> None:
    with pytest.raises(AuditError) as caught:
        audit_of(["a.pcap"], **options)  # type: ignore[arg-type]
    assert reason in str(caught.value)
