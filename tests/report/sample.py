"""Sample analyses: the article's case, one with nothing in it, one that means harm, one without a mode.

And the frames behind some of them, as tshark might dissect them.
"""

import hashlib

import msgspec

from capanalyze.exhibits import Bundle, Shown
from capanalyze.model import (
    EVIDENCE,
    Agreement,
    Analysis,
    Announcement,
    Asked,
    Because,
    Change,
    Depth,
    Dissection,
    Evidence,
    Exhibit,
    Expert,
    Fact,
    Field,
    Finding,
    Frame,
    Input,
    InterfaceInfo,
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
from capanalyze.report import Deep

TARGET = "203.0.113.10"
CLIENT = {"internet": "198.51.100.7", "lan": "192.0.2.33"}
START = 1_795_406_041_000_000_000

# service, name, transport, port, how many of how many it answers when nothing stops it
SERVICES = (
    ("ntp", "ntp", "udp", 123, 4, 5),
    ("nbns", "netbios-ns", "udp", 137, 4, 5),
    ("nbdgm", "netbios-dgm", "udp", 138, 0, 0),
    ("mdns", "mdns", "udp", 5353, 4, 6),
    ("tcp/22", "ssh", "tcp", 22, 3, 3),
    ("tcp/37200", "", "tcp", 37200, 2, 2),
    ("udp/28524", "", "udp", 28524, 1, 5),
    ("tcp/631", "ipp", "tcp", 631, 2, 2),
    ("udp/631", "ipp", "udp", 631, 0, 0),
    ("kerberos", "kerberos", "udp", 88, 1, 1),
    ("icmp", "icmp", "icmp", None, 2, 2),
)
BEYOND_THE_FIREWALL = ("ntp", "nbns", "mdns")

MODES = (
    ModeInfo(
        name="allow-all",
        title="Allow all incoming connections",
        promise="allow",
        allow=[],
        stealth=False,
        captures=["allow-all.en0.pcap", "allow-all.ppp0.pcap"],
        first="2026-11-23T03:54:01.120000Z",
        last="2026-11-23T03:54:59.870000Z",
    ),
    ModeInfo(
        name="specific",
        title="Set access for specific services and programs",
        promise="block",
        allow=["tcp/22"],
        stealth=False,
        captures=["specific.en0.pcap", "specific.ppp0.pcap"],
        first="2026-11-23T03:55:13.000100Z",
        last="2026-11-23T03:55:58.200000Z",
    ),
    ModeInfo(
        name="block-all",
        title="Block all incoming connections",
        promise="block",
        allow=[],
        stealth=False,
        captures=["block-all.en0.pcap", "block-all.ppp0.dlt_ppp.pcap"],
        first="2026-11-23T03:56:40.500000Z",
        last="2026-11-23T03:57:31.000000Z",
    ),
)

FACTS = {
    "ntp": (("stratum", "2"), ("reference-id", "131.188.3.220"), ("clock", "2026-11-23T03:56:45.103Z")),
    "nbns": (
        ("name", "QF98E<00> unique: workstation"),
        ("name", "QF98E<20> unique: file server"),
        ("name", "WORKGROUP<00> group: workgroup"),
        ("name", "..__MSBROWSE__.<01> group: master browser"),
        ("mac-address", "00:17:f2:df:cd:b3"),
    ),
    "mdns": (
        ("host-name", "Jürgens-MacBook.local"),
        ("instance", "Jürgens MacBook._ssh._tcp.local"),
        ("address", "192.168.178.23"),
        ("address", "fe80::217:f2ff:fedf:cdb3"),
    ),
}


def article() -> Analysis:
    """Three modes of one firewall, two zones, eleven services; three of them answer whatever the mode."""
    findings = [
        _finding(mode, zone, index)
        for mode in MODES
        for zone in ("internet", "lan")
        for index in range(len(SERVICES))
        # The directory service was asked under two modes only.
        if not (mode.name == "allow-all" and SERVICES[index][0] == "kerberos")
    ]
    _flip(findings)
    return Analysis(
        capanalyze="0.1.0",
        command="capanalyze report leopard.toml -o leopard-report",
        title="Leopard firewall, second look",
        inputs=_inputs(),
        first=MODES[0].first,
        last=MODES[-1].last,
        target=Target(
            addresses=[TARGET, "192.0.2.10", "fe80::217:f2ff:fedf:cdb3"],
            how="given: 203.0.113.10, 192.0.2.10; the target's own frames show fe80::217:f2ff:fedf:cdb3",
            certainty="given",
            warnings=[],
        ),
        modes=list(MODES),
        zones=[Zone(name="internet", interfaces=["ppp0"]), Zone(name="lan", interfaces=["en0"])],
        findings=findings,
        announcements=[
            Announcement(
                mode="block-all",
                zone="lan",
                service="mdns",
                name="mdns",
                messages=12,
                first=_evidence("block-all.en0.pcap", [], [3], "2026-11-23T03:56:41.000000Z", "lan"),
                octets=1_440,
                kinds={"probe": 3, "response": 9},
                disclosures=[
                    Fact(
                        kind="instance", value="Jürgens MacBook._ssh._tcp.local", capture="block-all.en0.pcap", frame=3
                    )
                ],
            ),
            Announcement(
                mode="allow-all",
                zone="lan",
                service="nbns",
                name="netbios-ns",
                messages=1_204,
                first=_evidence("allow-all.en0.pcap", [], [19], "2026-11-23T03:54:07.000000Z", "lan"),
            ),
        ],
        directions={"inbound": 214, "outbound": 31, "local": 2, "passing": 0},
        notes=["Log files were not given, so no verdict is held against what the firewall says of itself."],
    )


def empty() -> Analysis:
    """A capture with a header and no frames."""
    return Analysis(
        capanalyze="0.1.0",
        command="capanalyze report empty.pcap --target 203.0.113.10",
        title="",
        inputs=[
            Input(
                name="empty.pcap",
                sha256="e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                octets=24,
                format="pcap, microseconds, little endian",
                mode=None,
                frames=0,
                first=None,
                last=None,
                interfaces=[],
                account={},
                malformed={},
                notes=["the capture has no frames"],
            )
        ],
        first=None,
        last=None,
        target=Target(addresses=[TARGET], how="given", certainty="given", warnings=[]),
        modes=[],
        zones=[],
        findings=[],
        announcements=[],
        directions={},
        notes=[],
    )


def no_mode() -> Analysis:
    """Captures whose mode nobody knows: outcomes, and no verdicts."""
    analysis = article()
    for found in analysis.findings:
        found.mode, found.promise, found.verdict = None, None, None
    analysis.findings = [found for found in analysis.findings if found.first.capture.startswith("block-all.")]
    analysis.modes, analysis.announcements, analysis.title = [], [], ""
    analysis.inputs = analysis.inputs[-2:]
    for one in analysis.inputs:
        one.mode = None
    analysis.target = Target(
        addresses=[TARGET],
        how="the host that answered most unsolicited requests",
        certainty="assumed",
        warnings=["replies left 0.02 s after their requests: the capture looks taken on the way, not here"],
    )
    return analysis


HOSTILE = (
    "<script>alert(1)</script>",
    "\x1b[31mred\x1b]0;title\x07",
    "abc\u202egpj.exe\u2066",
    "=cmd|' /C calc'!A0",
    '"><img src=x onerror=alert(1)>',
    "[bold red]markup[/bold red] :warning:",
    "two\nlines\r\nand\x85more\u2028",
    "x" * 500,
    "\udcff not UTF-8",
)


def hostile() -> Analysis:
    """Every piece of text that comes from a capture, a file name or an audit file means harm."""
    analysis = article()
    everything = " ".join(HOSTILE)
    mode = ModeInfo(
        name=HOSTILE[0],
        title=HOSTILE[2],
        promise="block",
        allow=[HOSTILE[4]],
        stealth=True,
        captures=[HOSTILE[7]],
        first=None,
        last=None,
    )
    analysis.modes = [mode]
    analysis.zones = [Zone(name=HOSTILE[1], interfaces=[HOSTILE[5]])]
    analysis.title = everything
    analysis.command = everything
    analysis.notes = [everything]
    analysis.target = Target(
        addresses=[HOSTILE[3]],
        how=everything,
        certainty="assumed",
        warnings=[everything, HOSTILE[6]],
        because=[Because(kind="roles", said=everything, frames=[Frame(capture=name, frame=7) for name in HOSTILE])],
    )
    analysis.findings = [found for found in analysis.findings if found.mode == "block-all"][:4]
    for found, name in zip(analysis.findings, HOSTILE, strict=False):
        found.mode, found.zone, found.name, found.verdict = mode.name, HOSTILE[1], name, "leaked"
        found.disclosures = [Fact(kind="name", value=value, capture=HOSTILE[7], frame=7) for value in HOSTILE]
        found.notes = [everything]
        found.reasons = dict.fromkeys(HOSTILE, 1)
        found.first = _evidence(HOSTILE[7], [1], [2], None, "internet")
        found.evidence = [_evidence(value, [1], [2], None, "internet") for value in HOSTILE]
    analysis.inputs[0].name = HOSTILE[7]
    analysis.inputs[0].notes = [everything]
    analysis.inputs[1].name = HOSTILE[1]
    analysis.inputs[2].name = HOSTILE[8]
    analysis.inputs[0].malformed = dict.fromkeys(HOSTILE, 1)
    return analysis


def _finding(mode: ModeInfo, zone: str, index: int) -> Finding:
    service, name, transport, port, replied, provable = SERVICES[index]
    unproven = 0 if provable else 5
    open_here = mode.promise == "allow" or service in mode.allow or service in (*BEYOND_THE_FIREWALL, "icmp")
    open_here = open_here or mode.name == "specific"
    replied = replied if open_here else 0
    outcome: Outcome = "replied" if replied else "silent"
    capture = _capture(mode, zone)
    at = 10 + 12 * index
    time = (mode.first or "")[:17] + f"{10 + index:02}.250000Z"
    replies = [at + 1] if replied else []
    evidence = _evidence(capture, [at], replies, time, zone, port)
    told = FACTS.get(service, ()) if replied else ()
    received = 48 * replied + (220 if service in ("nbns", "mdns") and replied else 0)
    return Finding(
        mode=mode.name,
        zone=zone,
        service=service,
        transport=transport,
        port=port,
        name=name,
        promise=_promise(mode, service),
        verdict=_verdict(mode, service, replied=replied, provable=provable),
        outcome=outcome,
        exchanges=provable + unproven,
        replied=replied,
        rejected=0,
        silent=provable + unproven - replied,
        indeterminate=0,
        unproven=unproven,
        provable=provable,
        retransmissions=0 if replied else 2,
        reasons={"server reply": replied} if replied else {"no reply": provable + unproven},
        first=evidence,
        last=_evidence(capture, [at + 9], [], time, zone, port),
        evidence=[
            evidence,
            _evidence(capture, [at + 4, at + 6], replies and [at + 7, at + 8, at + 9], time, zone),
        ],
        rtt_us=RoundTrip(
            count=replied,
            minimum=212.0,
            median=272.0,
            maximum=1840.5,
            spread=[Step(us=272.0, count=replied - 1), Step(us=1840.5, count=1)]
            if replied > 1
            else [Step(us=272.0, count=1)],
        )
        if replied
        else None,
        request_octets=48 * provable,
        reply_octets=received,
        factor=received / (48 * replied) if replied else None,
        disclosures=[
            Fact(kind=kind, value=value, capture=capture, frame=at + 1 + place)
            for place, (kind, value) in enumerate(told)
        ],
        changes=[],
        more_changes=0,
        timeline=_timeline(outcome, replied, provable),
        notes=["3 frames dropped by the kernel in this capture, at times not known"]
        if capture == "specific.ppp0.pcap"
        else [],
        reply_frames=replied,
        frame_factor=1.0 if replied else None,
        kinds=_kinds(capture, at, replied) if service == "ntp" else [],
        reach=Reach(public=replied) if zone == "internet" else Reach(on_link=replied),
    )


def _kinds(capture: str, at: int, replied: int) -> list[Asked]:
    """Requests for the time, and one for the server's variables, which draws more than it sent."""
    return [
        Asked(
            kind=kind,
            exchanges=count + 1,
            replied=count,
            request_octets=octets * count,
            reply_octets=back * count,
            reply_frames=count,
            factor=back / octets if count else None,
            frame_factor=1.0 if count else None,
            first=Frame(capture=capture, frame=at) if count else None,
            first_reply=Frame(capture=capture, frame=at + 1) if count else None,
        )
        for kind, count, octets, back in (
            ("client request", max(replied - 1, 0), 48, 48),
            ("symmetric request", min(replied, 1), 12, 364),
        )
    ]


def _promise(mode: ModeInfo, service: str) -> Promise | None:
    if service == "icmp":
        return None
    return "allow" if service in mode.allow else mode.promise


def _verdict(mode: ModeInfo, service: str, *, replied: int, provable: int) -> Verdict:
    if not provable:
        return "unproven"
    if _promise(mode, service) == "block":
        return "leaked" if replied else "blocked"
    return "allowed" if replied else "silent"


def _flip(findings: list[Finding]) -> None:
    """The article's time server: it refused, then answered, with no setting changed."""
    for found in findings:
        if (found.mode, found.service) != ("block-all", "ntp"):
            continue
        capture = found.first.capture
        refused = _evidence(capture, [3], [4], "2026-11-23T03:56:42.000000Z", found.zone, 123)
        served = _evidence(capture, [6], [7], "2026-11-23T03:56:45.102500Z", found.zone, 123)
        found.changes = [
            Change(
                time="2026-11-23T03:56:45.102500Z",
                server=TARGET,
                kind="client",
                before="rejected",
                after="replied",
                last_before=refused,
                first_after=served,
                seconds=3.1025,
                reason_before="port unreachable",
                reason_after="server reply, unsynchronised",
                own_traffic=Frame(capture=capture, frame=5),
                circumstances=["the target itself sent as this service before, in frame 5"],
            )
        ]
        found.first, found.evidence = refused, [served, *found.evidence]
        found.rejected, found.provable, found.exchanges = 2, found.provable + 2, found.exchanges + 2
        found.reasons = {"server reply": 4, "port unreachable": 2, "no reply": 1}


def _timeline(outcome: Outcome, replied: int, provable: int) -> Timeline:
    marks = [
        Mark(
            request=2.0 * number,
            reply=2.0 * number + 0.0003 if number < replied else None,
            outcome=outcome if number < replied else "silent",
        )
        for number in range(provable)
    ]
    return Timeline(start=START, width=0, marks=marks, bins=[])


def _capture(mode: ModeInfo, zone: str) -> str:
    return mode.captures[1 if zone == "internet" else 0]


def _evidence(
    capture: str, requests: list[int], replies: list[int], time: str | None, zone: str, port: int | None = 123
) -> Evidence:
    server = TARGET if port is None else f"{TARGET}:{port}"
    return Evidence(
        capture=capture,
        requests=requests,
        replies=replies,
        time=time,
        client=f"{CLIENT[zone]}:50000",
        server=server,
    )


def _inputs() -> list[Input]:
    return [
        Input(
            name=_capture(mode, zone),
            sha256=f"{number:x}9c1d8e7f0a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c"[:64],
            octets=98_304 + 1_117 * number,
            format="pcap, microseconds, little endian",
            mode=mode.name,
            frames=1_204 + 31 * number,
            first=mode.first,
            last=mode.last,
            interfaces=[
                InterfaceInfo(
                    name="ppp0" if zone == "internet" else "en0",
                    link_type="PPP (9)" if zone == "internet" else "Ethernet (1)",
                    frames=1_204 + 31 * number,
                    dropped=3 if (mode.name, zone) == ("specific", "internet") else None,
                )
            ],
            account={"analysed": 1_190 + 31 * number, "fragment": 8, "link type": 5, "truncated": 1},
            malformed={"ntp: shorter than its header": 2} if zone == "internet" else {},
            notes=["cut in mid-frame at octet 98,311; all whole frames were analysed"] if number == 5 else [],
        )
        for number, (mode, zone) in enumerate((mode, zone) for mode in MODES for zone in ("lan", "internet"))
    ]


def elsewhere(evidence: Evidence, reply_capture: str) -> Evidence:
    """The same exchange with its reply in another capture."""
    return msgspec.structs.replace(evidence, reply_capture=reply_capture)


# -- Frames ------------------------------------------------------------------------------------------

INTERNET = "block-all.ppp0.dlt_ppp.pcap"
LAN = "block-all.en0.pcap"
NTP_OCTETS = bytes.fromhex(
    "ff0300214500004c20b940004011a19acb007142cb00710aa635007b0038b7ee"
    "e300000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000eeb1aeb1b82bf000"
)


def line(shown: str, offset: int = 0, size: int = 0, *fields: Field, name: str = "") -> Field:
    """One line of a dissection."""
    return Field(name=name, shown=shown, offset=offset, size=size, fields=list(fields))


def ntp_dissection(*, is_reply: bool) -> Dissection:
    """An NTP message over PPP, as tshark shows it, in part."""
    return Dissection(
        protocols=["ppp", "ip", "udp", "ntp"],
        layers=[
            line("Point-to-Point Protocol", 0, 4, line("Protocol: Internet Protocol version 4", 2, 2), name="ppp"),
            line(
                "Internet Protocol Version 4",
                4,
                20,
                line("0100 .... = Version: 4", 4, 1, name="ip.version"),
                line(".... 0101 = Header Length: 20 bytes (5)", 4, 1, name="ip.hdr_len"),
                line("Total Length: 76", 6, 2, name="ip.len"),
                name="ip",
            ),
            line("User Datagram Protocol", 24, 8, line("Source Port: 42549", 24, 2), name="udp"),
            line(
                "Network Time Protocol",
                32,
                48,
                line("Flags: 0xe3", 32, 1, line(".... .011 = Mode: client (3)", 32, 1), name="ntp.flags"),
                line("Request In: 1" if is_reply else "Response In: 2", 32, 0),
                line("Transmit Timestamp: Nov 25, 2026", 72, 8, name="ntp.xmt"),
                name="ntp",
            ),
        ],
    )


def deep() -> tuple[Analysis, Deep]:
    """The article's case with some of its frames.

    Those of its time server over the internet, one of whose replies tshark links otherwise; one is cut, one is long,
    two were not dissected, one is of no finding. On udp/28524 tshark sees DNS.
    """
    analysis = article()
    dissections = {number: ntp_dissection(is_reply=number % 2 == 0) for number in (1, 2, 3, 4)}
    dissections[5] = msgspec.structs.replace(
        dissections[1],
        experts=[
            Expert(severity="Chat", group="Sequence", message="Connection establish request (SYN)"),
            Expert(severity="Error", group="Malformed", message="Malformed Packet (Exception occurred)"),
            Expert(severity="Warning", group="Protocol", message="retransmission"),
        ],
    )
    dissections[6] = Dissection(protocols=["ppp", "ip", "udp", "dns"], layers=[line("Domain Name System", 32, 600)])
    where = [
        (INTERNET, 3, NTP_OCTETS, "ntp leaked under block-all, from internet: rejected, then replied: before: request"),
        (INTERNET, 4, NTP_OCTETS, "ntp leaked under block-all, from internet: rejected, then replied: before: reply"),
        (INTERNET, 6, NTP_OCTETS, "ntp leaked under block-all, from internet: request"),
        (INTERNET, 7, NTP_OCTETS, "ntp leaked under block-all, from internet: reply"),
        (INTERNET, 10, NTP_OCTETS[:40], "ntp leaked under block-all, from internet: request"),
        (INTERNET, 82, bytes(range(256)) * 4, "udp/28524 blocked under block-all, from internet: request"),
        (INTERNET, 11, b"<&>", "ntp leaked under block-all, from internet: reply"),
        (LAN, 1_328, NTP_OCTETS, "the capture block-all.en0.pcap goes on to here: silence lasted as far"),
    ]
    shown = [
        Shown(_exhibit(number, capture, frame, octets, proves, dissections.get(number)), octets)
        for number, (capture, frame, octets, proves) in enumerate(where, 1)
    ]
    for found in analysis.findings:
        if (found.mode, found.zone) == ("block-all", "internet"):
            found.agreement = _agreements().get(found.service)
    return _with_depth(analysis, shown, dissections, tshark="4.2.0", note=None)


def _agreements() -> dict[str, Agreement]:
    return {
        "ntp": Agreement(
            protocols=["ntp"],
            confirmed=6,
            links=2,
            differences=["frame 4 answers frame 3, and frame 1 for tshark"],
            explained=["frame 5 is cut by the snap length"],
        ),
        "udp/28524": Agreement(protocols=["dns", "_ws.malformed"], confirmed=1, links=0, differences=[], explained=[]),
    }


def undissected() -> tuple[Analysis, Deep]:
    """The same frames, without tshark."""
    analysis, known = deep()
    for found in analysis.findings:
        found.agreement = None
    shown = [
        Shown(msgspec.structs.replace(one.exhibit, protocols=[], experts=[]), one.octets) for one in known.bundle.shown
    ]
    return _with_depth(analysis, shown, {}, tshark=None, note="tshark is not installed: install it with `apt`")


def hostile_deep() -> tuple[Analysis, Deep]:
    """Every text of a dissection means harm."""
    analysis = hostile()
    everything = " ".join(HOSTILE)
    dissection = Dissection(
        protocols=list(HOSTILE),
        layers=[line(one, 0, 4, line(everything, 0, 1), name=one) for one in HOSTILE],
        experts=[Expert(severity=HOSTILE[0], group=HOSTILE[4], message=everything)],
    )
    shown = [
        Shown(_exhibit(number, one.capture, frame, b"<script>\x1b\"'&", everything, dissection), b"<script>\x1b\"'&")
        for number, (one, frame) in enumerate(
            ((one, frame) for one in analysis.findings[0].evidence for frame in (1, 2)), 1
        )
    ]
    analysis.findings[0].agreement = Agreement(
        protocols=list(HOSTILE), confirmed=1, links=0, differences=[f"frame 1 {everything}"], explained=[everything]
    )
    return _with_depth(
        analysis, shown, {one.exhibit.number: dissection for one in shown}, tshark=everything, note=everything
    )


def _exhibit(
    number: int, capture: str, frame: int, octets: bytes, proves: str, dissection: Dissection | None
) -> Exhibit:
    return Exhibit(
        number=number,
        capture=capture,
        frame=frame,
        time="2026-11-23T03:56:45.102500Z",
        interface="ppp0",
        captured=len(octets),
        octets=max(len(octets), 80),
        proves=[proves],
        protocols=dissection.protocols if dissection else [],
        experts=dissection.experts if dissection else [],
    )


def _with_depth(
    analysis: Analysis, shown: list[Shown], dissections: dict[int, Dissection], *, tshark: str | None, note: str | None
) -> tuple[Analysis, Deep]:
    octets = b"".join(one.octets for one in shown)
    bundle = Bundle(octets, 'title = "Evidence"\n', shown)
    analysis.depth = Depth(
        file=EVIDENCE,
        sha256=hashlib.sha256(octets).hexdigest(),
        octets=len(octets),
        exhibits=[one.exhibit for one in shown],
        audit=bundle.audit_name,
        tshark=tshark,
        note=note,
    )
    return analysis, Deep(bundle, dissections)
