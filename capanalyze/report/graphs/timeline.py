"""placeholder."""

from matplotlib.figure import Figure

from capanalyze.model import Analysis


def draw(analysis: Analysis) -> Figure | None:
    """Nothing yet."""
    return None
