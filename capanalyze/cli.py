"""The command line: `report`, `exchanges`, `modes`, `services`. Errors are one line on stderr and status 2."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from capanalyze import __version__
from capanalyze.errors import AuditError, CapanalyzeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capanalyze.audit import Audit

CAPTURES = click.argument("captures", nargs=-1, required=True, metavar="CAPTURE… | AUDIT.toml")
TARGET = click.option(
    "--target", multiple=True, metavar="ADDRESS", help="An address of the host under test. May be repeated."
)
MODE = click.option("--mode", metavar="NAME", help="The firewall mode of all captures (see `capanalyze modes`).")
ZONE = click.option(
    "--zone", multiple=True, metavar="IFACE=ZONE", help="What network an interface leads to. May be repeated."
)
SINCE = click.option(
    "--since", metavar="TIME", help="Leave out frames before this time (ISO 8601, UTC unless it says so)."
)
UNTIL = click.option("--until", metavar="TIME", help="Leave out frames from this time on.")
FORMS = ("html", "json", "graphs")
ROW_FORMS = ("table", "jsonl", "csv", "parquet")


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Every expected error ends in one line and status 2; a reader that closed its end is no error."""
    try:
        yield
    except CapanalyzeError as error:
        click.echo(f"capanalyze: {error}", err=True)
        sys.exit(2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="capanalyze")
def main() -> None:
    """Show which replies leaked through a host's firewall, from captures taken on that host."""


@main.command()
@CAPTURES
@click.option("-o", "--output", metavar="DIR", help="Folder to write to. Default: the capture's stem + -report.")
@MODE
@TARGET
@ZONE
@click.option(
    "--format", "forms", default="html,json,graphs", show_default=True, metavar="FORM,…", help="What to write."
)
@SINCE
@UNTIL
def report(
    captures: tuple[str, ...],
    output: str | None,
    mode: str | None,
    target: tuple[str, ...],
    zone: tuple[str, ...],
    forms: str,
    since: str | None,
    until: str | None,
) -> None:
    """Judge captures against what their firewall modes promise, and write a report with graphs.

    CAPTURE is a pcap or pcapng file (gzip and zstd too), or - for stdin. Files named MODE.INTERFACE.pcap tell
    mode and interface; an AUDIT.toml says all of it.
    """
    with one_line_errors():
        chosen = check_forms(forms)
        audit = audit_from(captures, mode, target, zone, since, until)
        from capanalyze.analysis import analyze
        from capanalyze.report import write_report
        from capanalyze.report.as_text import render_text

        analysis = analyze(audit, command_line(captures, mode, target, zone, since, until))
        folder = Path(output) if output else default_folder(captures[0])
        written = write_report(analysis, folder, chosen)
        from rich.console import Console

        console = Console(highlight=False, soft_wrap=False)
        render_text(analysis, console)
        if written:
            click.echo(f"\nWritten to {folder}: {', '.join(str(path.relative_to(folder)) for path in written)}")


@main.command()
@CAPTURES
@click.option("--format", "form", type=click.Choice(ROW_FORMS), help="Default: table, or by the name given to -o.")
@click.option("-o", "--output", metavar="FILE", help="File to write to; stdout without it.")
@click.option(
    "--service", "services", multiple=True, metavar="NAME", help="Only this service (ntp, tcp/22, …). May be repeated."
)
@click.option("--disclosures", is_flag=True, help="Decode what every reply disclosed.")
@MODE
@TARGET
@ZONE
@SINCE
@UNTIL
def exchanges(
    captures: tuple[str, ...],
    form: str | None,
    output: str | None,
    services: tuple[str, ...],
    disclosures: bool,
    mode: str | None,
    target: tuple[str, ...],
    zone: tuple[str, ...],
    since: str | None,
    until: str | None,
) -> None:
    """List every request with the replies that it drew, in order of file and frame."""
    with one_line_errors():
        form = form or form_of(output)
        if form == "parquet" and output in (None, "-"):
            raise AuditError("--format: is 'parquet', which needs a file: add -o FILE")
        audit = audit_from(captures, mode, target, zone, since, until)
        from capanalyze.analysis import decode, find_exchanges, judge, known_target
        from capanalyze.report.rows import write_rows

        result = find_exchanges(audit)
        judge(audit, result, known_target(audit, result))
        pairs = [pair for pair in result.pairs if not services or pair.exchange.service in services]
        if disclosures:
            decode(pairs, result)
        write_rows([pair.exchange for pair in pairs], form, output)


