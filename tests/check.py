"""Every check in one command: sets up a virtual environment in .venv and runs lint, types and tests in it.

`python3 tests/check.py [PYTEST ARGUMENT…]`; the interpreter that runs this is the one that is tested.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv"
PYTHON = FOLDER / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
STEPS = (
    ("-m", "ruff", "format", "--check", "."),
    ("-m", "ruff", "check", "."),
    ("-m", "mypy"),
    ("-m", "pytest"),
)
# Tests make and drop the core's tables thousands of times in one process: memory that glibc maps anew is zero already,
# what it hands out again has to be cleared, which takes half of their time.
MAPPED_ANEW = {"MALLOC_MMAP_THRESHOLD_": "262144"}


def same_version() -> bool:
    """Whether the environment that is there was made by this version of Python."""
    if not PYTHON.exists():
        return False
    asked = subprocess.run(
        [PYTHON, "-c", "import sys; print(sys.version)"], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() == sys.version.strip()


def main() -> int:
    """Set up, then run the steps until one fails."""
    if not same_version():
        venv.create(FOLDER, clear=True, with_pip=True)
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--upgrade", "pip>=25.1"], check=True, cwd=ROOT)
    subprocess.run([*pip, "--editable", ".", "--group", "test"], check=True, cwd=ROOT)
    for step in STEPS:
        extra = sys.argv[1:] if step[-1] == "pytest" else []
        sys.stdout.write(f"$ python {' '.join([*step, *extra])}\n")
        sys.stdout.flush()
        environment = MAPPED_ANEW | os.environ
        status = subprocess.run([str(PYTHON), *step, *extra], cwd=ROOT, env=environment, check=False).returncode
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
