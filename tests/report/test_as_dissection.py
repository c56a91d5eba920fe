"""Dissected frames on a terminal and as JSON, as tshark of some version would have it."""

import io
import json
from collections.abc import Callable

import jsonschema
import msgspec
import pytest
from rich.console import Console

from capanalyze.dissecting import Answer
from capanalyze.model import Disclosure, Dissected, DissectedFrame, Exchange, Expert, Field
from capanalyze.report import as_dissection

from . import sample

Make = Callable[[], Answer]

TEXT = """\
exchange 5: ntp, 198.51.100.7:50000 → 203.0.113.10:123, frames 12→13, 2026-11-23T03:54:01.000000Z, replied after \
0.272 ms (server reply), leaked
  stratum: 2

frame 12, 2026-11-23T03:54:01.000000Z, ppp0 (PPP), 18 of 90 octets, request of exchange 5
Network Time Protocol (NTP Version 4, client)
  Flags: 0xe3, Leap Indicator: unknown (clock unsynchronized)
    11.. .... = Leap Indicator: unknown (clock unsynchronized) (3)
      ! [Expert Info (Warning/Protocol): the clock is not set]
  [Response In: 13]

0000  ff 03 00 21 45 00 00 4c 75 99 40 00 40 11 70 82   ...!E..Lu.@.@.p.
0010  c6 33                                             .3

frame 13, no time, RAW, 4 of 4 octets, reply of exchange 5

0000  45 00 00 4c                                       E..L

capture  block-all.ppp0.pcap
tshark   4.4.0, which saw these frames and no others
filter   frame.number in {12, 13}
"""


def exchange() -> Exchange:
    return Exchange(
        capture="block-all.ppp0.pcap",
        service="ntp",
        transport="udp",
        client="198.51.100.7",
        client_port=50000,
        server="203.0.113.10",
        server_port=123,
        requests=[12],
        replies=[13],
        time_ns=1_795_406_041_000_000_000,
        rtt_us=272.0,
        request_octets=48,
        reply_octets=48,
        outcome="replied",
        reason="server reply",
        pairing="exact",
        verdict="leaked",
        disclosures=[Disclosure(kind="stratum", value="2")],
    )


def answer() -> Answer:
    expert = "Expert Info (Warning/Protocol): the clock is not set"
    severity = Field(name="_ws.expert.severity", shown="Severity level: Warning", offset=0, size=0)
    leap = Field(
        name="ntp.flags.li",
        shown="11.. .... = Leap Indicator: unknown (clock unsynchronized) (3)",
        offset=32,
        size=1,
        fields=[Field(name="_ws.expert", shown=expert, offset=32, size=0, fields=[severity])],
    )
    flags = "Flags: 0xe3, Leap Indicator: unknown (clock unsynchronized)"
    ntp = Field(
        name="ntp",
        shown="Network Time Protocol (NTP Version 4, client)",
        offset=32,
        size=48,
        fields=[
            Field(name="ntp.flags", shown=flags, offset=32, size=1, fields=[leap]),
            Field(name="ntp.response_in", shown="Response In: 13", offset=32, size=0, value="13"),
        ],
    )
    request = DissectedFrame(
        frame=12,
        time="2026-11-23T03:54:01.000000Z",
        interface="ppp0",
        link_type="PPP",
        captured=18,
        octets=90,
        hex="ff0300214500004c7599400040117082c633",
        protocols=["ppp", "ip", "udp", "ntp"],
        layers=[ntp],
        experts=[Expert(severity="Warning", group="Protocol", message="the clock is not set")],
    )
    reply = DissectedFrame(frame=13, time=None, interface=None, link_type="RAW", captured=4, octets=4, hex="4500004c")
    dissected = Dissected(
        capture="block-all.ppp0.pcap",
        sha256="09c1d8e7f0a2" + "0" * 52,
        tshark="4.4.0",
        note=None,
        filter="frame.number in {12, 13}",
        frames=[request, reply],
    )
    return Answer(dissected, {5: exchange()}, [])


def hostile() -> Answer:
    name = " ".join(sample.HOSTILE)
    line = Field(
        name="x", shown=name, offset=0, size=1, fields=[Field(name="_ws.expert", shown=name, offset=0, size=0)]
    )
    frame = DissectedFrame(
        frame=1,
        time=None,
        interface=name,
        link_type="RAW",
        captured=3,
        octets=3,
        hex="1b5b6d",
        protocols=[name],
        layers=[line],
    )
    dissected = Dissected(
        capture=name, sha256=None, tshark=name, note=name, filter="frame.number in {1}", frames=[frame]
    )
    told = exchange()
    told.disclosures = [Disclosure(kind="name", value=name)]
    return Answer(dissected, {1: told}, [name])


