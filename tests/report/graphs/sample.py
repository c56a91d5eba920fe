"""Analyses to draw: the article's audit, a time server that flips, and what could go wrong."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise
from types import MappingProxyType

from matplotlib.figure import Figure
from matplotlib.text import Text

from capanalyze.model import (
    VERDICTS,
    Analysis,
    Asked,
    Bin,
    Change,
    Counts,
    Evidence,
    Finding,
    Frame,
    Input,
    Mark,
    ModeInfo,
    Outcome,
    Promise,
    Reach,
    RoundTrip,
    Step,
    Target,
    Timeline,
    Verdict,
    Zone,
)
from capanalyze.report.graphs.page import settings

SECOND = 1_000_000_000
START = 1_793_246_040 * SECOND  # 2026-10-29T04:34:00Z

ALLOW_ALL = ("allow-all", "Allow all incoming connections")
SPECIFIC = ("specific", "Set access for specific services and applications")
BLOCK_ALL = ("block-all", "Block all incoming connections")

JUDGED: dict[tuple[Promise | None, Outcome], Verdict | None] = {
    ("block", "replied"): "leaked",
    ("block", "rejected"): "refused",
    ("block", "silent"): "blocked",
    ("allow", "replied"): "allowed",
    ("allow", "rejected"): "refused",
    ("allow", "silent"): "silent",
}
LETTERS: dict[str, Outcome] = {
    "+": "replied",
    "x": "rejected",
    "-": "silent",
    "~": "indeterminate",
    "?": "silent",
}

# name, port, transport, long name, whether allow-all, specific and block-all let it answer, and the counts
SERVICES = [
    ("ntp", 123, "udp", "Network Time Protocol", "+++", "++++-"),
    ("nbns", 137, "udp", "NetBIOS name service", "+++", "++++-"),
    ("mdns", 5353, "udp", "Multicast DNS", "+++", "++++--"),
    ("tcp/22", 22, "tcp", "ssh", "++-", "+++"),
    ("tcp/37200", 37200, "tcp", "", "++-", "++"),
    ("udp/28524", 28524, "udp", "", "++-", "+----"),
    ("tcp/631", 631, "tcp", "ipp", "++-", "++"),
    ("tcp/88", 88, "tcp", "kerberos", "++-", "+"),
    ("icmp-echo", None, "icmp", "ICMP echo", "+++", "+++"),
    ("udp/138", 138, "udp", "netbios-dgm", "???", "???"),
    ("udp/631", 631, "udp", "ipp", "???", "??"),
]


def iso(time_ns: int) -> str | None:
    try:
        time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_ns // 1000)
    except OverflowError:
        return None
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def evidence(time_ns: int = START, frame: int = 1) -> Evidence:
    return Evidence(
        capture="a.pcap",
        requests=[frame],
        replies=[frame + 1],
        time=iso(time_ns),
        client="198.51.100.7",
        server="192.0.2.10",
    )


def timeline(outcomes: str, start: int, times: Sequence[float] | None = None) -> Timeline:
    times = times if times is not None else [1.5 * index for index in range(len(outcomes))]
    marks = [
        Mark(
            request=time,
            reply=time + 0.0003 if LETTERS[letter] in ("replied", "rejected") else None,
            outcome=LETTERS[letter],
            unproven=letter == "?",
        )
        for time, letter in zip(times, outcomes, strict=True)
    ]
    return Timeline(start=start, width=0, marks=marks, bins=[])


def flips(drawn: Timeline) -> list[Change]:
    """The changes that a timeline's marks make."""
    proving = [mark for mark in drawn.marks if not mark.unproven and mark.outcome != "indeterminate"]
    found = []
    for before, after in pairwise(proving):
        if before.outcome != after.outcome:
            last, first = (drawn.start + int(mark.request * SECOND) for mark in (before, after))
            found.append(
                Change(
                    time=iso(first),
                    server="192.0.2.10",
                    kind="client request",
                    before=before.outcome,
                    after=after.outcome,
                    last_before=evidence(last),
                    first_after=evidence(first, 3),
                )
            )
    return found


