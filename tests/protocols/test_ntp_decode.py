"""NTP replies: octets to facts, each with tshark's summary above it."""

import pytest

from capanalyze.protocols import ntp

from . import Facts, assert_bounded, assert_cut_tells_less, told

TIME: dict[str, tuple[str, Facts]] = {
    # NTP Version 4, server (a capture of ntpsec following its own clock)
    "ntpsec": (
        "240200e800000000000000007f0000010000000000000000eeae3776ed0b2800eeae3776ed141f93eeae3776ed1931fc",
        [
            ("version", "NTPv4"),
            ("stratum", "2"),
            ("reference-id", "127.0.0.1"),
            ("precision", "2^-24 s"),
            ("clock", "2026-11-23T03:54:30.926165Z"),
        ],
    ),
    # NTP Version 4, server
    "local clock": (
        "240100e800000000000000004c4f4f500000000000000000eeae380adf4d8800eeae380adf610d24eeae380adf6b275c",
        [
            ("version", "NTPv4"),
            ("stratum", "1"),
            ("reference-id", "LOOP"),
            ("precision", "2^-24 s"),
            ("clock", "2026-11-23T03:56:58.872728Z"),
        ],
    ),
    # NTP Version 4, server
    "upstream server": (
        "240306ee00000a3d000001471148ff0bcad02e1880000000cacb123411111111cad030b2f1ebfa8fcad030b2f1ebfa8f",
        [
            ("version", "NTPv4"),
            ("stratum", "3"),
            ("reference-id", "17.72.255.11"),
            ("precision", "2^-18 s"),
            ("root-delay", "0.039993 s"),
            ("root-dispersion", "0.004990 s"),
            ("reference-time", "2007-10-29T10:02:00.500000Z"),
            ("clock", "2007-10-29T10:13:06.945006Z"),
        ],
    ),
    # NTP reserved, server
    "version 5": (
        "2c0206ee00000002100000000000002000000000000000000000000000000000ea23dc8c2d700f00ea23dc8c2d710f00",
        [
            ("version", "NTPv5"),
            ("stratum", "2"),
            ("precision", "2^-18 s"),
            ("root-delay", "0.000000 s"),
            ("root-dispersion", "1.000000 s"),
            ("clock", "2024-06-24T11:52:44.177506Z"),
        ],
    ),
    # NTP reserved, server
    "version 5, TAI, unsynchronised": (
        "ec0000000000000000000000010000000000000000000000000000000000000000000000000000000000000000000001",
        [("version", "NTPv5"), ("stratum", "0"), ("unsynchronised", "leap indicator 3, stratum 0")],
    ),
    # NTP Version 3, server
    "GPS, leap second": (
        "5c0106ec000000000000001047505300cad02e1880000000cacb123411111111cad030b2f1ebfa8fcad030b2f1ebfa8f",
        [
            ("version", "NTPv3"),
            ("stratum", "1"),
            ("leap-second", "the day's last minute has 61 seconds"),
            ("reference-id", "GPS"),
            ("precision", "2^-20 s"),
            ("root-dispersion", "0.000244 s"),
            ("reference-time", "2007-10-29T10:02:00.500000Z"),
            ("clock", "2007-10-29T10:13:06.945006Z"),
        ],
    ),
    # NTP Version 4, server
    "kiss-o'-death": (
        "e40006000000000000000000524154450000000000000000cacb123411111111cad030b2f1ebfa8fcad030b2f1ebfa8f",
        [
            ("version", "NTPv4"),
            ("stratum", "0"),
            ("unsynchronised", "leap indicator 3, stratum 0"),
            ("kiss-o'-death", "RATE (rate exceeded)"),
            ("clock", "2007-10-29T10:13:06.945006Z"),
        ],
    ),
    # NTP Version 4, server
    "just booted": (
        "e40006ec0000000000000000494e49540000000000000000cacb123411111111cad030b2f1ebfa8fcad030b2f1ebfa8f",
        [
            ("version", "NTPv4"),
            ("stratum", "0"),
            ("unsynchronised", "leap indicator 3, stratum 0"),
            ("kiss-o'-death", "INIT (not yet synchronised)"),
            ("precision", "2^-20 s"),
            ("clock", "2007-10-29T10:13:06.945006Z"),
        ],
    ),
    # NTP Version 4, server
    "all unset": (
        "e40000000000000000000000000000000000000000000000cacb12341111111100000000000000000000000000000000",
        [("version", "NTPv4"), ("stratum", "0"), ("unsynchronised", "leap indicator 3, stratum 0")],
    ),
    # NTP Version 4, symmetric passive
    "stratum 16": (
        "e21006ec0000000000000000000000000000000000000000cacb123411111111cad030b2f1ebfa8fcad030b2f1ebfa8f",
        [
            ("version", "NTPv4"),
            ("stratum", "16"),
            ("unsynchronised", "leap indicator 3, stratum 16"),
            ("precision", "2^-20 s"),
            ("clock", "2007-10-29T10:13:06.945006Z"),
        ],
    ),
    # NTP Version 4, server (Transmit Timestamp: Jan  1, 2040)
    "era 1": (
        "240206ec0000000000000000c00002010000000000000000cacb1234111111110754fd00000000000754fd0000000000",
        [
            ("version", "NTPv4"),
            ("stratum", "2"),
            ("reference-id", "192.0.2.1"),
            ("precision", "2^-20 s"),
            ("clock", "2040-01-01T00:00:00.000000Z"),
        ],
    ),
}

