"""The command line: `report`, `exchanges`, `dissect`, `modes`, `services`. Errors: one line on stderr, status 2."""

from __future__ import annotations

import atexit
import dataclasses
import functools
import gc
import os
import shlex
import sys
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from capanalyze import __version__
from capanalyze.errors import AuditError, CapanalyzeError
from capanalyze.escape import printable
from capanalyze.streams import flush_or_forget, forget, is_stdout_closed, prepare_streams, print_error
from capanalyze.turns import default_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from capanalyze.audit import Audit
    from capanalyze.exhibits import Limit

CAPTURES = click.argument("captures", nargs=-1, required=True, metavar="CAPTURE… | AUDIT.toml")
MOST_THREADS = 64
OPTIONS = (
    click.option("--mode", metavar="NAME", help="The firewall mode of all captures (see `capanalyze modes`)."),
    click.option("--target", multiple=True, metavar="ADDRESS", help="An address of the host under test; repeatable."),
    click.option("--zone", multiple=True, metavar="IFACE=ZONE", help="What an interface leads to; repeatable."),
    click.option("--since", metavar="TIME", help="Leave out frames before this time (ISO 8601, else UTC)."),
    click.option("--until", metavar="TIME", help="Leave out frames from this time on."),
)
KEEP_GOING = click.option("--keep-going", is_flag=True, help="Leave out captures that cannot be read, and say so.")
HOW_TO_READ = (
    click.option("--no-hash", is_flag=True, help="Do not work out the SHA-256 of captures: faster."),
    click.option(
        "--threads",
        type=click.IntRange(1, MOST_THREADS),
        metavar="N",
        help="How many threads read a capture. Default: one for each core, at most 4.",
    ),
    click.option("-q", "--quiet", is_flag=True, help="Do not show progress on the terminal."),
)
FORMS = ("html", "json", "graphs")
DEPTHS = ("auto", "off", "all")
ROW_FORMS = ("table", "jsonl", "csv", "parquet")
FRAME_FORMS = ("text", "json")
SUFFIXES = {"jsonl": "jsonl", "json": "jsonl", "ndjson": "jsonl", "csv": "csv", "parquet": "parquet"}


@dataclass(frozen=True)
class Asked:
    """The options that `report` and `exchanges` share."""

    mode: str | None
    target: tuple[str, ...]
    zone: tuple[str, ...]
    since: str | None
    until: str | None
    keep_going: bool
    no_hash: bool
    threads: int | None
    quiet: bool


FIRST_STEPS = """\
capanalyze shows which replies leaked through a host's firewall.
It reads packet captures that were taken on that host.

  capanalyze report capture.pcap
      Show which services answered; write a page with graphs to capture-report.
  capanalyze report --mode block-all capture.pcap
      Judge the answers by what that firewall setting promises.
  tcpdump -U -w - | capanalyze report -
      Do the same with live traffic, until Ctrl-C.
  capanalyze exchanges capture.pcap
      List every request with the replies that it drew.

capanalyze --help lists all commands.
"""
LONGEST = 4_000  # characters of an error's line, which a path may take for itself
COLLECT_AFTER = 100_000  # objects: the run is short, and most of what it makes is kept to its end


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Every expected error ends in one line and status 2; a reader that closed its end is no error."""
    try:
        yield
        sys.stdout.flush()
    except CapanalyzeError as error:
        leave(2, str(error))
    except click.ClickException as error:
        leave(2, " ".join(error.format_message().split()))
    except BrokenPipeError:
        forget(sys.stdout)
        sys.exit(0)
    except OSError as error:
        forget(sys.stdout)
        leave(2, f"standard output: {error.strerror}")
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)


def leave(status: int, reason: str) -> NoReturn:
    """End with one line on stderr."""
    complain(reason)
    flush_or_forget(sys.stdout)
    sys.exit(status)


def complain(reason: str) -> None:
    """Say on stderr, in one line, what went wrong; it may repeat what a file name or an argument holds."""
    print_error(f"capanalyze: {printable(reason, LONGEST)}")


def say(notes: Iterable[str]) -> None:
    """Tell on stderr, a line each, what a reader should know of the output."""
    for note in notes:
        complain(note)


class OneLine(click.Group):
    """A group of commands that says what is wrong in one line."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run, as click does, but for its own way with errors."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        prepare_streams()
        gc.set_threshold(COLLECT_AFTER, 50, 100)
        atexit.register(gc.freeze)  # Python would look for cycles once more as it ends
        # What numpy brings for linear algebra would start a thread a core, for nothing.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        with one_line_errors():
            status = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        sys.exit(status if isinstance(status, int) else 0)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; click makes status 1 of a reader that closed its end, where that reaches it."""
        with one_line_errors():
            return super().invoke(ctx)


def shared_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say what captures are, and hand them over as one `Asked`."""

    @functools.wraps(command)
    def gathered(
        mode: str | None,
        target: tuple[str, ...],
        zone: tuple[str, ...],
        since: str | None,
        until: str | None,
        keep_going: bool,
        no_hash: bool,
        threads: int | None,
        quiet: bool,
        **rest: Any,
    ) -> None:
        command(asked=Asked(mode, target, zone, since, until, keep_going, no_hash, threads, quiet), **rest)

    return with_options(*OPTIONS, KEEP_GOING, *HOW_TO_READ)(gathered)


