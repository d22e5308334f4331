"""The processes of a hub under load, each of its own, and how much of the processors each used."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from entrepot.database.embedded import EmbeddedServer

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
ENDS_WITHIN_S = 40


@dataclass
class Processes:
    """What runs, by role; `postmaster` is the database server's first process."""

    postmaster: int
    log: Path
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def seconds_used(self) -> dict[str, float]:
        """Processor seconds by role so far, the database server and this process included."""
        used = {role: _seconds_of(process.pid) for role, process in self.running.items()}
        used["client"] = _seconds_of(os.getpid())
        used["postgres"] = _seconds_of(self.postmaster, ended_children=True) + sum(
            _seconds_of(pid) for pid in _children_of(self.postmaster)
        )
        return used

    def check(self) -> None:
        """Raise when a process has ended."""
        for role, process in self.running.items():
            if process.poll() is not None:
                raise RuntimeError(f"{role} ended with {process.returncode}: see {self.log}")

    def start(self, role: str, *command: str, listener: socket.socket | None = None) -> None:
        """Start a role; a listener's descriptor is named last on its command line."""
        inherited = [] if listener is None else [listener.fileno()]
        named = [] if listener is None else ["--descriptor", str(listener.fileno())]
        with self.log.open("ab") as log:
            self.running[role] = subprocess.Popen(
                [sys.executable, "-m", *command, *named],
                pass_fds=inherited,
                stdout=log,
                stderr=log,
            )


@contextmanager
def processes(server: EmbeddedServer) -> Iterator[Processes]:
    """Nothing runs yet; what was started is ended with the block."""
    with psycopg.connect(server.url()) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    first_line = (Path(row[0]) / "postmaster.pid").read_text().split()[0]
    here = Processes(postmaster=int(first_line), log=server.folder.parent / "processes.log")
    try:
        yield here
    finally:
        for process in here.running.values():
            process.terminate()
        for process in here.running.values():
            try:
                process.wait(ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def listeners(count: int) -> Iterator[list[socket.socket]]:
    """Sockets on free ports of this machine."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=2048))
            for _ in range(count)
        ]


def address_of(listening: socket.socket) -> str:
    """Where a socket listens."""
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


def _seconds_of(pid: int, *, ended_children: bool = False) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(int(ticks) for ticks in fields[11 : 15 if ended_children else 13]) / TICKS_PER_S


def _children_of(pid: int) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == pid:
            found.append(int(folder.name))
    return found