def finding(
    service: str,
    outcomes: str,
    *,
    mode: str | None = "block-all",
    zone: str = "internet",
    promise: Promise | None = "block",
    transport: str = "udp",
    port: int | None = 123,
    name: str = "",
    start: int = START,
    times: Sequence[float] | None = None,
    verdict: Verdict | None = None,
    changing: bool = False,
    families: Mapping[str, str] = MappingProxyType({}),
) -> Finding:
    """A finding of exchanges given by letters: + replied, x rejected, - silent, ~ cut off, ? unproven.

    `families` tells those of each family in the same way.
    """
    replied, rejected, silent, indeterminate, unproven = (outcomes.count(letter) for letter in "+x-~?")
    provable = replied + rejected + silent
    outcome: Outcome = "indeterminate"
    for letter in "+x-?":
        if letter in outcomes:
            outcome = LETTERS[letter]
            break
    judged = JUDGED.get((promise, outcome), "indeterminate") if provable or indeterminate else "unproven"
    drawn = timeline(outcomes, start, times)
    return Finding(
        mode=mode,
        zone=zone,
        service=service,
        transport=transport,
        port=port,
        name=name or service,
        promise=promise,
        verdict=None if mode is None else verdict or judged,
        outcome=outcome,
        exchanges=len(outcomes),
        replied=replied,
        rejected=rejected,
        silent=silent + unproven,
        indeterminate=indeterminate,
        unproven=unproven,
        provable=provable,
        retransmissions=0,
        reasons={},
        first=evidence(start),
        last=evidence(start + SECOND),
        evidence=[evidence(start)],
        rtt_us=round_trip(service, replied),
        request_octets=48 * replied,
        reply_octets=int(48 * replied * factor_of(service)),
        factor=factor_of(service) if replied else None,
        disclosures=[],
        changes=flips(drawn) if changing else [],
        more_changes=0,
        timeline=drawn,
        reply_frames=2 * replied,
        frame_factor=2.0 if replied else None,
        kinds=[kind(name, replied, factor_of(service + name)) for name in KINDS.get(service, ())],
        reach=Reach(public=replied),
        families={name: counts(letters, promise) for name, letters in families.items()},
    )


def counts(outcomes: str, promise: Promise | None) -> Counts:
    replied, rejected, silent, indeterminate, unproven = (outcomes.count(letter) for letter in "+x-~?")
    return Counts(
        exchanges=len(outcomes),
        replied=replied,
        rejected=rejected,
        silent=silent,
        indeterminate=indeterminate,
        unproven=unproven,
        provable=replied + rejected + silent,
        verdict=verdict_on(outcomes, promise),
    )


def verdict_on(outcomes: str, promise: Promise | None) -> Verdict | None:
    """The verdict on exchanges given by letters."""
    worst = next((letter for letter in "+x-" if letter in outcomes), None)
    if worst:
        return JUDGED.get((promise, LETTERS[worst]), "indeterminate")
    return "indeterminate" if "~" in outcomes else "unproven"


KINDS = {"ntp": ("client request", "symmetric request", "broadcast"), "mdns": ("query",)}


def factor_of(service: str) -> float:
    """A factor that is always the same for a name."""
    return (1.0, 4.6, 30.3, 0.8, 556.9)[sum(map(ord, service)) % 5]


def kind(name: str, replied: int, factor: float) -> Asked:
    first = Frame(capture="block-all.en0.pcap", frame=1)
    return Asked(
        kind=name,
        exchanges=replied + 1,
        replied=replied,
        request_octets=48 * replied,
        reply_octets=int(48 * replied * factor),
        reply_frames=replied,
        factor=factor if replied else None,
        frame_factor=1.0 if replied else None,
        first=first if replied else None,
        first_reply=first if replied else None,
    )


