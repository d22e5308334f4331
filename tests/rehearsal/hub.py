"""The hub's real processes, each killed and started again at will."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import httpx

from entrepot.cli.roles import listener
from tests.cli.waiting import wait_for


@dataclass
class Hub:
    """One edge and one worker. A dead edge refuses connections, as a dead machine does."""

    port: int
    environment: Mapping[str, str] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    kills: dict[str, int] = field(default_factory=lambda: {"edge": 0, "worker": 0})

    @property
    def address(self) -> str:
        """Where webhooks are taken."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, role: str) -> None:
        """Start a role; the caller does not wait until it works."""
        options = ["--port", str(self.port)] if role == "edge" else []
        self.processes[role] = subprocess.Popen(
            [sys.executable, "-m", "entrepot", role, *options],
            env={**os.environ, "ENTREPOT_URL": self.address, **self.environment},
            stdin=subprocess.DEVNULL,
        )

    def kill(self, role: str) -> None:
        """End a role as if the power had gone; returns once the kernel has taken all it held."""
        process = self.processes[role]
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.kills[role] += 1

    def fallen(self) -> list[str]:
        """The roles whose process is gone."""
        return [role for role, process in self.processes.items() if process.poll() is not None]

    def is_ready(self) -> bool:
        """Whether the edge takes webhooks."""
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.address}/healthz", timeout=2).status_code == 200
        return False

    def wait_until_ready(self) -> None:
        """Return as soon as the edge takes webhooks."""
        wait_for(self.is_ready, seconds=30)


@contextmanager
def free_port() -> Iterator[int]:
    """A port that nobody else listens at."""
    with listener("127.0.0.1", 0) as found:
        port: int = found.getsockname()[1]
    yield port
