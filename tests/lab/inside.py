"""One lab from first to last: `inside FOLDER SETTING`. What it prints is its part of the audit file."""

import os
import shutil
import sys
import traceback
from pathlib import Path

from tests.lab import needs
from tests.lab.audits import Promise
from tests.lab.jail import furnish
from tests.lab.lab import Lab
from tests.lab.places import LOGS, OUT
from tests.lab.processes import said_last
from tests.lab.scenarios import SCENARIOS
from tests.lab.settings import NAMES, Setting


def setting_of(words: list[str]) -> Setting:
    """The setting by its key, or by name, file of rules and promise if it is the user's own."""
    if len(words) == 1:
        return NAMES[words[0]]
    name, rules, promise, stealth, *allow = words
    return Setting("own", Promise(name, name, promise, tuple(allow), stealth == "stealth"), rules)


def main() -> int:
    """Record one setting; its files appear in the folder when all went well."""
    folder, words = Path(sys.argv[1]), sys.argv[2:]
    os.environ["PATH"] = needs.path()
    os.environ["TZ"] = "UTC"
    os.umask(0o022)
    setting = setting_of(words)
    try:
        furnish()
        section = SCENARIOS[setting.scenario](Lab(setting))
    except Exception as error:  # noqa: BLE001  # whatever it is, the logs would go with the lab
        failed = folder / f"{setting.name}.failed.log"
        failed.write_text(traceback.format_exc() + "".join(said_last(LOGS)))
        sys.stderr.write(f"{error or type(error).__name__}; {failed} has the daemons' logs\n")
        return 1
    for file in sorted(OUT.iterdir()):
        shutil.copyfile(file, folder / file.name)
    sys.stdout.write(section)
    return 0


if __name__ == "__main__":
    sys.exit(main())
