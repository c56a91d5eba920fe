"""The rows of a list of exchanges: read, judged, chosen and written, host by host."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from capanalyze.analysis import disclosures_of, inputs_of, notes_on_pairing, of_host
from capanalyze.exchanges.batch import chosen, service_at
from capanalyze.flow import Flow
from capanalyze.progress import progress
from capanalyze.report.notes import notes_on_captures, notes_on_target
from capanalyze.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capanalyze.exchanges.batch import Batch, Names
    from capanalyze.hosts import Host
    from capanalyze.report.rows import RowWriter

READ_ONCE = "standard input is read once: what is called silent may be blocked, where its service answered later"


@dataclass(frozen=True)
class Listing:
    """Writes the exchanges of hosts.

    Attributes:
        writer: takes them.
        services: the only ones that are wanted; all where it is empty.
        numbered: whether rows have the numbers that `dissect --exchange` takes.
        disclosures: whether every reply is decoded.
    """

    writer: RowWriter
    services: frozenset[str]
    numbered: bool
    disclosures: bool

    def of(self, host: Host, hosts: Sequence[Host], *, quiet: bool) -> list[str]:
        """Write the exchanges of one of some hosts; what a reader should know of them."""
        with Stream(host.audit) as stream, progress(stream.octets_read, stream.total, quiet=quiet):
            flow = Flow(stream, needs_target=False)
            others = [file.name for other in hosts if other is not host for file in other.audit.captures]
            names = replace(flow.names, captures=[*flow.names.captures, *others])
            for batch in flow.numbered() if self.numbered else flow.in_order():
                self._write(batch, names, stream)
            told = notes_on_target(flow.target_in_the_end(), flow.undecided)
            read_once = [READ_ONCE] if flow.may_miss_controls else []
            return [
                *notes_on_captures(inputs_of(stream), stream.left_out.values()),
                *of_host(host.name, [*told, *notes_on_pairing(stream), *read_once]),
            ]

    def _write(self, batch: Batch, names: Names, stream: Stream) -> None:
        rows = batch
        if self.services:
            wanted = (number for number in range(batch.count) if service_at(batch, number) in self.services)
            rows = chosen([batch], ((0, number) for number in wanted))
        told = disclosures_of(rows, names, stream) if self.disclosures else None
        self.writer.write(rows, names, told)
