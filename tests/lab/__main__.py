"""`python -m tests.lab record --out FOLDER`: see --help."""

import sys
import time
from pathlib import Path

import click

from tests.lab import needs
from tests.lab.audits import Promise
from tests.lab.listing import renew
from tests.lab.processes import LabError
from tests.lab.record import JOBS, record
from tests.lab.settings import SETTINGS, Setting, chosen


@click.group()
def main() -> None:
    """Record the article's experiment, and more, with real daemons behind real packet filters."""


@main.command("record")
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder of recordings.")
@click.option("--modes", default="", help="Only these folders or modes: ufw,off,ufw/off,… Default: all.")
@click.option("--jobs", default=JOBS, show_default=True, help="So many labs side by side.")
@click.option("--rules", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="An nftables file instead.")
@click.option("--promise", default="block", type=click.Choice(["allow", "block"]), help="What --rules promise.")
@click.option("--allow", multiple=True, help="A service that --rules let in: tcp/22, ntp, …; may be repeated.")
@click.option("--stealth", is_flag=True, help="--rules promise that the host gives no sign of itself.")
def record_command(
    out: Path, modes: str, jobs: int, rules: Path | None, promise: str, allow: tuple[str, ...], stealth: bool
) -> None:
    """Record captures, what the clients saw, logs and scans, with an audit file for each folder."""
    own: list[str] = []
    if rules:
        settings = [Setting("own", Promise(rules.stem, rules.stem, promise, allow, stealth), str(rules.resolve()))]
        own = [rules.stem, str(rules.resolve()), promise, "stealth" if stealth else "", *allow]
    else:
        settings = picked(modes)
    if hidden := [setting.key for setting in settings if not needs.readable(setting.firewall)]:
        click.echo(f"lab: leaves out what only root may read the settings of: {', '.join(hidden)}", err=True)
        settings = [setting for setting in settings if setting.key not in hidden]
    if reason := needs.lacking({part for setting in settings for part in (setting.firewall, setting.scenario)}):
        fail(reason)
    began = time.monotonic()
    try:
        record(settings, out, jobs, lambda line: click.echo(line, err=True), own)
    except LabError as error:
        fail(str(error))
    click.echo(f"{len(settings)} recorded in {time.monotonic() - began:.0f} s", err=True)


@main.command("files")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
def files_command(folder: Path) -> None:
    """Write octets and SHA-256 of every file to the READMEs of the folders in FOLDER."""
    for readme in renew(folder):
        click.echo(readme)


def picked(words: str) -> list[Setting]:
    """The settings that were asked for."""
    try:
        return chosen(tuple(word for word in words.split(",") if word))
    except KeyError as error:
        known = ", ".join(dict.fromkeys(name for one in SETTINGS for name in (one.folder, one.name)))
        raise click.UsageError(f"{error.args[0]!r} is none of {known}") from None


def fail(reason: str) -> None:
    """End with one line."""
    click.echo(f"lab: {reason}", err=True)
    sys.exit(2)


if __name__ == "__main__":
    main()
