"""report.json: an `Analysis` written down field by field, for programs.

Keys are stable; new ones may be added. `report.schema.json`, beside this file, describes the format.
It is made from the records themselves: `python -m capanalyze.report.as_json > report.schema.json`.
"""

import json
import sys
from typing import Any

import msgspec

from capanalyze.escape import json_text
from capanalyze.model import Analysis

SCHEMA_FILE = "report.schema.json"


def to_json(analysis: Analysis) -> bytes:
    """The report as JSON text: UTF-8, the same octets for the same analysis."""
    try:
        octets = msgspec.json.encode(analysis)
    except UnicodeEncodeError:  # a file name that is not UTF-8
        return encode(msgspec.to_builtins(analysis))
    if not octets.isascii() or b"\x7f" in octets:
        octets = json_text(octets.decode()).encode()
    return msgspec.json.format(octets, indent=2) + b"\n"


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of `report.json`."""
    return schema_of(Analysis, "capanalyze-report 1")


def schema_of(root: type[msgspec.Struct], title: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a record that is written down field by field."""
    import inspect

    _, records = msgspec.json.schema_components([root], ref_template="#/$defs/{name}")
    for record in records.values():
        # What has a default is written all the same.
        record["required"] = list(record["properties"])
        # Python 3.13 takes the indentation off docstrings, earlier ones do not.
        record["description"] = inspect.cleandoc(record.get("description", ""))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "$ref": f"#/$defs/{root.__name__}",
        "$defs": {name: records[name] for name in sorted(records)},
    }


def shipped_schema() -> bytes:
    """The schema as the package carries it."""
    from importlib import resources

    return resources.files("capanalyze.report").joinpath(SCHEMA_FILE).read_bytes()


def schema_text() -> bytes:
    """The schema as it should be shipped."""
    return encode(json_schema())


def encode(value: Any) -> bytes:
    """JSON text that can be looked at on a terminal, whatever is in it."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)  # indented, it would be made in Python
    return msgspec.json.format(json_text(text).encode(), indent=2) + b"\n"


if __name__ == "__main__":
    sys.stdout.buffer.write(schema_text())