def with_options(*options: Callable[..., Any]) -> Callable[..., Any]:
    """Add options to a command, in this order."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@click.group(
    cls=OneLine,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="capanalyze")
@click.pass_context
def main(context: click.Context) -> None:
    """Show which replies leaked through a host's firewall, from captures taken on that host."""
    if context.invoked_subcommand is None:
        click.echo(FIRST_STEPS, nl=False)


@main.command(short_help="Judge captures by what their firewall modes promise.")
@CAPTURES
@click.option("-o", "--output", metavar="DIR", help="Folder to write to. Default: named after the audit or capture.")
@click.option(
    "--format", "forms", default="html,json,graphs", show_default=True, metavar="FORM,…", help="What to write."
)
@click.option(
    "--depth",
    type=click.Choice(DEPTHS),
    default="auto",
    show_default=True,
    help="Let tshark dissect the frames that findings rest on: some, none, or all of them.",
)
@click.option("--verify", is_flag=True, help="Pair all frames once more, by the dpkt reference. Slow.")
@shared_options
def report(captures: tuple[str, ...], output: str | None, forms: str, depth: str, verify: bool, asked: Asked) -> None:
    """Judge captures against what their firewall modes promise, and write a report with graphs.

    CAPTURE is a pcap or pcapng file (gzip and zstd too), or - for stdin. Files named MODE.INTERFACE.pcap tell
    mode and interface; an AUDIT.toml says all of it.
    """
    chosen = check_forms(forms)
    check_no_pipes(captures)
    audit = audit_from(captures, asked)
    if verify and any(file.path == "-" for file in audit.captures):
        raise AuditError("--verify: reads captures twice, and standard input is read once: save it to a file first")
    from rich.console import Console

    from capanalyze.analysis import examine
    from capanalyze.capture.pipe import ended_by_interrupt
    from capanalyze.folder import default_folder
    from capanalyze.report import Deep, write_report
    from capanalyze.report.as_text import render_text, result
    from capanalyze.report.terminal import piece, write

    with ended_by_interrupt() if "-" in captures else nullcontext():
        command = command_line(captures, asked, depth)
        analysis, bundle = examine(audit, command, limit=limit_of(depth), quiet=asked.quiet)
    if verify:
        from capanalyze.opinion import verify as verified

        analysis.reference = verified(audit)
    deep = None
    if bundle:
        from capanalyze.agreement import deepen
        from capanalyze.depth import dissect

        opinion = dissect(bundle.octets, len(bundle.shown))
        deepen(analysis, bundle, opinion)
        deep = Deep(bundle, opinion.dissections)
    folder = Path(output) if output else default_folder(captures, audit.title)
    written = write_report(analysis, folder, chosen, deep) if chosen else []
    if written and is_stdout_closed():
        return
    console = Console(highlight=False, emoji=False)
    render_text(analysis, console, chosen)
    # Once more at the end, for what stands above may have scrolled away.
    write(console, [(), [result(analysis)]])
    write(console, [[piece(line) for line in written_to(written)]], whole_lines=True)


