"""NetBIOS datagrams: octets to facts."""

import pytest

from tests.protocols.test_nbdgm import HOST, NEGATIVE, SAMPLES, announcement, backup, browser, carried, header, name

from . import Facts, assert_cut_tells_less, told

TELLING: dict[str, tuple[bytes, Facts]] = {
    "host": (
        HOST,
        [
            ("host-name", "QF98E"),
            ("workgroup", "WORKGROUP"),
            ("os-version", "6.1"),
            ("role", "print server, master browser"),
            ("comment", "Mac OS X"),
        ],
    ),
    "host without a comment": (
        carried(browser(announcement(15, comment=""))),
        [
            ("host-name", "QF98E"),
            ("workgroup", "WORKGROUP"),
            ("os-version", "6.1"),
            ("role", "print server, master browser"),
        ],
    ),
    "workgroup": (
        carried(browser(announcement(12, "WORKGROUP", "QF98E"))),
        [("host-name", "QF98E"), ("workgroup", "WORKGROUP"), ("master-browser", "QF98E")],
    ),
    "backup browsers": (carried(browser(backup(10, 7))), [("host-name", "QF98E"), ("backup-browser", "QF98E")]),
    "other data": (carried(b"x"), [("host-name", "QF98E")]),
    "error": (SAMPLES["datagram error"], [("error", "destination name not present")]),
    "unknown error": (SAMPLES["datagram error"][:-1] + b"\x99", [("error", "error 153")]),
    "answer": (header(NEGATIVE, 1) + name("X", 0), [("text", "the name is not known")]),
}


@pytest.mark.parametrize("name", TELLING)
def test_datagram_tells(name: str) -> None:
    octets, facts = TELLING[name]
    assert told("nbdgm", octets) == facts


@pytest.mark.parametrize("name", ["host", "workgroup", "backup browsers"])
def test_cut_datagram_tells_less(name: str) -> None:
    octets = TELLING[name][0]
    for length in range(1, len(octets)):
        facts = told("nbdgm", octets[:length])
        assert {fact for fact in facts if fact[0] != "malformed"} <= set(TELLING[name][1]), length


def test_cut_host_announcement_says_so() -> None:
    assert_cut_tells_less("nbdgm", carried(b""))
    assert told("nbdgm", HOST[:-1])[-1] == ("malformed", f"ends early, after {len(HOST) - 1} octets")
