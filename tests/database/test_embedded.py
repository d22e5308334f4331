"""The embedded PostgreSQL: found again, stopped, and started after every kind of death."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from entrepot.database.embedded import EmbeddedServer, EmbeddedServerFailed
from tests import surroundings


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    # Not tmp_path: the server's unprivileged user may not enter that.
    folder = surroundings.folder() / f"embedded-{os.getpid()}"
    yield folder / "postgres"
    EmbeddedServer(folder / "postgres", for_tests=True).stop()
    shutil.rmtree(folder)


@pytest.fixture
def server(folder: Path) -> EmbeddedServer:
    server = EmbeddedServer(folder, for_tests=True)
    server.start()
    return server


def cluster(server: EmbeddedServer) -> Path:
    with psycopg.connect(server.url()) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    return Path(row[0])


def postmaster(server: EmbeddedServer) -> int:
    return int((cluster(server) / "postmaster.pid").read_text().split("\n", 1)[0])


def test_a_second_start_finds_the_running_server(server: EmbeddedServer, folder: Path) -> None:
    before = postmaster(server)

    second = EmbeddedServer(folder, for_tests=True)
    second.start()

    assert second.is_running()
    assert second.url() == server.url()
    assert postmaster(second) == before


def test_what_was_committed_outlives_stop_and_start_at_the_same_address(
    server: EmbeddedServer,
) -> None:
    url = server.url()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'Größe ✓' AS word")

    server.stop()
    was_running = server.is_running()
    server.start()

    assert not was_running
    assert server.url() == url
    with psycopg.connect(url) as connection:
        assert connection.execute("TABLE kept").fetchall() == [("Größe ✓",)]
        connection.execute("DROP TABLE kept")


def test_a_killed_server_is_started_again(server: EmbeddedServer) -> None:
    victim = postmaster(server)

    os.kill(victim, signal.SIGKILL)
    _await_death(server)
    server.start()

    assert server.is_running()
    assert postmaster(server) != victim


def test_a_stale_pid_that_another_process_has_now_is_no_running_server(
    server: EmbeddedServer,
) -> None:
    where = cluster(server)
    server.stop()
    # As the server's own user: PostgreSQL takes a process that it may not signal for a stranger.
    with subprocess.Popen(["sleep", "60"], user=where.stat().st_uid, cwd="/") as stranger:
        (where / "postmaster.pid").write_text(f"{stranger.pid}\n{where}\n1\n")

        server.start()

        assert server.is_running()
        assert postmaster(server) != stranger.pid
        stranger.kill()


def test_a_port_that_others_took_meanwhile_is_not_insisted_on(server: EmbeddedServer) -> None:
    taken = int((server.folder / "port").read_text())
    server.stop()

    with socket.create_server(("127.0.0.1", taken)):
        running_before_start = server.is_running()
        server.start()

        assert not running_before_start
        assert server.is_running()
        assert int((server.folder / "port").read_text()) != taken


def test_it_refuses_strangers_and_listens_on_this_machine_only(server: EmbeddedServer) -> None:
    wrong = server.url().replace(":" + server.url().split(":")[2].split("@")[0], ":wrong")

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)

    with psycopg.connect(server.url()) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
        assert connection.execute("SHOW timezone").fetchone() == ("UTC",)


def test_a_failure_says_what_failed_and_quotes_it(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "postgres", binaries=tmp_path / "nothing")

    with pytest.raises(EmbeddedServerFailed, match=r"cannot run postgres .*nothing/postgres"):
        server.start()


def _await_death(server: EmbeddedServer) -> None:
    deadline = time.monotonic() + 20
    while server.is_running():
        assert time.monotonic() < deadline
