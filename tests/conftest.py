"""What all tests share: where captures lie, and what to do where they do not."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PCAPS = ROOT / "pcaps"
SHARED = ROOT.parent / "shared"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite golden files instead of comparing")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of captures that are not part of the project."""
    if not SHARED.is_dir():
        pytest.skip("the shared captures are not here")
    return SHARED


@pytest.fixture(scope="session")
def leopard() -> Path:
    return PCAPS / "leopard"
