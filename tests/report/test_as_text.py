"""The report on a terminal."""
# ruff: noqa: RUF001 (the marks of a report, not letters)

import io
from collections.abc import Callable, Iterable
from typing import Literal

import msgspec
import pytest
from msgspec.structs import replace
from rich.console import Console
from rich.text import Text

from capanalyze.model import Analysis, Finding, Verdict
from capanalyze.report import as_text

from . import sample

Make = Callable[[], Analysis]


def deep() -> Analysis:
    return sample.deep()[0]


def hostile_deep() -> Analysis:
    return sample.hostile_deep()[0]


SAMPLES = (sample.article, sample.empty, sample.no_mode, sample.hostile, deep, hostile_deep)


OVERVIEW = """\
mode       leaks  services that leaked
─────────────────────────────────────────────────────────────────────────────
specific       7  mdns, nbns, ntp, kerberos, tcp/631, tcp/37200 and udp/28524
block-all      3  mdns, nbns and ntp
allow-all      –  promises nothing"""

CAPTURES = """\
   capture                      frames  2026-11-23 UTC     sha256
───────────────────────────────────────────────────────────────────────
A  allow-all.en0.pcap            1,204  03:54:01–03:54:59  09c1d8e7f0a2
B  allow-all.ppp0.pcap           1,235  03:54:01–03:54:59  19c1d8e7f0a2
C  specific.en0.pcap             1,266  03:55:13–03:55:58  29c1d8e7f0a2
D  specific.ppp0.pcap            1,297  03:55:13–03:55:58  39c1d8e7f0a2
E  block-all.en0.pcap            1,328  03:56:40–03:57:31  49c1d8e7f0a2
F  block-all.ppp0.dlt_ppp.pcap   1,359  03:56:40–03:57:31  59c1d8e7f0a2"""

SECTION = """\
block-all, from the internet (ppp0)
Block all incoming connections; promises: nothing in but ping; frames of F
verdict     service          answered  frames   remarks
──────────────────────────────────────────────────────────────────
● LEAK      mdns udp/5353         4/6  46→47    ×2.1 octets
● LEAK      nbns udp/137          4/5  22→23    ×2.1 octets
● LEAK      ntp udp/123           4/7  6→7      1 flip, 2 rejected
○ allowed   icmp                  2/2  130→131
– blocked   kerberos udp/88       0/1  118→–    2 resent
– blocked   tcp/631 ipp           0/2  94→–     2 resent
– blocked   tcp/37200             0/2  70→–     2 resent
– blocked   udp/28524             0/5  82→–     2 resent
– blocked   tcp/22 ssh            0/3  58→–     2 resent
? unproven  nbdgm udp/138           –  34→–     2 resent
? unproven  udp/631 ipp             –  106→–    2 resent
  mdns disclosed Jürgens MacBook._ssh._tcp.local; Jürgens-MacBook.local, 192.1…
  nbns disclosed QF98E<00>, WORKGROUP<00> (group), file server, master browser…
  ntp disclosed follows 131.188.3.220, stratum 2
  ntp answered client request 3/4, frames 10→11; symmetric request 1/2 ×30.3,
  frames 10→11
  ntp: rejected → replied (client) at 03:56:45 UTC, frames 3→4, then 6→7; 3.10 s
  later; port unreachable, then server reply, unsynchronised; the target itself
  sent as this service before, in frame 5
  answered public addresses: mdns, nbns, ntp and icmp"""


def render(
    analysis: Analysis,
    width: int = 80,
    *,
    terminal: bool = False,
    encoding: str = "utf-8",
    forms: Iterable[str] = ("html", "json"),
) -> str:
    octets = io.BytesIO()
    colour: Literal["truecolor"] | None = "truecolor" if terminal else None
    file = io.TextIOWrapper(octets, encoding=encoding, newline="")
    console = Console(
        file=file,
        width=width,
        force_terminal=terminal,
        color_system=colour,
        legacy_windows=False,
        _environ={},
    )
    as_text.render_text(analysis, console, forms)
    file.flush()
    return octets.getvalue().decode(encoding)


