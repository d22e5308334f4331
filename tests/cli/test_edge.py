"""`entrepot edge`: a node that takes webhooks, says how it fares, and serves nothing else."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.cli.waiting import wait_for

pytestmark = pytest.mark.journey


def test_it_says_that_it_is_alive_and_ready_and_ends_in_order(database: str) -> None:
    with _edge() as (process, address):
        answers = {
            path: httpx.get(f"{address}{path}") for path in ("/healthz", "/readyz", "/orders/")
        }
        webhook = httpx.post(f"{address}/hooks/nobody", content=b"{}")
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)

    assert [(path, one.status_code) for path, one in answers.items()] == [
        ("/healthz", 200),
        ("/readyz", 200),
        ("/orders/", 404),
    ]
    assert answers["/healthz"].json() == {"status": "alive"}
    assert answers["/readyz"].json() == {"status": "ready"}
    assert answers["/orders/"].json()["reasons"] == ["only webhooks are served here"]
    assert webhook.status_code == 404
    assert code == -signal.SIGTERM  # uvicorn ends in order, then gives the signal on


def test_it_is_alive_and_not_ready_without_its_database(database: str) -> None:
    nowhere = {"DATABASE_URL": "postgresql://nobody:x@127.0.0.1:1/nothing"}

    with _edge(**nowhere) as (_, address):
        alive, ready = httpx.get(f"{address}/healthz"), httpx.get(f"{address}/readyz", timeout=60)

    assert (alive.status_code, ready.status_code) == (200, 503)
    assert ready.json()["status"] == "not ready"


@contextmanager
def _edge(**environment: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A node as a service manager starts it, answering."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(
        [sys.executable, "-m", "entrepot", "edge", "--port", str(port)],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            wait_for(lambda: process.poll() is not None or _answers(address), seconds=60)
            yield process, address
        finally:
            process.kill()


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz").status_code == 200
    except httpx.TransportError:
        return False
