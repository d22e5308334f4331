"""Which processes live on this machine: a worker that starts sees at once that one has died."""

import os
from functools import cache
from pathlib import Path

BOOT = Path("/proc/sys/kernel/random/boot_id")
NAMESPACE = Path("/proc/self/ns/pid")


@cache
def pid_space() -> str:
    """Within what a process id means one process: this boot and this namespace; "" if unknown.

    Two containers may have the same host name, and a machine that started anew gives the same ids
    to others.
    """
    try:
        return f"{BOOT.read_text().strip()} {NAMESPACE.readlink()}"
    except OSError:  # not a Linux: nothing is known about neighbours
        return ""


def is_alive(pid: int) -> bool:
    """Whether there is a process of that id in this process's own pid space."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, and so alive
        return True
    return True
