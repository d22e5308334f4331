"""The hub's real processes: kept alive by a keeper, killed and frozen at will."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[1]
LOOK_EVERY_S = 0.05
BACKLOG = 2048


@dataclass(frozen=True, slots=True)
class Death:
    """When a process ended, and what it was."""

    role: str
    at: float


@dataclass(slots=True)
class _Process:
    role: str
    arguments: list[str]
    # A descriptor, not an id: an id may be somebody else's by the time that it is killed.
    pidfd: int = -1
    is_frozen: bool = False


@dataclass
class Hub:
    """Every process of a hub, by name: edge, web, worker-1, ..."""

    commands: IO[str]
    pids: IO[str]
    deaths: list[Death] = field(default_factory=list)
    skews: dict[str, float] = field(default_factory=dict)
    _processes: dict[str, _Process] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _closing: threading.Event = field(default_factory=threading.Event)

    def add(self, name: str, *arguments: str) -> None:
        """Start a process, and start it again whenever it ends."""
        with self._lock:
            self._processes[name] = _Process(name.partition("-")[0], list(arguments))
            self._start(name)

    def names(self, role: str) -> list[str]:
        """The processes of a role."""
        return [name for name, one in self._processes.items() if one.role == role]

    def kill(self, name: str) -> None:
        """End a process as if the power had gone."""
        with self._lock:
            one = self._processes[name]
            self._signal(one, signal.SIGKILL)

    def freeze(self, name: str) -> None:
        """Stop a process where it stands."""
        with self._lock:
            one = self._processes[name]
            one.is_frozen = True
            self._signal(one, signal.SIGSTOP)

    def wake(self, name: str) -> None:
        """Let a frozen process go on as if nothing had been."""
        with self._lock:
            one = self._processes[name]
            one.is_frozen = False
            self._signal(one, signal.SIGCONT)

    def is_frozen(self, name: str) -> bool:
        """Whether somebody has frozen it."""
        return self._processes[name].is_frozen

    def keep_alive(self) -> None:
        """Start again what has ended, until `close`; runs in a thread of its own."""
        while not self._closing.wait(LOOK_EVERY_S):
            with self._lock:
                for name, one in self._processes.items():
                    if not self._closing.is_set() and _has_ended(one.pidfd):
                        self.deaths.append(Death(one.role, time.time()))
                        self._start(name)

    @contextmanager
    def down(self) -> Iterator[None]:
        """End everything for the length of a block, and start it again afterwards."""
        with self._lock:  # the keeper waits
            for one in self._processes.values():
                self._signal(one, signal.SIGKILL)
            while not all(_has_ended(one.pidfd) for one in self._processes.values()):
                time.sleep(LOOK_EVERY_S)
            yield
            for name in self._processes:
                self._start(name)

    def close(self) -> None:
        """End everything for good."""
        self._closing.set()
        with self._lock:
            for one in self._processes.values():
                self._signal(one, signal.SIGKILL)
                os.close(one.pidfd)

    def _start(self, name: str) -> None:
        one = self._processes[name]
        wish = {"arguments": one.arguments, "skew_seconds": self.skews.get(name, 0)}
        self.commands.write(json.dumps(wish) + "\n")
        self.commands.flush()
        if one.pidfd >= 0:
            os.close(one.pidfd)
        one.is_frozen = False
        one.pidfd = os.pidfd_open(int(self.pids.readline()))

    @staticmethod
    def _signal(one: _Process, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):  # a crash point was faster
            signal.pidfd_send_signal(one.pidfd, number)


@contextmanager
def starter(
    environment: Mapping[str, str], *, sockets: list[socket.socket], log: IO[bytes]
) -> Iterator[Hub]:
    """A hub whose processes are forked by one that has loaded their code; none runs yet."""
    with subprocess.Popen(
        [sys.executable, "-m", "rehearsal.starting"],
        cwd=ROOT,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        pass_fds=[one.fileno() for one in sockets],
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        hub = Hub(process.stdin, process.stdout)
        keeper = threading.Thread(target=hub.keep_alive, daemon=True, name="keeper")
        keeper.start()
        try:
            yield hub
        finally:
            hub.close()
            keeper.join()
            process.kill()


def state_of(pid: int) -> str:
    """The kernel's letter for what a process does (T: it is stopped); "" when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def listener() -> socket.socket:
    """A socket that is bound here and inherited: while a process is dead, requests wait."""
    return socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)


def address_of(listening: socket.socket) -> str:
    """Where requests to a socket go."""
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


def _has_ended(pidfd: int) -> bool:
    ended, _, _ = select.select([pidfd], [], [], 0)
    return bool(ended)
