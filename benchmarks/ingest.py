"""Webhook ingest: signed 4 KB bodies over 64 connections, each committed before its 200.

Server, database and load share the machine. The baseline is pgbench inserting the same bytes, one
row per transaction, on the same PostgreSQL.
"""

import asyncio
import base64
import hashlib
import hmac
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

from benchmarks.frame import Figure, benchmark, percentile
from benchmarks.hub import fresh_hub
from entrepot.database.embedded import EmbeddedServer

SECRET = "benchmark-secret"
BODY_BYTES = 4096
CONNECTIONS = (16, 64, 256)
PROMISED_CONNECTIONS = 64
WARM_UP = 1_000
BASELINE_SECONDS = 5


@benchmark(title="Webhook ingest", order=10)
def ingest(*, requests: int = 10_000) -> Iterator[Figure]:
    """Signed 4 KB webhooks at `entrepot edge`, each committed before its 200.

    The baseline is pgbench inserting the same bytes, one row per transaction, from 32 clients.
    """
    with fresh_hub() as server:
        baseline = _baseline(server, 32)
        path = _a_connection()
        for processes in (1, 2):
            with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
                edges = [_edge(listener) for _ in range(processes)]
                try:
                    port = listener.getsockname()[1]
                    yield from _measure(port, path, processes, requests, baseline)
                finally:
                    for edge in edges:
                        edge.terminate()
                        edge.wait(20)


def _measure(port: int, path: str, processes: int, count: int, baseline: int) -> Iterator[Figure]:
    asyncio.run(_load(port, _requests(path, WARM_UP, f"warm-{processes}"), 16))
    for connections in CONNECTIONS:
        requests = _requests(path, count, f"{processes}-{connections}")
        began = time.perf_counter()
        latencies = sorted(asyncio.run(_load(port, requests, connections)))
        seconds = time.perf_counter() - began
        is_promised = connections == PROMISED_CONNECTIONS and processes == 1
        how = (
            f"{processes} {'process' if processes == 1 else 'processes'}, {connections} connections"
        )
        yield Figure(
            name=f"stored, {how}",
            value=round(count / seconds),
            unit="/s",
            n=count,
            baseline=baseline,
            against="pgbench, 32 clients",
            at_least=5_000 if is_promised else None,
            ratio_at_least=0.5 if is_promised else None,
        )
        yield Figure(
            name=f"p99, {how}",
            value=round(percentile(latencies, 0.99) * 1000, 1),
            unit="ms",
            n=count,
            at_most=25 if is_promised else None,
        )


def _baseline(server: EmbeddedServer, clients: int) -> int:
    script = server.folder / "insert.sql"
    body = os.urandom(BODY_BYTES).hex()
    script.write_text(f"INSERT INTO baseline (body) VALUES ('\\x{body}');\n")
    script.chmod(0o644)
    url = server.url("entrepot")
    make = "CREATE TABLE IF NOT EXISTS baseline (id bigserial PRIMARY KEY, body bytea)"
    subprocess.run([server.program("psql"), "-q", url, "-c", make], check=True)
    told = subprocess.run(
        [
            server.program("pgbench"),
            *("-n", "-f", str(script), "-c", str(clients), "-j", "2"),
            *("-T", str(BASELINE_SECONDS), url),
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = re.search(r"tps = ([\d.]+)", told)
    return round(float(found.group(1))) if found else 0


def _a_connection() -> str:
    from benchmarks.shop import a_shop  # noqa: PLC0415 -- app not ready

    return f"/hooks/{a_shop(SECRET).token}"


def _edge(listener: socket.socket) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "entrepot", "edge", "--descriptor", str(listener.fileno())]
    return subprocess.Popen(command, pass_fds=[listener.fileno()])


def _requests(path: str, count: int, run: str) -> list[bytes]:
    filler = base64.b64encode(os.urandom(BODY_BYTES)).decode()
    made = []
    for number in range(count):
        body = f'{{"id": {number}, "run": "{run}", "note": "{filler}"}}'.encode()[:BODY_BYTES]
        signature = base64.b64encode(hmac.digest(SECRET.encode(), body, hashlib.sha256)).decode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            f"X-WC-Webhook-Topic: order.updated\r\nX-WC-Webhook-Signature: {signature}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


async def _load(port: int, requests: list[bytes], connections: int) -> list[float]:
    """Send all requests over some connections; the seconds that each took."""
    latencies: list[float] = []
    left = iter(requests)

    async def drive() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in left:
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(re.search(rb"content-length: (\d+)", head).group(1))  # type: ignore[union-attr]
            answer = await reader.readexactly(length)
            if answer != b'{"status":"stored"}':
                raise RuntimeError(f"{head.decode()}{answer.decode()}")
            latencies.append(time.perf_counter() - began)
        writer.close()

    await asyncio.gather(*(drive() for _ in range(connections)))
    return latencies