def round_trip(service: str, replied: int) -> RoundTrip | None:
    """Times that are always the same for a name: many replies make few steps, each with many of them."""
    if not replied:
        return None
    least = 20.0 * (1 + sum(map(ord, service)) % 40)
    counts = [0] * 9
    for number in range(replied):
        counts[number * number % 9] += 1
    spread = [Step(us=round(least * 1.09**place, 3), count=count) for place, count in enumerate(counts) if count]
    return RoundTrip(
        count=replied, minimum=spread[0].us, median=spread[len(spread) // 2].us, maximum=spread[-1].us, spread=spread
    )


def mode(
    name: str,
    title: str = "",
    promise: Promise | None = "block",
    allow: Sequence[str] = (),
    *,
    stealth: bool = False,
) -> ModeInfo:
    return ModeInfo(
        name=name,
        title=title,
        promise=promise,
        allow=list(allow),
        stealth=stealth,
        captures=[f"{name}.en0.pcap"],
        first=iso(START),
        last=iso(START + 60 * SECOND),
    )


def capture(name: str) -> Input:
    return Input(
        name=name,
        sha256="0" * 64,
        octets=24,
        format="pcap",
        mode=None,
        frames=1,
        first=iso(START),
        last=iso(START),
        interfaces=[],
        account={},
        malformed={},
        notes=[],
    )


def analysis(
    findings: list[Finding],
    modes: Sequence[ModeInfo] = (),
    captures: Sequence[str] = ("block-all.en0.pcap", "block-all.ppp0.pcap"),
    zones: Sequence[Zone] | None = None,
    last: int = START + 130 * SECOND,
) -> Analysis:
    return Analysis(
        capanalyze="0.1.0",
        command="capanalyze report",
        title="",
        inputs=[capture(name) for name in captures],
        first=iso(START),
        last=iso(last),
        target=Target(addresses=["192.0.2.10", "203.0.113.10"], how="given", certainty="given", warnings=[]),
        modes=list(modes),
        zones=list(zones)
        if zones is not None
        else [Zone(name="internet", interfaces=["ppp0"]), Zone(name="lan", interfaces=["en0"])],
        findings=findings,
        announcements=[],
        directions={},
        notes=[],
    )


def article() -> Analysis:
    """Three modes, two zones, eleven services; the modes recorded minutes apart."""
    findings = []
    modes = [mode(*ALLOW_ALL, "allow"), mode(*SPECIFIC, "block", ["tcp/22"]), mode(*BLOCK_ALL)]
    for column, shown in enumerate(modes):
        for row, zone in enumerate(("internet", "lan")):
            for place, (service, port, transport, name, answers, outcomes) in enumerate(SERVICES):
                promise: Promise = "allow" if service in ("icmp-echo", *shown.allow) else shown.promise or "allow"
                seen = outcomes if answers[column] != "-" else "-" * (len(outcomes) + 1)
                start = START + (600 * column + 75 * row + 3 * place) * SECOND
                findings.append(
                    finding(
                        service,
                        seen,
                        mode=shown.name,
                        zone=zone,
                        promise=promise,
                        transport=transport,
                        port=port,
                        name=name,
                        start=start,
                    )
                )
    names = [f"{shown.name}.{interface}.pcap" for shown in modes for interface in ("en0", "ppp0")]
    return analysis(findings, modes, names, last=START + 1400 * SECOND)


def boot() -> Analysis:
    """The time server refuses, then answers, is silent for a moment, and answers again."""
    times = [1.7, 2.8, 5.4, 6.5, 13.13, 13.25, 14.35]
    found = finding("ntp", "xx+++-+", name="Network Time Protocol", times=times, changing=True)
    return analysis([found], [mode(*BLOCK_ALL)], ["boot.ppp0.pcap"], last=START + 16 * SECOND)


def one_mode() -> Analysis:
    whole = article()
    found = [found for found in whole.findings if found.mode == "block-all"]
    return analysis(found, [whole.modes[-1]])


def no_mode() -> Analysis:
    found = [
        finding(service, outcomes, mode=None, promise=None, transport=transport, port=port, name=name, zone=zone)
        for service, port, transport, name, _, outcomes in SERVICES
        for zone in ("internet", "lan")
    ]
    found.append(finding("tcp/25", "xxx", mode=None, promise=None, transport="tcp", port=25, name="smtp"))
    found.append(finding("tcp/21", "---", mode=None, promise=None, transport="tcp", port=21, name="ftp"))
    found.append(finding("tcp/23", "~", mode=None, promise=None, transport="tcp", port=23, name="telnet"))
    return analysis(found)


def verdicts() -> Analysis:
    """Each verdict once, in a zone that is one and with a service that was not probed."""
    letters = ("+++-", "xx-", "x-", "++", "---", "--", "~~", "???")
    found = [
        finding(
            f"tcp/{8000 + index}",
            outcomes,
            verdict=verdict,
            mode="stealth",
            transport="tcp",
            port=8000 + index,
            promise="allow" if verdict in ("allowed", "silent", "refused") else "block",
        )
        for index, (verdict, outcomes) in enumerate(zip(VERDICTS, letters, strict=True))
    ]
    found.append(finding("tcp/8000", "++", mode="open", promise="allow", transport="tcp", port=8000))
    found.append(finding("tcp/8001", "-", zone="lan", mode="open", promise="allow", transport="tcp", port=8001))
    modes = [
        mode("open", "All open", "allow"),
        mode("stealth", "Block all, stealth", "block", ["tcp/8002", "tcp/8003", "tcp/8005"], stealth=True),
        mode("unknown", "", None),
    ]
    return analysis(found, modes)


def sixty() -> Analysis:
    found = [
        finding(
            f"tcp/{port}",
            "+-" if port % 7 == 0 and name == "block-all" else "---",
            transport="tcp",
            port=port,
            name=f"service-{port}",
            mode=name,
            promise="allow" if name == "allow-all" else "block",
        )
        for port in range(1, 61)
        for name in ("allow-all", "specific", "block-all")
    ]
    return analysis(found, [mode(*ALLOW_ALL, "allow"), mode(*SPECIFIC, allow=["tcp/22"]), mode(*BLOCK_ALL)])


def scan() -> Analysis:
    """A scan of three thousand ports, which no figure can show row by row."""
    found = [
        finding(f"tcp/{port}", "+" if port % 13 == 0 else "-", transport="tcp", port=port) for port in range(1, 3001)
    ]
    return analysis(found, [mode(*BLOCK_ALL)])


def many_modes(number: int = 8) -> Analysis:
    modes = [
        mode(
            f"mode-{index}",
            f"Block incoming connections, variant {index}",
            allow=["tcp/22", "udp/53"] * (index % 3),
        )
        for index in range(number)
    ]
    found = [
        finding(
            service,
            outcomes if index % 2 else "-" * 12,
            mode=shown.name,
            port=port,
            transport=transport,
            name=name,
        )
        for index, shown in enumerate(modes)
        for service, port, transport, name, _, outcomes in SERVICES
        if (index + port if port else 0) % 5
    ]
    return analysis(found, modes)


def one_exchange() -> Analysis:
    return analysis([finding("ntp", "+")], [mode(*BLOCK_ALL)], ["one.pcap"], last=START)


def bins(number: int, seconds: float, peak: int, phase: int = 0) -> list[Bin]:
    made = []
    for index in range(number):
        requests = 1 + peak * ((index * 7919 + phase) % 101) // 100
        if (index // 40) % 4 == 3:
            continue
        replied = requests * 4 // 5 if index % 3 else 0
        rejected = 0 if index % 3 else requests // 2
        made.append(
            Bin(
                start=index * seconds,
                requests=requests,
                replied=replied,
                rejected=rejected,
                silent=requests - replied - rejected,
                indeterminate=0,
            )
        )
    return made


def crowded() -> Analysis:
    """Ten million requests in bins, beside a lane with few."""
    found = []
    for place, (service, peak) in enumerate((("ntp", 40_000), ("dns", 900), ("nbns", 7))):
        drawn = finding(service, "+x-", port=100 + place)
        drawn.timeline = Timeline(start=START, width=7.2, marks=[], bins=bins(500, 7.2, peak, place))
        drawn.exchanges = sum(part.requests for part in drawn.timeline.bins)
        drawn.replied = sum(part.replied for part in drawn.timeline.bins)
        drawn.rejected = sum(part.rejected for part in drawn.timeline.bins)
        drawn.provable = drawn.exchanges
        found.append(drawn)
    found.append(finding("mdns", "+" * 300, port=5353, times=[12.0 * index for index in range(300)]))
    found.append(finding("tcp/22", "---", transport="tcp", port=22, times=[5, 1800, 3500]))
    found.append(finding("udp/53", "++?", mode="allow-all", promise="allow", port=53))
    return analysis(found, [mode(*ALLOW_ALL, "allow"), mode(*BLOCK_ALL)], last=START + 3600 * SECOND)


def flipping() -> Analysis:
    """Lanes that flip often, next to each other, and one beside them that does not."""
    often = finding("ntp", "+-" * 40, times=[0.9 * index for index in range(80)], changing=True)
    often.more_changes = 12
    twice = finding(
        "nbns", "xxx++++---", zone="lan", port=137, times=[7.0 * index for index in range(10)], changing=True
    )
    return analysis([often, twice, finding("mdns", "++++", port=5353)], [mode(*BLOCK_ALL)])


def odd_times() -> Analysis:
    """Clocks outside the years 1 to 9999, at 1970, before it, days apart, and a flip without a time."""
    flip = finding("ntp", "x+", start=2**63, times=[0, 3], changing=True)
    found = [
        flip,
        finding("nbns", "++", start=-(10**21), port=137),
        finding("mdns", "+", start=0, port=5353),
        finding("dns", "++-", mode="days", port=53, times=[0, 86400.0 * 3, 86400.0 * 40]),
        finding("ssh", "+-+", mode="days", port=22, times=[0.5, 1.5, 86400.0 * 3 + 10]),
        finding("snmp", "++", mode="quick", port=161, times=[0, 0.00004]),
        finding("tftp", "+++", mode="quick", port=69, times=[0.0001, 0.00021, 0.0003]),
    ]
    return analysis(found, [mode("odd"), mode("days"), mode("quick"), mode("block-all")])


def hostile() -> Analysis:
    """Names that try to be markup, control sequences, or merely too long."""
    evil = "$\\frac{1}{0}$ <script>alert(1)</script> & \x1b[31m\u202eevil\u0000\ud800 中文 \U0001f600 " + "x" * 5000
    stacked = "a" + "\u0301\u0327\u20e3" * 200
    found = [
        finding(evil, "+x-", mode=evil, zone=evil, name=evil, transport="udp"),
        finding(stacked, "x+", mode=evil, zone=stacked, name="$", transport="tcp", changing=True),
        finding("", "+", mode="", zone="", name="", transport="", port=None),
        finding("$_$", "-" * 3, mode="$^$", zone="lan", name="\n\t\r"),
    ]
    modes = [mode(evil, evil, allow=[evil] * 30), mode("", ""), mode("$^$", "שלום عالم")]
    hostile = analysis(
        found, modes, [evil] * 50, [Zone(name=evil, interfaces=[evil] * 20), Zone(name="lan", interfaces=[])]
    )
    hostile.first, hostile.last, hostile.capanalyze = evil, stacked, evil
    hostile.target = Target(addresses=[evil] * 9, how="", certainty="assumed", warnings=[])
    return hostile


def nothing() -> Analysis:
    return analysis([], [mode(*BLOCK_ALL)])


def samples() -> Iterator[tuple[str, Analysis]]:
    """Every analysis here that has something to draw."""
    for make in (
        article,
        boot,
        one_mode,
        no_mode,
        verdicts,
        sixty,
        scan,
        many_modes,
        one_exchange,
        crowded,
        flipping,
        odd_times,
        hostile,
    ):
        yield make.__name__, make()
    yield "twenty_modes", many_modes(20)


def texts(figure: Figure) -> list[str]:
    """Every text of a figure, in the order in which it was drawn."""
    return [text.get_text() for text in figure.findobj(Text)]


def collisions(figure: Figure) -> list[str]:
    """Texts that run into each other or out of the figure."""
    with settings():
        # Once: each text would make a renderer of its own otherwise.
        figure.draw_without_rendering()
        placed = [(text.get_text(), _corners(text)) for text in figure.findobj(Text)]
    width, height = figure.canvas.get_width_height()
    outside = [
        f"{text!r} leaves the figure"
        for text, (left, low, right, high) in placed
        if left < 0 or low < 0 or right > width or high > height
    ]
    crossing = [
        f"{one!r} runs into {other!r}"
        for (one, first), (other, second) in combinations(placed, 2)
        if first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]
    ]
    return outside + crossing


def _corners(text: Text) -> tuple[float, float, float, float]:
    # The box is as tall as the font's tallest letters: a pixel at its edge is not seen.
    left, low, right, high = text.get_window_extent().padded(-1).extents
    return float(left), float(low), float(right), float(high)
