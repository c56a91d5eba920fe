"""One interface of a capture, as the capture describes it."""

from dataclasses import dataclass, field

ONE_SIDED = (117, 239)  # pflog and nflog hold what a rule logged, not all that passed
FINEST_DECIMAL, FINEST_BINARY = 18, 62  # exponents of the most units in a second that 63 bits count


@dataclass
class Interface:
    """An interface: link type, name where the capture has one, and how its clock counts."""

    link_type: int
    name: str | None = None
    snaplen: int = 0
    section: int = 0
    units_per_second: int = 1_000_000
    divisor: int = 1
    offset: int = 0
    addresses: list[str] = field(default_factory=list)
    dropped: int | None = None
    frames: int = 0

    @property
    def one_sided(self) -> bool:
        """Whether such a capture shows only what a rule logged."""
        return self.link_type in ONE_SIDED

    def set_resolution(self, octet: int) -> None:
        """Take the if_tsresol option: a power of 10, or of 2 with the top bit.

        Where 63 bits do not count the units of a second, frames have no times: `units_per_second` is 0. `divisor`
        brings the part below a second under 2**33 units, so that no product passes 63 bits.
        """
        exponent = octet & 0x7F
        is_binary = octet & 0x80 != 0
        if exponent > (FINEST_BINARY if is_binary else FINEST_DECIMAL):
            self.units_per_second = 0
            return
        base, enough = (2, 30) if is_binary else (10, 9)
        self.units_per_second = base**exponent
        self.divisor = base ** max(0, exponent - enough)
