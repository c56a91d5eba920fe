"""The experiments: which folder a recording goes to, under which rules it is made, and what those promise."""

from dataclasses import dataclass
from functools import partial

from tests.lab.audits import BOTH, Promise
from tests.lab.places import ANY


@dataclass(frozen=True)
class Setting:
    """One recording. `rules` names a rule set or a firewall, `scenario` what is done under it."""

    folder: str
    promise: Promise
    rules: str
    scenario: str = "probe"
    interfaces: tuple[str, ...] = ("en0", "ppp0")
    families: tuple[int, ...] = BOTH

    @property
    def firewall(self) -> str:
        """The program that sets the rules, if it is not nft."""
        return self.rules.partition(":")[0]

    @property
    def name(self) -> str:
        """The name of the mode, with which its files begin."""
        return self.promise.name

    @property
    def key(self) -> str:
        """What tells it from all others: several folders have a mode `off`."""
        return f"{self.folder}/{self.name}"

    @property
    def words(self) -> set[str]:
        """The words that choose it."""
        return {self.folder, self.name, self.key}


# Folder → title of its audit file.
TITLES = {
    "leopard": "Leopard firewall",
    "ufw": "Uncomplicated Firewall as installed",
    "firewalld": "firewalld's zones as installed",
    "strict": "A strict nftables set",
    "reject": "A set that rejects",
    "stealth": "Leopard with stealth mode",
    "boot": "A time server that starts",
    "client": "A target that only asks",
    "pinhole": "The way in that a question opens",
    "ipv6": "A filter for IPv4 alone",
    "nat": "Two clients behind one address",
    "flip": "Rules that change",
    "clock-step": "A clock that is set back",
    "midway": "A capture that begins in the middle",
    "no-daemons": "A host on which nothing listens",
    "mislabelled": "A firewall that was never switched on",
    "published": "A port published past ufw",
    "own": "Rules of one's own",
}

BLOCK = "Block all incoming connections"


def blocking(name: str, title: str = BLOCK, allow: tuple[str, ...] = (), *, stealth: bool = False) -> Promise:
    """A mode that promises to block."""
    return Promise(name, title, "block", allow, stealth)


OFF = Promise("off", "No packet filter", "allow")
IPV4 = (4,)
# The same host, asked the same without a packet filter: it shows what would answer.
unfiltered = partial(Setting, promise=OFF, rules="allow-all")
of_a_container = partial(Setting, "published", interfaces=(ANY,), families=IPV4)
internet_only = partial(Setting, interfaces=("ppp0",), families=IPV4)

# In the order of the audit files.
SETTINGS = (
    Setting("leopard", Promise("allow-all", "Allow all incoming connections", "allow"), "allow-all"),
    Setting(
        "leopard",
        blocking("specific-services", "Set access for specific services", ("tcp/22",)),
        "specific-services",
    ),
    Setting("leopard", blocking("block-all"), "block-all"),
    unfiltered("ufw"),
    Setting("ufw", blocking("ufw", "default deny (incoming)"), "ufw"),
    unfiltered("firewalld"),
    Setting("firewalld", blocking("public", "zone public", ("tcp/22",)), "firewalld:public"),
    Setting("firewalld", blocking("home", "zone home", ("tcp/22", "mdns", "nbns", "udp/138")), "firewalld:home"),
    unfiltered("strict"),
    Setting("strict", blocking("strict", "Drop whatever was not asked for", stealth=True), "strict"),
    unfiltered("reject"),
    Setting("reject", blocking("reject", "Reject whatever was not asked for"), "reject"),
    unfiltered("stealth"),
    Setting("stealth", blocking("stealth", f"{BLOCK}, stealth mode", stealth=True), "stealth"),
    internet_only("boot", blocking("boot"), "block-all", "boot"),
    internet_only("client", blocking("client", "Drop whatever was not asked for"), "strict", "client"),
    internet_only("pinhole", blocking("pinhole", "Drop whatever was not asked for"), "strict", "pinhole"),
    unfiltered("ipv6", scenario="both-families"),
    Setting(
        "ipv6", blocking("ipv4-only", "Drop whatever was not asked for", stealth=True), "ipv4-only", "both-families"
    ),
    unfiltered("nat", scenario="nat", interfaces=("ppp0",), families=IPV4),
    internet_only("nat", blocking("nat"), "block-all", "nat"),
    unfiltered("flip", scenario="brief", families=IPV4),
    Setting("flip", blocking("flip"), "block-all", "flip", families=IPV4),
    unfiltered("clock-step", scenario="brief", families=IPV4),
    Setting("clock-step", blocking("clock-step"), "block-all", "clock-step", families=IPV4),
    Setting(
        "midway",
        blocking("midway", "Set access for specific services", ("tcp/22",)),
        "specific-services",
        "midway",
        families=IPV4,
    ),
    unfiltered("no-daemons", scenario="no-daemons"),
    Setting("no-daemons", blocking("strict", "Drop whatever was not asked for"), "strict", "no-daemons"),
    Setting("mislabelled", blocking("deny-all", "Deny all incoming connections"), "allow-all"),
    of_a_container(OFF, "allow-all", "published"),
    of_a_container(blocking("ufw", "default deny (incoming)"), "ufw", "published"),
    of_a_container(
        blocking("ufw-forward", "default deny (incoming) and what is forwarded too"), "ufw", "published-stopped"
    ),
)
NAMES = {setting.key: setting for setting in SETTINGS}


def chosen(words: tuple[str, ...]) -> list[Setting]:
    """The settings of these folders and modes (`off`, `ufw/off`); all without any. A KeyError names what is neither."""
    if not words:
        return list(SETTINGS)
    for word in words:
        if not any(word in setting.words for setting in SETTINGS):
            raise KeyError(word)
    return [setting for setting in SETTINGS if setting.words & set(words)]
