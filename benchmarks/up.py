"""A whole hub by `entrepot up`: started, told where it is, watched for memory, and ended."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunningUp:
    """A hub that answers: where, how long that took, and its supervisor's process id."""

    address: str
    seconds: float
    pid: int

    def memory_mb(self) -> dict[str, float]:
        """Resident memory by process: supervisor, web, worker; PostgreSQL is not among them."""
        return {
            _role_of(pid): resident
            for pid in (self.pid, *_children_of(self.pid))
            if (resident := _resident_mb(pid)) and "postgres" not in _command_of(pid)
        }


@contextmanager
def running_up(folder: Path) -> Iterator[RunningUp]:
    """Run `entrepot up` on a data folder until the block ends."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ENTREPOT_", "DATABASE_", "DJANGO_"))
    }
    environment |= {"ENTREPOT_DATA": str(folder), "ENTREPOT_LOG_LEVEL": "warning"}
    began = time.perf_counter()
    command = [sys.executable, "-m", "entrepot", "up", "--port", "0", "--json"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            told = json.loads(process.stdout.readline())
            yield RunningUp(told["address"], time.perf_counter() - began, told["pid"])
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _children_of(pid: int) -> list[int]:
    told = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in told.split()]


def _command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def _role_of(pid: int) -> str:
    found = re.search(r"entrepot (\w+)", _command_of(pid))
    return {"up": "supervisor"}.get(found.group(1), found.group(1)) if found else str(pid)


def _resident_mb(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found.group(1)) / 1024 if found else 0.0