def section(text: str, heading: str) -> list[str]:
    """The lines from a heading to the next empty line."""
    lines = text.splitlines()
    start = lines.index(heading)
    return lines[start : lines.index("", start)]


def test_the_result_comes_first() -> None:
    lines = render(sample.article(), 120).splitlines()
    assert lines[0] == (
        "2 of 3 modes leaked: specific let 7 services answer, and block-all let mdns, nbns and ntp answer."
    )


def test_what_leaked_under_which_mode_comes_next() -> None:
    text = render(sample.article())
    assert text.split("\n\n")[1] == OVERVIEW
    assert "services that leaked" not in render(sample.empty())


def test_an_overview_of_other_modes() -> None:
    analysis = sample.article()
    for found in analysis.findings:
        if found.mode == "specific" and found.verdict == "leaked":
            found.verdict = "visible"
        elif found.mode == "block-all":
            found.verdict = "refused" if found.service == "ntp" else "unproven"
    analysis.modes.append(msgspec.structs.replace(analysis.modes[-1], name="stealth"))
    lines = [line.split(maxsplit=2) for line in render(analysis, 120).split("\n\n")[1].splitlines()]
    assert [
        *lines[2][:2],
        lines[2][2].partition(" and ")[0],
    ] == ["specific", "0", "none, but rejections show the host: kerberos, mdns, nbns, ntp, tcp/631, tcp/37200"]
    assert lines[3] == ["block-all", "0", "none of 1 service; it refused"]
    assert lines[4] == ["stealth", "–", "no request was captured"]
    assert lines[5] == ["allow-all", "–", "promises nothing"]


def test_captures() -> None:
    assert render(sample.article()).split("\n\n")[3] == CAPTURES


def test_the_mode_of_a_capture_is_shown_where_its_name_does_not_say_it() -> None:
    analysis = sample.article()
    analysis.inputs[0].name = "a.pcap"
    analysis.inputs[1].first = "2026-11-24T00:00:00Z"
    lines = render(analysis, 100).split("\n\n")[3].splitlines()
    assert lines[0].split() == ["capture", "mode", "frames", "time", "sha256"]
    assert lines[2].split()[:3] == ["A", "a.pcap", "allow-all"]
    assert "2026-11-23 03:55:13–03:55:58 UTC" in lines[4]


def test_who_the_target_is_and_how_that_is_known() -> None:
    assert "target   203.0.113.10 (given)\n" in render(sample.empty())
    assert "(assumed: the host that answered most" in render(sample.no_mode(), 120)


def test_a_section() -> None:
    shown = section(render(sample.article()), "block-all, from the internet (ppp0)")
    assert "\n".join(shown) == SECTION


def test_a_wide_terminal_has_a_column_for_what_was_disclosed() -> None:
    lines = section(render(sample.article(), 120), "block-all, from the internet (ppp0)")
    assert "disclosed" in lines[2]
    assert "follows 131.188.3.220, stratum 2" in next(line for line in lines if " ntp udp/123 " in line)


def test_what_was_not_probed_is_said() -> None:
    lines = section(render(sample.article()), "allow-all, from the LAN (en0)")
    assert lines[-1] == "  not probed: kerberos udp/88"


def test_the_account_of_frames() -> None:
    text = render(sample.article())
    assert "\nframes     7,689: analysed 7,605, fragment 48, link type 30, truncated 6\n" in text
    assert "\nmalformed  ntp: shorter than its header 6\n" in text
    assert "\ndropped    3 frames by the kernel, before they were captured\n" in text
    assert "  3 frames dropped by the kernel in this capture, at times not known\n" in text
    assert "\nexchanges  inbound 214, outbound 31, local 2\n" in text


def test_frames_inside_tunnels_are_counted_by_tunnel() -> None:
    analysis = sample.article()
    assert "tunnels" not in render(analysis)
    analysis.inputs[0].tunnels = {"VXLAN": 1200, "GTP-U": 3}
    assert "\ntunnels    VXLAN 1,200, GTP-U 3 (frames that were read inside)\n" in render(analysis)


