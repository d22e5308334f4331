"""What was acknowledged is there, whatever happens to database and process meanwhile."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest
from django.conf import settings

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.config.asgi import edge_application
from entrepot.connections import services as connections
from entrepot.connections.models import Connection
from entrepot.database.urls import DatabaseUrl
from entrepot.edge.writer import GroupWriter, NotStored, QueueFull
from entrepot.inbox import queries, services, storing
from entrepot.inbox.models import InboxMessage
from entrepot.inbox.storing import Row, Stored
from tests.connections.accounts import hook_path, signed_by_shop
from tests.serving import serve
from tests.specs import require

COPIED = Path(__file__).parents[2] / "src/entrepot/connectors/woocommerce/fixtures/deliveries"
RECORDED_SECRET = "capture-secret"


def deliver(client: httpx.Client, shop: Connection, body: bytes) -> httpx.Response:
    return client.post(hook_path(shop), content=body, headers=signed_by_shop(body))


def bodies_of(shop: Connection) -> list[bytes]:
    with scope.merchant(shop.merchant_id):
        return [services.open_body(row) for row in InboxMessage.objects.order_by("id")]


def cut_connections(superuser_url: str, *, like: str = "%inbox_seen%") -> int:
    """End the edge's database connections, as a failover or an impatient proxy would."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE %s",
            [like],
        )
        return len(found.fetchall())


@pytest.mark.parametrize("which", ["copied", "all"])
def test_recorded_deliveries_of_a_real_shop_are_stored_byte_for_byte(
    merchant: Merchant, shop: Connection, which: str
) -> None:
    folder = COPIED if which == "copied" else require("fixtures/woocommerce")
    connections.rotate_secret(
        shop.id, merchant_id=merchant.id, name="webhook_signing", text=RECORDED_SECRET
    )
    recorded = sorted(folder.glob("delivery_*.body"))
    assert len(recorded) >= 5

    with serve(edge_application, lifespan="on") as address, httpx.Client() as client:
        answers = {}
        for path in recorded:
            headers = json.loads(path.with_suffix(".headers.json").read_text())
            kept = {k: v for k, v in headers.items() if k.lower() not in {"host", "connection"}}
            answers[path.name] = client.post(
                f"{address}{hook_path(shop)}", content=path.read_bytes(), headers=kept
            )

    assert {name: one.status_code for name, one in answers.items()} == dict.fromkeys(answers, 200)
    stored = [p.read_bytes() for p in recorded if answers[p.name].json()["status"] == "stored"]
    assert bodies_of(shop) == stored
    pings = [name for name, one in answers.items() if one.json()["status"] == "pong"]
    assert [name for name in pings if "ping" not in name] == []


def test_what_was_acknowledged_while_connections_were_cut_is_there(
    shop: Connection, superuser_url: str
) -> None:
    is_over = threading.Event()

    def cut_again_and_again() -> int:
        cut = 0
        while not is_over.wait(0.02):
            cut += cut_connections(superuser_url)
        return cut

    def insist(client: httpx.Client, body: bytes) -> int:
        """A platform that comes again until it is told that we have it."""
        refused = 0
        while (answer := deliver(client, shop, body)).status_code != 200:
            assert answer.status_code == 503
            assert answer.headers["retry-after"]
            refused += 1
        return refused

    bodies = [b'{"id": %d, "total": "%d"}' % (n, n * 7) for n in range(150)]
    with (
        serve(edge_application, lifespan="on") as address,
        httpx.Client(base_url=address, timeout=30) as client,
        ThreadPoolExecutor(9) as pool,
    ):
        cutter = pool.submit(cut_again_and_again)
        refused = sum(pool.map(lambda body: insist(client, body), bodies))
        is_over.set()

    assert cutter.result() > 0
    assert refused > 0
    assert sorted(bodies_of(shop)) == sorted(bodies)


def test_a_message_that_cannot_be_stored_takes_no_other_with_it(
    shop: Connection, other_merchant: Merchant
) -> None:
    good = [_row(shop, number) for number in range(6)]
    bad = _row(shop, 99, merchant_id=other_merchant.id)

    answers = asyncio.run(_write(_conninfo(), [*good[:3], bad, *good[3:]]))

    assert isinstance(answers[3], NotStored)
    del answers[3]
    assert [isinstance(one, Stored) and one.is_repeat for one in answers] == [False] * 6
    assert len(bodies_of(shop)) == 6


