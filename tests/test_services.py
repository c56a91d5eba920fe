"""Names of services."""

import pytest

from capanalyze.services import MODULE_NAMES, REGISTERED, registered_name


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("tcp/22", "ssh"),
        ("tcp/88", "kerberos"),
        ("udp/123", "ntp"),
        ("udp/137", "netbios-ns"),
        ("udp/138", "netbios-dgm"),
        ("tcp/139", "netbios-ssn"),
        ("udp/427", "svrloc"),
        ("tcp/445", "microsoft-ds"),
        ("udp/500", "isakmp"),
        ("tcp/514", "shell"),
        ("udp/514", "syslog"),
        ("tcp/548", "afpovertcp"),
        ("udp/631", "ipp"),
        ("udp/1900", "ssdp"),
        ("udp/3283", "net-assistant"),
        ("tcp/3689", "daap"),
        ("udp/5351", "nat-pmp"),
        ("tcp/5351", None),
        ("udp/5353", "mdns"),
        ("udp/5355", "llmnr"),
        ("udp/28524", None),
        ("ntp", "NTP"),
        ("nbns", "NetBIOS name service"),
        ("mdns", "mDNS (Bonjour)"),
        ("icmp", "ICMP echo"),
    ],
)
def test_name_to_show(service: str, name: str | None) -> None:
    assert registered_name(service) == name


@pytest.mark.parametrize("service", ["", "/", "udp", "udp/", "/22", "tcp/-1", "tcp/x", "tcp/²", "tcp/" + "9" * 5000])
def test_what_is_no_service_has_no_name(service: str) -> None:
    assert registered_name(service) is None


def test_registered_ports() -> None:
    assert ("udp", 123) in REGISTERED
    assert ("udp", 28524) not in REGISTERED
    assert ("udp", 27017) not in REGISTERED
    assert ("tcp", 27017) in REGISTERED
    assert ("icmp", 7) not in REGISTERED


def test_table_is_in_form() -> None:
    for (transport, port), name in REGISTERED.items():
        assert transport in ("tcp", "udp")
        # Above lie the ports that clients choose (RFC 6335 section 6): no service is registered there.
        assert 0 < port < 49152
        assert name.replace("-", "").isalnum()
        # RFC 6335 section 5.1 allows no more.
        assert len(name) <= 15
    assert all(name == name.lower() for name in MODULE_NAMES)
