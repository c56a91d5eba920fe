"""NTP, its control and private messages, the time and daytime services."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from tests.fields.comparison import Comparison, Table, first_word
from tests.fields.dissection import Frame

TIME_MODES = (1, 2, 4, 5)
VARIABLE = re.compile(r'([^\s=,"]+)=(.*)', re.DOTALL)
UNSYNCHRONISED, NO_STRATUM = 3, 16


def utc(shown: str) -> str:
    """`Nov 23, 2026 03:54:30.926165699 UTC`, to the microsecond."""
    moment, _, nanos = shown.removesuffix(" UTC").partition(".")
    time = datetime.strptime(moment, "%b %d, %Y %H:%M:%S").replace(tzinfo=UTC)
    return f"{time:%Y-%m-%dT%H:%M:%S}" + (f".{nanos[:6]}Z" if nanos else "Z")


def is_time(frame: Frame) -> bool:
    return frame.number("ntp.flags.mode") in TIME_MODES


def version(frame: Frame) -> list[str]:
    return [f"NTPv{frame.number('ntp.flags.vn')}"] if is_time(frame) else []


def stratum(frame: Frame) -> list[str]:
    return frame.shown("ntp.stratum") if is_time(frame) else []


def unsynchronised(frame: Frame) -> list[str]:
    leap, number = frame.number("ntp.flags.li"), frame.number("ntp.stratum")
    if is_time(frame) and (leap == UNSYNCHRONISED or number == 0 or number >= NO_STRATUM):
        return [f"leap indicator {leap}, stratum {number}"]
    return []


def codes(frame: Frame) -> Iterator[str]:
    """The reference ID as letters."""
    for field in frame.all("ntp.refid"):
        if any(field.octets):
            yield field.octets.rstrip(b"\0").decode("ascii", "backslashreplace")


def kiss_of_death(frame: Frame) -> list[str]:
    return [*codes(frame)] if frame.number("ntp.stratum") == 0 else []


def reference_id(frame: Frame) -> list[str]:
    """tshark shows the address of an upstream server, and the names of some clocks in words."""
    if frame.number("ntp.stratum") == 1:
        return [*codes(frame)]
    if 1 < frame.number("ntp.stratum") < NO_STRATUM:
        return [field.said for field in frame.all("ntp.refid") if any(field.octets)]
    return []


def precision(frame: Frame) -> list[str]:
    return [f"2^{int(shown) - 256 * (int(shown) > 127)} s" for shown in frame.shown("ntp.precision") if shown != "0"]


def seconds(name: str) -> Comparison:
    """`Root Delay: 0.000305 seconds`."""
    return Comparison(
        lambda frame: [field.said.replace("seconds", "s") for field in frame.all(name) if field.show != "0"]
    )


def stamp(name: str) -> Comparison:
    return Comparison(lambda frame: [utc(shown) for shown in frame.shown(name) if shown != "NULL"])


def operation(frame: Frame) -> list[str]:
    """`...0 0010 = Opcode: read variables (2)`."""
    if frame.number("ntp.ctrl.flags2.r") != 1:
        return []
    return [field.named for field in frame.all("ntp.ctrl.flags2.opcode")]


def variables(frame: Frame) -> Iterator[str]:
    """The lines of text below a control message's data; one of each name without a value tells nothing."""
    for field in frame.fields:
        found = VARIABLE.fullmatch(field.show) if not field.name else None
        if found and (value := found[2].strip().strip('"')):
            yield f"{found[1]}={value}"


def private(frame: Frame) -> list[str]:
    items, size = frame.number("ntp.priv.numitems"), frame.number("ntp.priv.itemsize")
    if frame.number("ntp.priv.flags.r") != 1:
        return []
    words = "1 item" if items == 1 else f"{items} items"
    return [f"request code {frame.number('ntp.priv.reqcode')}: {words} of {size} octets"]


def time(frame: Frame) -> list[str]:
    """`Nov 25, 2026 19:55:17 UTC` is the whole line."""
    return [utc(field.line) for field in frame.all("time.time")]


TABLE: Table = {
    ("ntp", "version"): Comparison(version),
    ("ntp", "stratum"): Comparison(stratum),
    ("ntp", "unsynchronised"): Comparison(unsynchronised),
    ("ntp", "kiss-o'-death"): Comparison(kiss_of_death, first_word),
    ("ntp", "reference-id"): Comparison(reference_id),
    ("ntp", "precision"): Comparison(precision),
    ("ntp", "root-delay"): seconds("ntp.rootdelay"),
    ("ntp", "root-dispersion"): seconds("ntp.rootdispersion"),
    ("ntp", "reference-time"): stamp("ntp.reftime"),
    ("ntp", "clock"): stamp("ntp.xmt"),
    ("ntp", "ntp-control"): Comparison(operation),
    ("ntp", "ntp-variable"): Comparison(variables),
    ("ntp", "ntp-private"): Comparison(private),
    ("time", "time"): Comparison(time),
    ("daytime", "text"): Comparison(lambda frame: [shown.strip() for shown in frame.shown("daytime.string")]),
}