def test_what_could_not_be_read_is_said_at_the_top() -> None:
    analysis = sample.article()
    assert "not read" not in render(analysis)
    analysis.inputs[0].unread = {"EtherType 0x88b5 (local experimental 1), not read": 900}
    top = render(analysis, 120).split("\n\n")
    assert top[0].replace("\n", " ").endswith("ntp answer; 900 of 7,689 frames could not be read.")
    assert "not read  900 of 7,689 frames could not be read, and may hide replies: EtherType 0x88b5" in top[2]


def test_what_unproven_means_is_said_once_where_it_first_stands() -> None:
    text = render(sample.article(), 120)
    meant = "\n  unproven: silence proves nothing here, as such requests need not draw a reply\n"
    assert text.count(meant) == 1
    assert text.index("? unproven") < text.index(meant) < text.index("specific, from the LAN")
    assert "unproven:" not in render(sample.empty())


def test_the_evidence_and_the_second_opinion() -> None:
    sha256 = sample.deep()[1].bundle.sha256[:12]
    about, warning = render(deep(), 160).splitlines()[-2:]
    assert about == f"evidence   evidence.pcapng, 8 frames, sha256 {sha256}; tshark 4.2.0 confirms 7 frames, 2 links"
    assert warning.startswith("warning    tshark differs on ntp under block-all, from the internet: frame F 7 answers")
    assert "evidence" not in render(sample.article())


def test_without_tshark_the_evidence_says_how_to_get_it() -> None:
    text = render(sample.undissected()[0], 120)
    assert text.splitlines()[-1].endswith("; tshark is not installed: install it with `apt`")


def test_many_differences_are_counted() -> None:
    analysis = deep()
    for found in analysis.findings:
        if found.agreement:
            found.agreement = replace(found.agreement, differences=[f"frame {at} is no reply" for at in range(1, 5)])
    lines = render(analysis, 120).splitlines()[-6:]
    assert [line.split()[0] for line in lines] == ["warning"] * 6
    assert lines[4].endswith("tshark differs on udp/28524 under block-all, from the internet: frame F 3 is no reply")
    assert lines[5] == "warning    tshark differs 3 more times"


def test_what_wireshark_sees_in_a_service_of_no_module() -> None:
    lines = section(render(deep(), 120), "block-all, from the internet (ppp0)")
    (line,) = (line for line in lines if "udp/28524" in line)
    assert line.endswith("2 resent, Wireshark: dns")


def test_announcements() -> None:
    lines = section(render(sample.article(), 120), "Announces, without a request")
    assert lines[-2].split() == ["nbns", "netbios-ns", "allow-all", "the", "LAN", "1,204", "A", "19"]
    assert lines[-1] == "  mdns announced Jürgens MacBook._ssh._tcp.local (probe 3, response 9)"


def test_an_empty_capture_is_a_result() -> None:
    text = render(sample.empty())
    assert text.startswith("No exchange was captured, so there is nothing to judge.\n")
    assert "note    empty.pcap: the capture has no frames\n" in text


def test_without_a_mode_nothing_is_judged() -> None:
    text = render(sample.no_mode())
    assert " ".join(text.split()).startswith(
        "If 203.0.113.10 is the host under test: 4 of 11 services answered; no firewall mode is known, "
        "so nothing is judged."
    )
    assert "target   203.0.113.10 (assumed: the host that answered" in text
    assert "mode     not known: name it with --mode" in text
    assert "--mode" not in render(sample.article()) + render(sample.empty())
    assert "warning  replies left 0.02 s after" in text
    assert "outcome  " in text
    assert "LEAK" not in text


@pytest.mark.parametrize("width", [40, 80, 100, 120, 200])
@pytest.mark.parametrize("make", SAMPLES)
def test_nothing_is_wider_than_the_terminal(make: Make, width: int) -> None:
    for line in render(make(), width).splitlines():
        assert Text(line).cell_len <= width
        assert line == line.rstrip()


@pytest.mark.parametrize("make", SAMPLES)
def test_a_pipe_gets_no_control_codes(make: Make) -> None:
    assert all(character.isprintable() for character in render(make()).replace("\n", ""))