@main.command()
def modes() -> None:
    """List the firewall modes that are built in."""
    from capanalyze.audit import ALIASES, PRESETS

    for preset in PRESETS:
        also = "".join(f" (also {alias})" for alias, name in ALIASES.items() if name == preset.name)
        allow = f", allows {', '.join(preset.allow)}" if preset.allow else ""
        click.echo(f"{preset.name + also:32} {preset.title}: promises to {preset.promise}{allow}")


@main.command()
def services() -> None:
    """List the services that are paired by rules of their own."""
    from capanalyze.protocols import PROTOCOLS
    from capanalyze.services import NEVER_ANSWERS, registered_name

    for protocol in PROTOCOLS:
        ports = ", ".join(str(port) for port in protocol.ports) or "any port"
        where = f"{protocol.transport} {ports}" if protocol.transport != "icmp" else "icmp, icmpv6"
        pace = f"silent after {protocol.window // 1_000_000_000} s"
        click.echo(f"{protocol.name:8} {where:16} {pace:18} {registered_name(protocol.name) or ''}".rstrip())
    click.echo(f"never answer: {', '.join(sorted(NEVER_ANSWERS))}")


def check_forms(forms: str) -> tuple[str, ...]:
    """The forms asked for."""
    chosen = tuple(dict.fromkeys(form.strip() for form in forms.split(",") if form.strip()))
    for form in chosen:
        if form not in FORMS:
            raise AuditError(f"--format: is {form!r}, expected some of {', '.join(FORMS)}")
    return chosen


def form_of(output: str | None) -> str:
    """The form of rows that a file's name asks for."""
    suffix = Path(output).suffix.lstrip(".") if output else ""
    return (
        {"json": "jsonl", "ndjson": "jsonl"}.get(suffix, suffix)
        if suffix in (*ROW_FORMS, "json", "ndjson")
        else "table"
    )


def audit_from(
    captures: tuple[str, ...],
    mode: str | None,
    target: tuple[str, ...],
    zone: tuple[str, ...],
    since: str | None,
    until: str | None,
) -> Audit:
    """The audit that arguments and options ask for; options add to an audit file where they can."""
    import dataclasses

    from capanalyze.audit import audit_of, check_address, load_audit, nanoseconds, parse_zones

    if any(path.endswith(".toml") for path in captures):
        if len(captures) > 1:
            raise AuditError("an audit file names its captures itself: give it alone")
        if mode:
            raise AuditError("--mode: an audit file says the modes itself")
        audit = load_audit(Path(captures[0]))
        audit = dataclasses.replace(
            audit,
            target=audit.target + tuple(check_address(one, "--target") for one in target),
            zones=audit.zones | parse_zones(zone),
        )
    else:
        audit = audit_of(list(captures), mode=mode, target=target, zones=zone)
    return dataclasses.replace(
        audit, since=nanoseconds(moment(since, "--since")), until=nanoseconds(moment(until, "--until"))
    )


def moment(text: str | None, option: str) -> datetime | None:
    """A time as ISO 8601 writes it."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise AuditError(f"{option}: is {text!r}, expected a time such as 2007-10-29T10:13:06Z") from error


def default_folder(capture: str) -> Path:
    """The capture's stem + -report, in the working directory."""
    name = "stdin" if capture == "-" else Path(capture).name
    for suffix in (".gz", ".zst"):
        name = name.removesuffix(suffix)
    return Path(f"{Path(name).stem}-report")


def command_line(
    captures: tuple[str, ...],
    mode: str | None,
    target: tuple[str, ...],
    zone: tuple[str, ...],
    since: str | None,
    until: str | None,
) -> str:
    """The command as a reader could repeat it, without folders of this machine."""
    import shlex

    options: list[Any] = []
    for name, values in (
        ("--mode", (mode,)),
        ("--target", target),
        ("--zone", zone),
        ("--since", (since,)),
        ("--until", (until,)),
    ):
        for value in values:
            if value is not None:
                options += [name, value]
    files = [capture if capture == "-" else Path(capture).name for capture in captures]
    return shlex.join(["capanalyze", "report", *options, *files])