@main.command(short_help="List every request with the replies that it drew.")
@CAPTURES
@click.option("--format", "form", type=click.Choice(ROW_FORMS), help="Default: table, or by the name given to -o.")
@click.option("-o", "--output", metavar="FILE", help="File to write to; stdout without it.")
@click.option(
    "--service", "services", multiple=True, metavar="NAME", help="Only this one (ntp, tcp/22, …); repeatable."
)
@click.option("--disclosures", is_flag=True, help="Decode what every reply disclosed.")
@shared_options
def exchanges(
    captures: tuple[str, ...],
    form: str | None,
    output: str | None,
    services: tuple[str, ...],
    disclosures: bool,
    asked: Asked,
) -> None:
    """List every request with the replies that it drew, in order of file and frame.

    Of a large capture, requests are listed as they are settled.

    The first column of the table, #, counts the exchanges of each capture: `capanalyze dissect CAPTURE --exchange 5`
    shows the frames of the one with number 5, also where --service leaves others out. There are no numbers where
    `dissect`, which reads one whole capture, would count otherwise: with --since or --until, where an audit file names
    some interfaces of a capture, and where several captures have many exchanges together. Where captures hold replies
    to each other's requests, as pieces of a rotated capture do, it may count otherwise, too: take --frame there.

    What a reader should know of a capture (it was cut, or frames could not be read) is said on standard error.
    """
    form = form or form_of(output)
    if form == "parquet" and output in (None, "-"):
        raise AuditError("--format: is 'parquet', which needs a file: add -o FILE")
    audit = audit_from(captures, asked)
    from capanalyze.audit import check_service
    from capanalyze.capture.pipe import ended_by_interrupt
    from capanalyze.hosts import hosts_or_one
    from capanalyze.report.listing import Listing
    from capanalyze.report.rows import open_rows
    from capanalyze.services import on_port

    named = frozenset(one for service in services for one in on_port(check_service(service, "--service")))
    notes: list[str] = []
    with ended_by_interrupt() if "-" in captures else nullcontext():
        hosts = hosts_or_one(audit)
        with open_rows(form, output) as writer:
            listing = Listing(writer, named, numbered=form == "table", disclosures=disclosures)
            for host in hosts:
                # Rows that are printed show by themselves how far reading has come.
                notes += listing.of(host, hosts, quiet=asked.quiet or output in (None, "-"))
    say(notes)


@main.command(short_help="Show some frames of a CAPTURE to the octet.")
@click.argument("capture")
@click.option("--frame", "frames", multiple=True, metavar="N", help="A frame: 12, 12,14 or 12-15; repeatable.")
@click.option(
    "--exchange",
    "numbers",
    multiple=True,
    type=click.IntRange(min=1),
    metavar="K",
    help="The frames of an exchange: the one that `capanalyze exchanges CAPTURE` numbers K; repeatable.",
)
@click.option("--format", "form", type=click.Choice(FRAME_FORMS), help="Default: text, or by the name given to -o.")
@click.option("-o", "--output", metavar="FILE", help="File to write to; stdout without it.")
@with_options(*HOW_TO_READ)
def dissect(
    capture: str,
    frames: tuple[str, ...],
    numbers: tuple[int, ...],
    form: str | None,
    output: str | None,
    no_hash: bool,
    threads: int | None,
    quiet: bool,
) -> None:
    """Show some frames of a CAPTURE to the octet: what tshark makes of each, and a hex dump.

    Frames are numbered as in Wireshark. An exchange has the number that stands in the first column, #, of
    `capanalyze exchanges CAPTURE`: it counts all exchanges of that capture alone from 1.
    """
    if bool(frames) == bool(numbers):
        raise click.UsageError("give either --frame or --exchange")
    check_no_pipes([capture])
    if capture.endswith(".toml"):
        raise AuditError(f"{capture}: is an audit file; give one of its captures")
    from capanalyze.audit import audit_of
    from capanalyze.capture.pipe import ended_by_interrupt
    from capanalyze.dissecting import dissect_exchanges, dissect_frames, wanted_frames
    from capanalyze.report.as_dissection import write_dissection
    from capanalyze.report.notes import notes_on_target

    form = form or ("json" if output and output.endswith(".json") else "text")
    audit = dataclasses.replace(audit_of([capture]), hashed=not no_hash, threads=threads or default_threads())
    with ended_by_interrupt() if capture == "-" else nullcontext():
        if frames:
            wanted = wanted_frames(frames)
            answer = dissect_frames(audit, wanted, identify=form == "json", quiet=quiet)
        else:
            answer = dissect_exchanges(audit, numbers, quiet=quiet)
    write_dissection(answer, form, output)
    say(answer.notes)
    if answer.target:
        say(notes_on_target(answer.target, ""))


@main.command()
def modes() -> None:
    """List the firewall modes that are built in."""
    from capanalyze.audit import ALIASES, PRESETS

    for preset in PRESETS:
        also = "".join(f" (also {alias})" for alias, name in ALIASES.items() if name == preset.name)
        allow = f", allows {', '.join(preset.allow)}" if preset.allow else ""
        click.echo(f"{preset.name + also:34}{preset.title}: promises to {preset.promise}{allow}")


