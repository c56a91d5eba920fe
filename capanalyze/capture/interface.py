"""One interface of a capture, as the capture describes it."""

from dataclasses import dataclass, field

ONE_SIDED = (117, 239)  # pflog and nflog hold what a rule logged, not all that passed


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

    def set_resolution(self, octet: int) -> bool:
        """Take the if_tsresol option: a power of 10, or of 2 with the top bit; False if impossible.

        `divisor` brings the part below a second under 2**33 units, so that no product passes 63 bits.
        """
        exponent = octet & 0x7F
        if octet & 0x80:
            if exponent > 62:
                return False
            self.units_per_second = 1 << exponent
            self.divisor = 1 << max(0, exponent - 30)
            return True
        if exponent > 18:
            return False
        self.units_per_second = 10**exponent
        self.divisor = 10 ** max(0, exponent - 9)
        return True
