"""Runs one command and writes what it took: `python -I -S launcher.py RESULT SECONDS COMMAND…`.

Linux hands the peak memory of whoever starts a process on to it, so this starts it from an interpreter with next
to nothing in it. What the peak cannot go below for that reason is in the result as `floor`.
"""

import json
import os
import signal
import sys
import time


def own_peak() -> float:
    """The peak of this interpreter in MiB; getrusage would tell that of its parent, if that is larger."""
    try:
        with open("/proc/self/status") as status:  # noqa: PTH123  # pathlib would be more than the rest of this
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
    except (OSError, StopIteration):
        return 0.0


def main() -> None:
    """Start the command, wait for it, and take the kernel's word for its use of time and memory."""
    result, limit, *command = sys.argv[1:]
    start = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ, setpgroup=0)
    stopped = False

    def stop(number: int, _frame: object) -> None:
        nonlocal stopped
        stopped = number == signal.SIGALRM
        os.killpg(child, signal.SIGKILL)

    for number in (signal.SIGALRM, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    signal.alarm(int(limit))
    _, status, used = os.wait4(child, 0)
    wall = time.perf_counter() - start
    signal.alarm(0)
    unit = 2**20 if sys.platform == "darwin" else 2**10
    taken = {
        "wall": wall,
        "cpu": used.ru_utime + used.ru_stime,
        "peak": used.ru_maxrss / unit,
        "floor": own_peak(),
        "status": os.waitstatus_to_exitcode(status),
        "stopped": stopped,
    }
    with open(result, "w") as out:  # noqa: PTH123  # pathlib would be more than the rest of this
        json.dump(taken, out)


main()
