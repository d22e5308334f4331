"""The hub's real processes, each killed and started again at will."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO

import httpx

from entrepot.cli.roles import listener
from tests.cli.waiting import wait_for
from tests.surroundings import ROOT


@dataclass
class Hub:
    """One edge and one worker. A dead edge refuses connections, as a dead machine does.

    `running` holds descriptors of processes, not their ids: an id may belong to somebody else by
    the time that it is killed.
    """

    port: int
    commands: IO[str]
    pids: IO[str]
    running: dict[str, int] = field(default_factory=dict)
    kills: dict[str, int] = field(default_factory=lambda: {"edge": 0, "worker": 0})

    def start(self, role: str) -> None:
        """Start a role; the caller does not wait until it works."""
        options = f" --port {self.port}" if role == "edge" else ""
        self.commands.write(f"{role}{options}\n")
        self.commands.flush()
        if role in self.running:
            os.close(self.running[role])
        self.running[role] = os.pidfd_open(int(self.pids.readline()))

    def kill(self, role: str) -> None:
        """End a role as if the power had gone; returns once the kernel has taken all it held."""
        with suppress(ProcessLookupError):  # a crash point was faster
            signal.pidfd_send_signal(self.running[role], signal.SIGKILL)
        wait_for(lambda: role in self.fallen(), seconds=10)
        self.kills[role] += 1

    def fallen(self) -> list[str]:
        """The roles whose process is gone."""
        return [role for role, pidfd in self.running.items() if _has_ended(pidfd)]

    def is_ready(self) -> bool:
        """Whether the edge takes webhooks."""
        with suppress(httpx.HTTPError):
            return httpx.get(f"{address_of(self.port)}/healthz", timeout=2).status_code == 200
        return False


@contextmanager
def hub(port: int, environment: Mapping[str, str]) -> Iterator[Hub]:
    """A hub whose processes are started by a process that has loaded their code; none runs yet."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.rehearsal.starting"],
        cwd=ROOT,
        env={**os.environ, "ENTREPOT_URL": address_of(port), **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as starter:
        assert starter.stdin is not None
        assert starter.stdout is not None
        here = Hub(port, starter.stdin, starter.stdout)
        try:
            yield here
        finally:
            starter.kill()
            for role in here.running:
                here.kill(role)
            for pidfd in here.running.values():
                os.close(pidfd)


def address_of(port: int) -> str:
    """Where a hub takes webhooks."""
    return f"http://127.0.0.1:{port}"


def free_port() -> int:
    """A port that nobody listens at."""
    with listener("127.0.0.1", 0) as found:
        port: int = found.getsockname()[1]
    return port


def _has_ended(pidfd: int) -> bool:
    ended, _, _ = select.select([pidfd], [], [], 0)
    return bool(ended)