def test_a_full_queue_is_said_at_once(shop: Connection) -> None:
    async def fill() -> list[bool]:
        writer = GroupWriter(_conninfo(), most_waiting=3)
        taken = []
        for number in range(5):
            try:
                writer.offer(_row(shop, number))
            except QueueFull:
                taken.append(False)
            else:
                taken.append(True)
        await writer.stop(within_s=0)
        return taken

    assert asyncio.run(fill()) == [True, True, True, False, False]


def test_too_many_bytes_are_a_full_queue_too(shop: Connection) -> None:
    async def fill() -> None:
        writer = GroupWriter(_conninfo(), most_waiting_bytes=600)
        writer.offer(_row(shop, 1))
        with pytest.raises(QueueFull):
            writer.offer(_row(shop, 2, body=os.urandom(600)))
        await writer.stop(within_s=0)

    asyncio.run(fill())


def test_a_stopping_edge_commits_what_it_holds(shop: Connection) -> None:
    rows = [_row(shop, number) for number in range(700)]

    answers = asyncio.run(_write(_conninfo(), rows))

    assert {type(one) for one in answers} == {Stored}
    with scope.merchant(shop.merchant_id):
        assert len(queries.messages(shop.merchant_id, limit=1000)) == 700


def test_without_a_database_the_sender_is_asked_to_come_again(shop: Connection) -> None:
    async def try_to_write() -> BaseException | Stored:
        writer = GroupWriter("postgresql://nobody@127.0.0.1:1/none?connect_timeout=1")
        writer.start()
        (answer,) = await asyncio.gather(writer.offer(_row(shop, 1)), return_exceptions=True)
        await writer.stop(within_s=5)
        return answer

    assert isinstance(asyncio.run(try_to_write()), NotStored)


@pytest.mark.parametrize(
    ("point", "said_afterwards"),
    [("edge.before_commit", "stored"), ("edge.after_commit", "duplicate")],
)
def test_a_process_killed_around_its_commit_loses_and_doubles_nothing(
    shop: Connection, tmp_path: Path, point: str, said_afterwards: str
) -> None:
    body = b'{"id": 4711, "total": "1250.50"}'
    (tmp_path / point).touch()

    with _edge_process(tmp_path) as (process, client):
        with pytest.raises(httpx.TransportError):
            deliver(client, shop, body)
        assert process.wait(10) == -signal.SIGKILL
    with _edge_process(tmp_path) as (_, client):
        again = deliver(client, shop, body)

    assert again.json() == {"status": said_afterwards}
    assert bodies_of(shop) == [body]


@contextmanager
def _edge_process(
    strikes: Path,
) -> Iterator[tuple["subprocess.Popen[bytes]", httpx.Client]]:
    """An edge of its own, on a socket that outlives it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, "-m", "entrepot", "edge", "--descriptor", str(listener.fileno())],
            pass_fds=[listener.fileno()],
            env={**os.environ, "ENTREPOT_CRASH_POINTS": str(strikes)},
        )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                yield process, client
        finally:
            process.terminate()
            process.wait(10)


def _conninfo() -> str:
    return str(DatabaseUrl.of_settings(settings.DATABASES["system"]))


def _row(shop: Connection, number: int, *, merchant_id: int = 0, body: bytes = b"") -> Row:
    return storing.prepare(
        storing.Incoming(
            merchant_id=merchant_id or shop.merchant_id,
            connection_id=shop.id,
            mode=shop.mode,
            source="webhook",
            topic="order.updated",
            body=body or b'{"id": %d}' % number,
        )
    )


async def _write(conninfo: str, rows: list[Row]) -> list[Stored | BaseException]:
    """Hand rows to a writer that is stopped at once; what became of each."""
    writer = GroupWriter(conninfo)
    writer.start()
    futures = [writer.offer(row) for row in rows]
    await writer.stop(within_s=20)
    return list(await asyncio.gather(*futures, return_exceptions=True))
