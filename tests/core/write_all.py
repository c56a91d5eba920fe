"""Runs whole commands with a library in the place of the installed core; run by `test_flow`.

Its arguments are the library, how many exchanges may be open at a time, rows that are handed on at a time, and
captures; it prints a line for each: what the commands wrote.
"""

import hashlib
import json
import sys
import tempfile
from pathlib import Path

from click.testing import CliRunner

from tests.core.read_captures import put_in_place

FORMS = ("jsonl", "csv", "parquet")
TARGET = "192.0.2.10"


def seen(path: str) -> str:
    """What `exchanges` in all forms and `report` make of a capture, in one line."""
    with tempfile.TemporaryDirectory() as folder:
        runs = [["exchanges", path, "--quiet", "-o", f"{folder}/rows.{form}"] for form in FORMS]
        report = ["report", path, "--quiet", "--depth", "off", "--format", "json", "--mode", "specific"]
        runs.append([*report, "-o", f"{folder}/report"])
        runs.append([*report, "-o", f"{folder}/report of one", "--target", TARGET])
        said = [run(arguments) for arguments in runs]
        files = sorted(one for one in Path(folder).rglob("*") if one.is_file())
        written = {
            str(one.relative_to(folder)): hashlib.sha256(without_place(one, folder)).hexdigest() for one in files
        }
    return json.dumps([said, written])


def run(arguments: list[str]) -> int:
    """Run a command in this process; its status."""
    from capanalyze.cli import main

    done = CliRunner().invoke(main, arguments)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code


def without_place(path: Path, folder: str) -> bytes:
    """What a file holds, but for where it was written."""
    return path.read_bytes().replace(folder.encode(), b"")


def limit(largest: int, rows: int) -> None:
    """Let so many exchanges be open at a time, and so many rows be handed on at once."""
    from capanalyze.exchanges import engine

    engine.LARGEST = largest
    engine.OUT_ROOM = engine.OUT_LINKS = rows


if __name__ == "__main__":
    put_in_place(sys.argv[1])
    limit(int(sys.argv[2]), int(sys.argv[3]))
    for name in sys.argv[4:]:
        print(seen(name), flush=True)  # noqa: T201 - the parent reads it