def test_only_leaks_are_loud() -> None:
    lines = render(sample.article(), 120, terminal=True).splitlines()
    loud = [line for line in lines if "\x1b[1;31m" in line]
    # The headline, two modes that leaked, and the leaks.
    assert len(loud) == 1 + 2 + sum(found.verdict == "leaked" for found in sample.article().findings)
    assert loud[0] == lines[0]


def test_a_terminal_gets_no_codes_from_a_capture() -> None:
    text = render(sample.hostile(), 200, terminal=True)
    assert "\x1b]" not in text
    assert "\x07" not in text
    assert r"\x1b[31mred\x1b]0;title\x07" in text
    assert "\u202e" not in text


def test_markup_is_shown_and_not_obeyed() -> None:
    assert "[bold red]markup[/bold red] :warning:" in render(sample.hostile(), 200)


def test_an_output_that_is_not_utf_8() -> None:
    text = render(sample.article(), encoding="ascii")
    line = next(line for line in text.splitlines() if " ntp udp/123 " in line and "flip" in line)
    assert line.split() == ["*", "LEAK", "ntp", "udp/123", "4/7", "6>7", "1", "flip,", "2", "rejected"]
    assert r"J\xfcrgens-MacBook.local" in text


def test_it_is_the_same_every_time() -> None:
    assert render(sample.article()) == render(sample.article())


def test_no_more_tables_of_findings_than_anybody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = render(sample.article())
    monkeypatch.setattr(as_text, "SHOWN_SECTIONS", 2)
    text = render(sample.article())
    assert len(text) < len(whole)
    assert "4 more tables of findings: see report.json." in text
    assert "4 more tables of findings: see report.html." in render(sample.article(), forms=["html", "graphs"])
    assert "4 more tables of findings: --format json writes all of them." in render(sample.article(), forms=[])


def scan(verdict: Verdict, *, replied: int = 0, rejected: int = 0) -> list[Finding]:
    """A finding for each of 100 ports."""
    known = next(found for found in sample.article().findings if found.service == "tcp/37200")
    return [
        replace(
            known,
            service=f"tcp/{port}",
            port=port,
            verdict=verdict,
            outcome="replied" if replied else "rejected" if rejected else "silent",
            replied=replied,
            rejected=rejected,
            mode="block-all",
            zone="internet",
        )
        for port in range(40_000, 40_100)
    ]


def test_of_ports_that_did_not_answer_the_first_ones_are_shown() -> None:
    analysis = sample.article()
    analysis.findings += scan("blocked")
    lines = section(render(analysis), "block-all, from the internet (ppp0)")
    services = [line.split()[2] for line in lines if line[:1] in "●○–?" and line[1:2] == " "]
    closed = [one for one in services if "/" in one]
    assert len(closed) == 30
    assert closed[:4] == ["tcp/631", "tcp/37200", "udp/28524", "tcp/22"]
    assert [one for one in services if "/" not in one] == ["mdns", "nbns", "ntp", "icmp", "kerberos", "nbdgm"]
    assert "  and 75 more that did not answer: see report.json" in lines


@pytest.mark.parametrize(("verdict", "replied", "rejected"), [("leaked", 1, 0), ("allowed", 1, 0), ("visible", 0, 1)])
def test_no_port_that_leaked_or_answered_is_left_out(verdict: Verdict, replied: int, rejected: int) -> None:
    analysis = sample.article()
    analysis.findings += scan("blocked") + scan(verdict, replied=replied, rejected=rejected)
    text = render(analysis)
    word = {"leaked": "LEAK"}.get(verdict, verdict)
    shown = [line.split()[1:3] for line in text.splitlines() if " tcp/40" in line]
    assert [service for said, service in shown if said == word] == [f"tcp/{port}" for port in range(40_000, 40_100)]
    assert "more that did not answer" in text


def test_what_was_not_probed_is_counted_where_it_is_much() -> None:
    analysis = sample.article()
    analysis.findings += scan("blocked")
    lines = section(render(analysis, 2_000), "allow-all, from the LAN (en0)")
    assert lines[-1].startswith("  not probed: kerberos udp/88, tcp/40000, ")
    assert lines[-1].endswith(" and 71 more")