@main.command(short_help="List the services that are paired by rules of their own.")
def services() -> None:
    """List the services that are paired by rules of their own, with ports, keys and RFC."""
    from textwrap import fill

    from capanalyze.protocols import PROTOCOLS
    from capanalyze.services import registered_name, rules, tunnel_ports
    from capanalyze.silence import listing

    said = rules()
    for protocol in PROTOCOLS:
        ports = ", ".join(str(port) for port in protocol.ports) or "any port"
        where = f"{protocol.transport} {ports}" if protocol.transport != "icmp" else "icmp, icmpv6"
        pace = f"silent after {protocol.window // 1_000_000_000} s"
        click.echo(f"{protocol.name:11} {where:18} {pace:18} {registered_name(protocol.name) or ''}".rstrip())
        click.echo(fill(said[protocol.name], initial_indent=" " * 4, subsequent_indent=" " * 4, width=100))
    for paragraph in listing():
        click.echo(paragraph)
    click.echo()
    tunnels = ", ".join(f"{name} {' and '.join(ports)}" for name, ports in tunnel_ports().items())
    said_of_tunnels = f"Tunnels over UDP, which are opened and need not answer: {tunnels}"
    click.echo(fill(said_of_tunnels, subsequent_indent=" " * 4, width=100))


def check_forms(forms: str) -> tuple[str, ...]:
    """The forms asked for."""
    chosen = tuple(dict.fromkeys(form.strip() for form in forms.split(",") if form.strip()))
    for form in chosen:
        if form not in FORMS:
            raise AuditError(f"--format: is {form!r}, expected some of {', '.join(FORMS)}")
    return chosen


def check_no_pipes(captures: Sequence[str]) -> None:
    """A pipe that has a name gives its octets once, and its frames are gone back to; standard input is kept."""
    for capture in captures:
        if Path(capture).is_fifo():
            raise AuditError(f"{capture}: is a pipe: give - and let it be standard input")


def written_to(written: Sequence[Path]) -> list[str]:
    """The line that says what a report was written to, the page first; none where nothing was written."""
    others = f" and {len(written) - 1} more file{'s' * (len(written) > 2)}" if len(written) > 1 else ""
    return [f"Written to {path}{others}" for path in written[:1]]


def form_of(output: str | None) -> str:
    """The form of rows that a file's name asks for."""
    return SUFFIXES.get(Path(output).suffix.lstrip("."), "table") if output else "table"


def audit_from(captures: tuple[str, ...], asked: Asked) -> Audit:
    """The audit that arguments and options ask for; options add to an audit file where they can."""
    from capanalyze.audit import audit_of, check_address, load_audit, nanoseconds, parse_zones

    if any(path.endswith(".toml") for path in captures):
        if len(captures) > 1:
            raise AuditError("an audit file names its captures itself: give it alone")
        if asked.mode:
            raise AuditError("--mode: an audit file says the modes itself")
        audit = load_audit(Path(captures[0]))
        audit = dataclasses.replace(
            audit,
            target=audit.target + tuple(check_address(one, "--target") for one in asked.target),
            zones=audit.zones | parse_zones(asked.zone),
        )
    else:
        audit = audit_of(list(captures), mode=asked.mode, target=asked.target, zones=asked.zone)
    since, until = (nanoseconds(moment(getattr(asked, name), f"--{name}")) for name in ("since", "until"))
    if since is not None and until is not None and since >= until:
        raise AuditError(f"--until: is {asked.until!r}, expected a time after --since {asked.since!r}")
    threads = asked.threads or default_threads()
    return dataclasses.replace(
        audit,
        since=since,
        until=until,
        hashed=not asked.no_hash,
        threads=threads,
        keep_going=asked.keep_going,
    )


def moment(text: str | None, option: str) -> datetime | None:
    """A time as ISO 8601 writes it."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise AuditError(f"{option}: is {text!r}, expected a time such as 2007-10-29T10:13:06Z") from error


def limit_of(depth: str) -> Limit | None:
    """How many frames a report shows; none without depth."""
    if depth == "off":
        return None
    from capanalyze.exhibits import LIMITS

    return LIMITS[depth]


def command_line(captures: tuple[str, ...], asked: Asked, depth: str) -> str:
    """The command as a reader could repeat it, without folders of this machine."""
    given = (
        ("--mode", (asked.mode,)),
        ("--target", asked.target),
        ("--zone", asked.zone),
        ("--since", (asked.since,)),
        ("--until", (asked.until,)),
        ("--depth", (None if depth == DEPTHS[0] else depth,)),
    )
    options = [word for name, values in given for value in values if value is not None for word in (name, value)]
    options += ["--keep-going"] if asked.keep_going else []
    options += ["--no-hash"] if asked.no_hash else []
    files = [capture if capture == "-" else Path(capture).name for capture in captures]
    return shlex.join(["capanalyze", "report", *options, *files])
