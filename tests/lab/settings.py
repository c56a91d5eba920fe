"""The experiments: which folder a recording goes to, under which rules it is made, and what those promise."""

from dataclasses import dataclass
from functools import partial

from tests.lab.audits import BOTH, Promise


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
    "own": "Rules of one's own",
}

BLOCK = "Block all incoming connections"


def blocking(name: str, title: str = BLOCK, allow: tuple[str, ...] = (), *, stealth: bool = False) -> Promise:
    """A mode that promises to block."""
    return Promise(name, title, "block", allow, stealth)


IPV4 = (4,)
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
    Setting("ufw", blocking("ufw", "default deny (incoming)"), "ufw"),
    Setting("firewalld", blocking("public", "zone public", ("tcp/22",)), "firewalld:public"),
    Setting("firewalld", blocking("home", "zone home", ("tcp/22", "mdns", "nbns", "udp/138")), "firewalld:home"),
    Setting("strict", blocking("strict", "Drop whatever was not asked for", stealth=True), "strict"),
    Setting("reject", blocking("reject", "Reject whatever was not asked for"), "reject"),
    Setting("stealth", blocking("stealth", f"{BLOCK}, stealth mode", stealth=True), "stealth"),
    internet_only("boot", blocking("boot"), "block-all", "boot"),
    internet_only("client", blocking("client", "Drop whatever was not asked for"), "strict", "client"),
    internet_only("pinhole", blocking("pinhole", "Drop whatever was not asked for"), "strict", "pinhole"),
    Setting(
        "ipv6", blocking("ipv4-only", "Drop whatever was not asked for", stealth=True), "ipv4-only", "both-families"
    ),
    internet_only("nat", blocking("nat"), "block-all", "nat"),
    Setting("flip", blocking("flip"), "block-all", "flip", families=IPV4),
    Setting("clock-step", blocking("clock-step"), "block-all", "clock-step", families=IPV4),
    Setting(
        "midway",
        blocking("midway", "Set access for specific services", ("tcp/22",)),
        "specific-services",
        "midway",
        families=IPV4,
    ),
)
NAMES = {setting.name: setting for setting in SETTINGS}


def chosen(words: tuple[str, ...]) -> list[Setting]:
    """The settings of these modes and folders; all without any. A KeyError names the word that is neither."""
    if not words:
        return list(SETTINGS)
    for word in words:
        if word not in TITLES and word not in NAMES:
            raise KeyError(word)
    return [setting for setting in SETTINGS if setting.name in words or setting.folder in words]
