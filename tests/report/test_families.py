"""Findings in rows by family of addresses, where they differ."""

import pytest
from msgspec.structs import replace

from capanalyze.report.families import differs, over, over_families
from tests.report.graphs.sample import evidence, finding


@pytest.mark.parametrize(
    ("families", "rows"),
    [
        ({"ipv4": "--", "ipv6": "++"}, [("IPv6", "leaked", 2, 2), ("IPv4", "blocked", 0, 2)]),
        ({"ipv4": "++", "ipv6": "?"}, [("IPv4", "leaked", 2, 2), ("IPv6", "unproven", 0, 0)]),
        ({"ipv4": "-+", "ipv6": "+"}, [("", "leaked", 2, 3)]),
        ({"ipv4": "-"}, [("IPv4", "blocked", 0, 1)]),
    ],
)
def test_a_finding_has_a_row_for_each_family_that_it_differs_over(
    families: dict[str, str], rows: list[tuple[str, str, int, int]]
) -> None:
    found = finding("ntp", "".join(families.values()), families=families)
    assert [
        (over(row), row.verdict, row.replied, row.provable)
        for row in (over_families(found) if differs(found) else [found])
    ] == rows
    assert differs(found) == (len(rows) > 1)


def test_a_row_of_a_family_points_to_exchanges_over_it_alone() -> None:
    found = finding("ntp", "-+", families={"ipv4": "-", "ipv6": "+"})
    found.evidence = [replace(evidence(0), client="2001:db8::7")]
    six, four = over_families(found)
    assert [one.client for one in six.shown()][:1] == ["2001:db8::7"]
    assert all(":" not in one.client for one in four.shown())