CONTROL: dict[str, tuple[str, Facts]] = {
    # NTP Version 2, control
    "one variable": (
        "16820001000000000000001476657273696f6e3d226e74706420342e322e3222",
        [("ntp-control", "read variables"), ("ntp-variable", "version=ntpd 4.2.2")],
    ),
    # NTP Version 2, control (a comma within quotes, a variable without and one with an empty value)
    "quotes": (
        (
            "1682000100000000000000466461656d6f6e2c2076657273696f6e3d226e74706420342e322e387031352c20706174"
            "636865642028312922"
            "2c20656d7074793d2c0d0a73797374656d3d22554e4958220d0a0000"
        ),
        [
            ("ntp-control", "read variables"),
            ("ntp-variable", "version=ntpd 4.2.8p15, patched (1)"),
            ("ntp-variable", "system=UNIX"),
        ],
    ),
    # NTP Version 2, control (Offset: 468; it begins within a variable)
    "continued": (
        (
            "168200010000000001d4002b342d52454c45415345222c20706565723d343731312c2072656669643d31372e37322e"
            "3235352e31310d0a00"
        ),
        [
            ("ntp-control", "read variables"),
            ("ntp-variable", "refid=17.72.255.11"),
            ("ntp-variable", "peer=4711"),
        ],
    ),
    # NTP Version 2, control
    "associations": (
        "168100010615000000000008a1b29614a1b39424",
        [("ntp-control", "read status"), ("associations", "2")],
    ),
    # NTP Version 2, control (of one association)
    "association": ("168100010615000100000000", [("ntp-control", "read status")]),
    # NTP Version 2, control
    "refusal": (
        "16c200010700000000000000",
        [("ntp-control", "read variables"), ("error", "administratively prohibited")],
    ),
}

# NTP Version 2, control, as ntpsec 1.2.2 sends it
READVAR = (
    "16820001001600000000015d6c6561703d302c207374726174756d3d322c20707265636973696f6e3d2d32342c20726f6f7464"
    "656c61793d302e3030302c20726f6f74646973703d302e3030302c0d0a72656669643d3132372e302e302e312c207265667469"
    "6d653d307830303030303030302e30303030303030302c2074633d302c20706565723d302c0d0a6f66667365743d302e303030"
    "3030302c206672657175656e63793d302e3030303030302c207379735f6a69747465723d302e3030303030302c0d0a636c6b5f"
    "6a69747465723d302e3030303036302c20636c6f636b3d307865656165333737362e65666163623764302c2070726f63657373"
    "6f723d227838365f3634222c0d0a73797374656d3d224c696e75782f362e31382e34342d66632d76363537222c207665727369"
    "6f6e3d226e747064206e74707365632d312e322e32222c0d0a636c6b5f77616e6465723d302e3030303030302c206d696e7463"
    "3d300d0a000000"
)

