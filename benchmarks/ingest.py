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

from benchmarks.hub import fresh_hub, percentile, say
from entrepot.database.embedded import EmbeddedServer

SECRET = "benchmark-secret"
BODY_BYTES = 4096
CONNECTIONS = (16, 64, 256)
REQUESTS = 10_000
WARM_UP = 1_000
BASELINE_SECONDS = 5


def main() -> None:
    """Measure and print."""
    with fresh_hub() as server:
        for clients in (1, 32):
            say(figure="baseline_insert", clients=clients, per_s=_baseline(server, clients))
        path = _a_connection()
        for processes in (1, 2):
            with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
                edges = [_edge(listener) for _ in range(processes)]
                try:
                    _measure(listener.getsockname()[1], path, processes)
                finally:
                    for edge in edges:
                        edge.terminate()
                        edge.wait(20)


def _measure(port: int, path: str, processes: int) -> None:
    asyncio.run(_load(port, _requests(path, WARM_UP, f"warm-{processes}"), 16))
    for connections in CONNECTIONS:
        requests = _requests(path, REQUESTS, f"{processes}-{connections}")
        began = time.perf_counter()
        latencies = sorted(asyncio.run(_load(port, requests, connections)))
        seconds = time.perf_counter() - began
        say(
            figure="ingest",
            processes=processes,
            connections=connections,
            body_bytes=BODY_BYTES,
            per_s=round(len(requests) / seconds),
            p50_ms=round(percentile(latencies, 0.50) * 1000, 1),
            p99_ms=round(percentile(latencies, 0.99) * 1000, 1),
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
    from entrepot.access.services import create_merchant  # noqa: PLC0415 -- app not ready
    from entrepot.canon.orders import Mode  # noqa: PLC0415 -- likewise
    from entrepot.connections import services  # noqa: PLC0415 -- likewise
    from entrepot.connections.credentials import WEBHOOK_SIGNING  # noqa: PLC0415 -- likewise

    merchant = create_merchant(name="Benchmark", code="benchmark")
    connection = services.add_connection(
        merchant.id,
        platform="woocommerce",
        mode=Mode.LIVE,
        name="Shop",
        settings={
            "base_url": "http://127.0.0.1:9",
            "consumer_key": "ck_benchmark",
            "consumer_secret": "cs_benchmark",
        },
    )
    services.rotate_secret(
        connection.id, merchant_id=merchant.id, name=WEBHOOK_SIGNING, text=SECRET
    )
    return f"/hooks/{connection.token}"


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
