"""SLP: octets to facts."""

import pytest

from tests.protocols.test_slp import (
    ATTR_RPLY,
    DA_ADVERT,
    SA_ADVERT,
    SRV_ACK,
    SRV_RPLY,
    TYPE_RPLY,
    message,
    services,
    text,
)

from . import Facts, assert_cut_tells_less, told

AGENT = text("service:directory-agent://192.0.2.10") + text("DEFAULT") + text("(name=a,b),color") + text("") + b"\0"
SIGNED = b"\0\xff\xff" + text("service:x://h") + b"\1" + b"\0\2\0\6ab"
REPLIES: dict[str, tuple[bytes, Facts]] = {
    "services": (
        message(SRV_RPLY, 1, services("service:printer:lpr://qf98e", "service:ssh://qf98e")),
        [("location", "service:printer:lpr://qf98e"), ("location", "service:ssh://qf98e")],
    ),
    "signed": (message(SRV_RPLY, 1, b"\0\0\0\1" + SIGNED), [("location", "service:x://h")]),
    "no service": (message(SRV_RPLY, 1, services(error=4)), [("error", "SCOPE_NOT_SUPPORTED")]),
    "refused": (message(SRV_ACK, 1, b"\0\x63"), [("error", "error 99")]),
    "attributes": (
        message(ATTR_RPLY, 1, b"\0\0" + text("(model=Mac,Pro),duplex, ") + b"\0"),
        [("attribute", "(model=Mac,Pro)"), ("attribute", "duplex")],
    ),
    "types": (
        message(TYPE_RPLY, 1, b"\0\0" + text("service:printer:lpr,service:ssh")),
        [("service", "service:printer:lpr"), ("service", "service:ssh")],
    ),
    "directory agent": (
        message(DA_ADVERT, 0, b"\0\0" + bytes(4) + AGENT),
        [
            ("location", "service:directory-agent://192.0.2.10"),
            ("scope", "DEFAULT"),
            ("attribute", "(name=a,b)"),
            ("attribute", "color"),
        ],
    ),
    "service agent": (
        message(SA_ADVERT, 1, text("service:service-agent://192.0.2.10") + text("") + text("") + b"\0"),
        [("location", "service:service-agent://192.0.2.10")],
    ),
}


@pytest.mark.parametrize("name", REPLIES)
def test_reply_tells(name: str) -> None:
    reply, facts = REPLIES[name]
    assert told("slp", reply) == facts


@pytest.mark.parametrize("name", REPLIES.keys())
def test_cut_reply_tells_less(name: str) -> None:
    assert_cut_tells_less("slp", REPLIES[name][0])


def test_of_version_1_no_more_is_told() -> None:
    assert told("slp", message(SRV_RPLY, 1, b"", 1)) == [("version", "SLPv1")]
