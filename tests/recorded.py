"""The recordings of one service each in `pcaps/services`, as capanalyze lists them and as tshark dissects them."""

import json
from collections.abc import Callable
from typing import Any

from click.testing import CliRunner

from capanalyze.cli import main
from tests.build import dissected
from tests.conftest import PCAPS

SERVICES = PCAPS / "services"

Frame = dict[str, str]


def exchanges(name: str) -> list[dict[str, Any]]:
    """The exchanges of a service's recording, every reply decoded."""
    words = ["exchanges", "--format", "jsonl", "--disclosures", "--service", name, str(SERVICES / f"{name}.pcap")]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def told(name: str, kind: str) -> dict[int, list[str]]:
    """What each reply told or confirmed of one kind, by its frame; of a datagram in fragments, by the last."""
    found: dict[int, list[str]] = {}
    for row in exchanges(name):
        values = [
            fact["value"].removeprefix(f"{kind} " if fact["kind"] == "confirmed" else "")
            for fact in row["disclosures"]
            if fact["kind"] == kind or (fact["kind"] == "confirmed" and fact["value"].startswith(f"{kind} "))
        ]
        if row["replies"] and values:
            found[row["replies"][-1]] = values
    return found


def frames(name: str, *fields: str) -> dict[int, Frame]:
    """What tshark makes of each frame: its ports, and these fields."""
    names = ("frame.number", "udp.srcport", "udp.dstport", *fields)
    rows = dissected(SERVICES / f"{name}.pcap", *names)
    return {int(row[0]): dict(zip(names, [*row, *[""] * (len(names) - len(row))], strict=True)) for row in rows}


def answered(
    seen: dict[int, Frame], replies: Callable[[Frame], bool], answers: Callable[[Frame, Frame], bool]
) -> dict[int, int]:
    """Each reply that tshark shows with the latest earlier frame that it answers, the ports swapped."""
    found = {}
    for number, reply in seen.items():
        if not replies(reply):
            continue
        for asked in range(number - 1, 0, -1):
            request = seen[asked]
            swapped = (request["udp.srcport"], request["udp.dstport"]) == (reply["udp.dstport"], reply["udp.srcport"])
            if swapped and not replies(request) and answers(request, reply):
                found[number] = asked
                break
        else:
            raise AssertionError(f"frame {number} answers nothing")
    return found


def paired(name: str) -> dict[int, int]:
    """Each reply as capanalyze pairs it."""
    return {row["replies"][-1]: row["requests"][0] for row in exchanges(name) if row["replies"]}
