"""What a row of an exchange holds is numbered twice, in the core and in Python: alike."""

import pytest

from capanalyze.core import core
from capanalyze.exchanges import row


@pytest.mark.parametrize("name", core.ROW)
def test_the_core_and_python_have_the_same_number(name: str) -> None:
    assert getattr(row, name) == core.ROW[name]


def test_no_number_stands_in_python_alone() -> None:
    words = {name for name in vars(row) if name.startswith("SAID_")}
    assert words == {name for name in core.ROW if name.startswith("SAID_")}
