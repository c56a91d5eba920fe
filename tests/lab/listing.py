"""The tables of files in the READMEs of recordings: octets and SHA-256, between two markers."""

import hashlib
import re
from pathlib import Path

BEGIN, END = "<!-- files -->", "<!-- end of files -->"
BETWEEN = re.compile(f"{BEGIN}\n.*?{END}", re.DOTALL)
HEAD = "| file | octets | SHA-256 |\n|---|---:|---|\n"
UNLISTED = {"README.md", "leaks.png"}


def table(folder: Path) -> str:
    """The files of a folder."""
    files = (path for path in sorted(folder.iterdir()) if path.is_file() and path.name not in UNLISTED)
    return HEAD + "".join(row(path) for path in files)


def row(path: Path) -> str:
    """One file."""
    octets = path.read_bytes()
    return f"| `{path.name}` | {len(octets)} | `{hashlib.sha256(octets).hexdigest()}` |\n"


def renewed(readme: Path) -> str:
    """The text of a README with its table as it should be."""
    return BETWEEN.sub(f"{BEGIN}\n{table(readme.parent)}{END}", readme.read_text())


def renew(folder: Path) -> list[Path]:
    """Write the tables of all READMEs below a folder anew; which they are."""
    found = sorted(path for path in folder.glob("*/README.md") if BEGIN in path.read_text())
    for readme in found:
        readme.write_text(renewed(readme))
    return found