def empty() -> Answer:
    return Answer(
        Dissected(
            capture="x.pcapng",
            sha256=None,
            tshark=None,
            note="frame 1 is a block without a packet",
            filter="",
            frames=[],
        ),
        {},
        ["frame 1 is a block without a packet"],
    )


def render(shown: Answer, width: int = 80, *, terminal: bool = False, encoding: str = "utf-8") -> str:
    octets = io.BytesIO()
    file = io.TextIOWrapper(octets, encoding=encoding, newline="")
    console = Console(file=file, width=width, force_terminal=terminal, legacy_windows=False, _environ={})
    as_dissection.render_dissection(shown, console)
    file.flush()
    return octets.getvalue().decode(encoding)


def test_the_text() -> None:
    assert render(answer()) == TEXT


def test_a_narrow_terminal_has_shorter_rows_and_no_broken_lines() -> None:
    lines = render(answer(), 40).splitlines()
    assert "0000  ff 03 00 21 45 00 00 4c   ...!E..L" in lines
    assert "0010  c6 33                     .3" in lines
    assert [line for line in lines if line.startswith("    11..")] == [
        "    11.. .... = Leap Indicator: unknown (clock unsynchronized) (3)"
    ]
    assert max(len(line) for line in lines if line[:4].isdigit()) <= 40


def test_a_terminal_has_colours_and_a_pipe_has_none() -> None:
    assert "\x1b[" in render(answer(), terminal=True)
    assert "\x1b" not in render(answer())


def test_what_is_not_utf_8_has_other_marks() -> None:
    assert "frames 12>13" in render(answer(), encoding="ascii")


@pytest.mark.parametrize("terminal", [True, False])
def test_nothing_from_the_wire_reaches_the_terminal_as_it_came(*, terminal: bool) -> None:
    text = render(hostile(), terminal=terminal)
    assert "\x1b]0" not in text
    assert "\x1b[31m" not in text
    assert "\u202e" not in text
    assert "[bold red]markup[/bold red] :warning:" in text
    assert "\x1b[m" not in text


def test_a_filter_is_never_cut() -> None:
    shown = answer()
    long = f"frame.number in {{{', '.join(str(2_000_000 + 2 * number) for number in range(1000))}}}"
    lines = render(Answer(msgspec.structs.replace(shown.dissected, filter=long), {}, [])).splitlines()
    assert lines[-1] == f"filter   {long}"


@pytest.mark.parametrize("make", [answer, hostile, empty])
def test_the_json_is_valid_against_the_schema(make: Make) -> None:
    jsonschema.Draft202012Validator.check_schema(as_dissection.json_schema())
    jsonschema.validate(json.loads(as_dissection.to_json(make())), as_dissection.json_schema())


def test_the_schema_turns_down_what_is_wrong() -> None:
    found = json.loads(as_dissection.to_json(answer()))
    for key, wrong in (("format_version", 2), ("frames", [{}]), ("filter", None)):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(found | {key: wrong}, as_dissection.json_schema())


def test_the_shipped_schema_is_up_to_date() -> None:
    command = "python -m capanalyze.report.as_dissection > capanalyze/report/dissection.schema.json"
    assert as_dissection.shipped_schema() == as_dissection.schema_text(), f"run: {command}"


def test_nothing_is_lost_in_json() -> None:
    text = as_dissection.to_json(answer())
    assert text.startswith(b'{\n  "format": "capanalyze-dissection",\n  "format_version": 1,\n')
    found = msgspec.json.decode(text, type=Dissected)
    assert msgspec.structs.replace(found, exchanges=[]) == answer().dissected
    (row,) = found.exchanges
    assert (row["exchange"], row["requests"], row["replies"], row["time"]) == (
        *(5, [12], [13]),
        "2026-11-23T03:54:01.000000Z",
    )
    assert row["disclosures"] == [{"kind": "stratum", "value": "2"}]


def test_json_can_be_looked_at_on_a_terminal() -> None:
    text = as_dissection.to_json(hostile()).decode()
    assert all(character.isprintable() for character in text.replace("\n", ""))