PRIVATE: dict[str, tuple[str, Facts]] = {
    # NTP Version 2, private, Response, MON_GETLIST_1 (an IPv4 client, an IPv6 client, an empty item)
    "clients": (
        "9700032a0003004800000040000000050000000000000 00cc6336407c000020a00000001c3500304".replace(" ", "")
        + "00" * 40
        + "0000004000000009000000000000000300000000000000000000000100 7b0304".replace(" ", "")
        + "000000010000000020010db8000000000000000000000007"
        + "00" * 16
        + "00" * 72,
        [("monlist", "3 items"), ("client-address", "198.51.100.7"), ("client-address", "2001:db8::7")],
    ),
    # NTP Version 2, private, Response, MON_GETLIST
    "older clients": (
        "97000314000100300000004000000005000000000000000cc6336407c3500304" + "00" * 24,
        [("monlist", "1 item"), ("client-address", "198.51.100.7")],
    ),
    # NTP Version 2, private, Response, MON_GETLIST_1
    "no clients": ("9700032a40000000", [("monlist", "0 items"), ("error", "no data")]),
    # NTP Version 2, private, Response, PEER_LIST_SUM
    "peers": ("9700030100010048" + "00" * 72, [("ntp-private", "request code 1: 1 item of 72 octets")]),
}

REPLIES = {**TIME, **CONTROL, **PRIVATE}


@pytest.mark.parametrize("name", REPLIES)
def test_reply_tells(name: str) -> None:
    octets, facts = REPLIES[name]
    assert told("ntp", bytes.fromhex(octets)) == facts


@pytest.mark.parametrize("name", REPLIES)
def test_cut_reply_tells_less(name: str) -> None:
    assert_cut_tells_less("ntp", bytes.fromhex(REPLIES[name][0]))


def test_snap_length_of_68_octets_leaves_the_source() -> None:
    octets = bytes.fromhex(TIME["upstream server"][0])[: 68 - 14 - 20 - 8]
    facts = told("ntp", octets)
    assert ("reference-id", "17.72.255.11") in facts
    assert ("reference-time", "2007-10-29T10:02:00.500000Z") in facts
    assert facts[-1] == ("malformed", "ends early, after 26 octets")


def test_readvar_tells_software_and_system_first() -> None:
    facts = told("ntp", bytes.fromhex(READVAR))
    assert facts[:7] == [
        ("ntp-control", "read variables"),
        ("ntp-variable", "version=ntpd ntpsec-1.2.2"),
        ("ntp-variable", "system=Linux/6.18.44-fc-v657"),
        ("ntp-variable", "processor=x86_64"),
        ("ntp-variable", "refid=127.0.0.1"),
        ("ntp-variable", "stratum=2"),
        ("ntp-variable", "peer=0"),
    ]
    assert_cut_tells_part(bytes.fromhex(READVAR))


def assert_cut_tells_part(reply: bytes) -> None:
    every = set(ntp.decode(reply))
    for length in range(len(reply)):
        assert {fact for fact in told("ntp", reply[:length]) if fact[0] != "malformed"} <= every


def test_requests_tell_nothing() -> None:
    assert told("ntp", bytes.fromhex("23" + "00" * 47)) == []
    assert told("ntp", bytes.fromhex("160200010000000000000000")) == []
    assert told("ntp", bytes.fromhex("1700032a" + "00" * 44)) == []


def test_hostile_lists_end() -> None:
    # Items of no size, of less than an address, and a text that is one long name.
    assert told("ntp", bytes.fromhex("9700032a0fff0000")) == [("monlist", "4095 items")]
    assert told("ntp", bytes.fromhex("9700032a00020001" + "00" * 2))[-1][0] == "malformed"
    spaces = b"\x16\x82\0\1\0\0\0\0\0\0\xff\xff" + b"a = " + b" " * 65531
    assert_bounded(told("ntp", spaces))
    quotes = b"\x16\x82\0\1\0\0\0\0\0\0\xff\xff" + b'a="' * 21845
    assert_bounded(told("ntp", quotes))
