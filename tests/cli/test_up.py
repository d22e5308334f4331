"""`entrepot up`, as a person runs it: its own PostgreSQL, its own processes, one address."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from entrepot.database.embedded import EmbeddedServer
from tests.cli.shell import run_apart
from tests.cli.waiting import wait_for

pytestmark = pytest.mark.journey

UNSET = ("DATABASE_URL", "DATABASE_APP_URL", "DATABASE_SYSTEM_URL", "ENTREPOT_URL")


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "data"
    yield folder
    EmbeddedServer(folder / "postgres").stop()
    place = folder / "postgres" / "place"
    if place.exists():  # as root the cluster stands where an unprivileged user can reach it
        shutil.rmtree(place.read_text())


@pytest.mark.timeout(180)
def test_the_hub_starts_heals_is_found_again_and_ends_in_order(data: Path) -> None:
    with _started(data) as hub:
        told = _told(hub)
        address = told["address"]
        assert told == {
            "pid": hub.pid,
            "address": address,
            "sandbox": "",
            "allows_private": True,  # as the tests say
            "already_running": False,
        }
        assert httpx.get(f"{address}/readyz").json() == {"status": "ready"}

        with _started(data) as again:
            assert _told(again) == {**told, "already_running": True}
            assert again.wait(30) == 0

        (web,) = _processes_of(hub.pid, "web")
        os.kill(web, signal.SIGKILL)
        # Nothing is refused meanwhile: the supervisor holds the socket.
        assert httpx.get(f"{address}/healthz", timeout=60).json() == {"status": "alive"}
        assert _processes_of(hub.pid, "web") != [web]

        hub.send_signal(signal.SIGTERM)
        assert hub.wait(60) == 0
        assert not EmbeddedServer(data / "postgres").is_running()


@pytest.mark.timeout(180)
def test_a_killed_hub_leaves_nothing_behind_and_can_start_again(data: Path) -> None:
    with _started(data) as killed:
        _told(killed)
        left = _processes_of(killed.pid, "web") + _processes_of(killed.pid, "worker")
        assert len(left) == 2
        killed.kill()

    wait_for(lambda: not any(_is_alive(pid) for pid in left), seconds=60)

    with _started(data) as hub:
        told = _told(hub)
        assert (told["pid"], told["already_running"]) == (hub.pid, False)
        hub.send_signal(signal.SIGINT)
        assert hub.wait(60) == 0


def test_a_database_that_cannot_be_brought_up_to_date_ends_the_start_with_a_reason(
    data: Path,
) -> None:
    nowhere = "postgresql://nobody:p4ss@127.0.0.1:1/nowhere"
    with _started(data, DATABASE_URL=nowhere) as hub:
        told, faults = hub.communicate(timeout=60)

    assert (hub.returncode, told) == (1, "")
    assert "the database could not be brought up to date" in faults
    assert "p4ss" not in faults


@contextmanager
def _started(data: Path, **settings: str) -> Iterator[subprocess.Popen[str]]:
    environment = {name: value for name, value in os.environ.items() if name not in UNSET}
    with subprocess.Popen(
        [sys.executable, "-m", "entrepot", "up", "--port", "0", "--json"],
        env={**environment, "ENTREPOT_DATA": str(data), **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if settings else None,
        text=True,
    ) as hub:
        try:
            yield hub
        finally:
            hub.kill()


def _told(hub: subprocess.Popen[str]) -> dict[str, Any]:
    assert hub.stdout is not None
    told: dict[str, Any] = json.loads(hub.stdout.readline())
    return told


def _processes_of(supervisor: int, role: str) -> list[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(supervisor)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [
        int(line.split()[0]) for line in listed.splitlines() if f"entrepot {role} --supe" in line
    ]


def _is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody waited for does not."""
    listed = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return listed != "" and not listed.startswith("Z")


def test_faulty_settings_end_the_start_with_their_names_and_nothing_else(data: Path) -> None:
    code, out, err = run_apart(
        "up --port 0", ENTREPOT_DATA=str(data), ENTREPOT_WORKER_THREADS="viele", DATABASE_URL=""
    )

    assert (code, out) == (1, "")
    assert "ENTREPOT_WORKER_THREADS" in err
    assert "starting it again" not in err
