"""The river: from a paid order's webhook to the provider's yes, and to delivered and written back.

An open load of signed WooCommerce webhooks at a set rate, whatever the hub does; three shops, a
print house and carriers in a process of their own; one edge and one worker. When an order was
accepted is the provider's word: the instant in the books of the simulator, on the same clock as
the load client's. Processor time by process is beside each figure, since both cores are shared.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import re
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg

from benchmarks.frame import Figure, benchmark, percentile
from benchmarks.hub import fresh_hub
from benchmarks.processes import Processes, address_of, listeners, processes
from entrepot.database.embedded import EmbeddedServer

SECRET = "benchmark-secret"
CONNECTIONS = 32
WARM_UP = 200
LATENCY_RATE = 50
QUIET_S = 30.0
# How long things take outside, where lives are whole: to be made, and to be carried.
PRODUCTION_S, JOURNEY_S = 5.0, 10.0
LONG_S = 86_400.0
# Of the worker's tasks so many are named.
DEAREST = 10
IDLE_S = 2.0
MAILS = """
    SELECT extract(epoch FROM sent_at)::float8
    FROM notifications_mail
    WHERE kind = 'confirmation' AND sent_at IS NOT NULL
    ORDER BY sent_at
"""
ENDED = """
    SELECT
        (SELECT count(*) FROM fulfillment_parcel WHERE status = 'delivered'),
        (SELECT count(*) FROM fulfillment_parcel AS parcel
         JOIN fulfillment_shipment AS shipment ON shipment.id = parcel.shipment_id
         WHERE parcel.status = 'delivered' AND shipment.written_back_at IS NOT NULL),
        (SELECT count(*) FROM fulfillment_order WHERE status = 'closed'),
        (SELECT count(*) FROM obligations_obligation WHERE "end" = '')
"""
COMMITS = "SELECT xact_commit FROM pg_stat_database WHERE datname = 'entrepot'"


@benchmark(title="The river: a paid order on its way", order=40)
def river(*, seconds: int = 60) -> Iterator[Figure]:
    """Signed webhooks of paid orders at a set rate, whatever the hub does; three simulated shops.

    Accepted is the provider's own word: the instant in its books. The confirmation mail counts as
    well. The whole life ends when parcels have arrived and shops were told; the 15 s in which goods
    are made and carried are not counted into its rate. One edge, one worker.
    """
    with live_river() as here:
        here.warm_up()
        # Lives are whole first: shares of another rate would be made and shipped among them.
        for per_second, is_whole in ((40, True), (50, False), (100, False)):
            yield from here.measure(per_second, seconds=seconds, is_whole=is_whole)


@dataclass
class River:
    """A hub that is set up, and the world outside it."""

    server: EmbeddedServer
    processes: Processes
    edge: str
    outside: str
    tokens: dict[str, str]
    merchant_id: int
    connections: dict[str, int]
    profile: Path
    drawn: int = 0

    def warm_up(self) -> None:
        """Let some orders through to their end: every process has its connections and caches."""
        self.dials(is_whole=True)
        asyncio.run(self.send(WARM_UP, per_second=20))
        self.wait_for_taken(WARM_UP)
        self._wait_for_ends()

    def measure(self, per_second: int, *, seconds: int, is_whole: bool) -> Iterator[Figure]:
        """Measure one rate."""
        count = per_second * seconds
        before, commits = self.processes.seconds_used(), self.ask(COMMITS)[0][0]
        tasks_before = self._seconds_by_task()
        mailed = len(self.ask(MAILS))
        self.dials(is_whole=is_whole)
        planned = asyncio.run(self.send(count, per_second=per_second))
        self.wait_for_taken(self.drawn, patience_s=seconds)
        mails = self._wait_for_mails(mailed + count)[mailed:]
        ended_at = self._wait_for_ends() if is_whole else 0.0
        used, tasks = self.processes.seconds_used(), self._seconds_by_task()
        self.processes.check()
        taken = dict(self.get("taken"))
        waits = sorted(taken[name] - at for name, at in planned.items() if name in taken)
        last = max([ended_at, *mails, *(taken.get(name, 0.0) for name in planned)])
        outside_s = PRODUCTION_S + JOURNEY_S if is_whole else 0.0
        lasted_s = last - min(planned.values()) - outside_s
        what = "delivered and written back" if is_whole else "accepted and confirmed"
        done = f"{len(waits)} of {count} accepted, {len(mails)} mails"
        per_order = {role: (used[role] - before[role]) * 1000 / count for role in used}
        yield Figure(
            name=f"{what}, offered {per_second}/s",
            value=round(min(len(waits), len(mails)) / lasted_s, 1),
            unit="orders/s",
            n=count,
            baseline=per_second,
            against="offered",
            ratio_at_least=None if per_second == LATENCY_RATE else 0.95,
            note=f"{done}; {(self.ask(COMMITS)[0][0] - commits) / count:.1f} commits per order",
        )
        yield Figure(
            name=f"webhook to accepted, p95 at {per_second}/s",
            value=round(percentile(waits, 0.95), 2) if waits else float(seconds),
            unit="s",
            n=len(waits),
            at_most=2 if per_second == LATENCY_RATE else None,
        )
        yield Figure(
            name=f"processor time per order at {per_second}/s",
            value=round(sum(per_order.values()), 1),
            unit="ms",
            n=count,
            note=", ".join(f"{role} {spent:.1f}" for role, spent in per_order.items()),
        )
        per_task = {
            task: (spent - tasks_before.get(task, 0.0)) * 1000 / count
            for task, spent in tasks.items()
        }
        dearest = sorted(per_task, key=lambda task: per_task[task], reverse=True)[:DEAREST]
        yield Figure(
            name=f"of it the worker's at {per_second}/s",
            value=round(sum(per_task.values()), 1),
            unit="ms",
            n=count,
            baseline=round(sum(per_order.values()), 1),
            against="all of it",
            note=", ".join(f"{task} {per_task[task]:.1f}" for task in dearest),
        )

    async def send(self, count: int, *, per_second: float) -> dict[str, float]:
        """Tell the hub of new sales at a rate; when each should have been told, by reference.

        The instant is that of the plan: a hub that answers late makes nobody wait for it.
        """
        sales = self.post("draw", count=count, seed=self.drawn)["sales"]
        requests = [self._request(sale) for sale in sales]
        start = time.time() + 1.0
        self.post("begin", at=start, per_second=per_second, first=self.drawn, count=count)
        self.drawn += count
        planned = [start + number / per_second for number in range(count)]
        await _deliver(self.edge, deque(zip(planned, requests, strict=True)))
        return {sale["reference"]: at for sale, at in zip(sales, planned, strict=True)}

    def dials(self, *, is_whole: bool) -> None:
        """Set whether goods are made and carried soon, and providers and carriers tell of it."""
        self.post(
            "dials",
            production_s=PRODUCTION_S if is_whole else LONG_S,
            journey_s=JOURNEY_S if is_whole else LONG_S,
            tells=is_whole,
        )

    def wait_for_taken(self, count: int, *, patience_s: float = 60) -> None:
        """Wait until the provider has that many orders, or gets no more of them."""
        most, moved_at = -1, time.monotonic()
        while most < count:
            taken = self.get("counts")["taken"]
            if taken > most:
                most, moved_at = taken, time.monotonic()
            if time.monotonic() - moved_at > max(QUIET_S, patience_s):
                return
            self.processes.check()
            time.sleep(0.2)

    def ask(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Ask the database, as its superuser."""
        with psycopg.connect(self.server.url("entrepot")) as connection:
            return connection.execute(statement, values or None).fetchall()

    def get(self, name: str) -> Any:
        """Read from the world outside."""
        return httpx.get(f"{self.outside}/benchmark/{name}", timeout=60).json()

    def post(self, name: str, **values: Any) -> Any:
        """Tell the world outside."""
        return httpx.post(f"{self.outside}/benchmark/{name}", json=values, timeout=120).json()

    def _seconds_by_task(self) -> dict[str, float]:
        """What the worker told last of its processor time, by task."""
        told: dict[str, float] = json.loads(self.profile.read_text())
        return told

    def _request(self, sale: dict[str, Any]) -> bytes:
        body: bytes = sale["body"].encode()
        signature = base64.b64encode(hmac.digest(SECRET.encode(), body, hashlib.sha256)).decode()
        head = (
            f"POST /hooks/{self.tokens[sale['mount']]} HTTP/1.1\r\nHost: bench\r\n"
            "Content-Type: application/json\r\nX-WC-Webhook-Topic: order.updated\r\n"
            f"X-WC-Webhook-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def _wait_for_mails(self, count: int) -> list[float]:
        deadline = time.monotonic() + QUIET_S
        while len(found := [row[0] for row in self.ask(MAILS)]) < count:
            if time.monotonic() > deadline:
                break
            time.sleep(0.2)
        return found

    def _wait_for_ends(self) -> float:
        """Wait until every parcel arrived, everything is written back, and nothing is owed."""
        last: object = None
        moved_at = time.time()
        while time.time() - moved_at < QUIET_S:
            now = self.ask(ENDED)[0]
            if now != last:
                last, moved_at = now, time.time()
            time.sleep(0.2)
        return moved_at


@contextmanager
def live_river() -> Iterator[River]:
    """A hub, its edge and worker, and the world outside, all live."""
    with listeners(2) as (edge, outside):
        settings = {
            "ENTREPOT_URL": address_of(edge),
            "ENTREPOT_SANDBOX": "1",
            "ENTREPOT_SANDBOX_URL": address_of(outside),
            "ENTREPOT_LOG_LEVEL": "error",
        }
        with fresh_hub(settings) as server, processes(server) as running:
            running.start("outside", "benchmarks.outside", listener=outside)
            running.start("edge", "entrepot", "edge", listener=edge)
            running.start("worker", "benchmarks.profiled", str(profile_of(server)))
            yield set_up(server, running, address_of(edge), address_of(outside))


def set_up(
    server: EmbeddedServer, running: Processes, edge: str, outside: str, *, code: str = "seemoewe"
) -> River:
    """Connect everything outside for a merchant of this code, live, with mappings."""
    from entrepot.access import scope  # noqa: PLC0415 -- app not ready
    from entrepot.connections import services  # noqa: PLC0415 -- likewise
    from entrepot.connections.credentials import WEBHOOK_SIGNING  # noqa: PLC0415 -- likewise
    from entrepot.connections.models import Connection  # noqa: PLC0415 -- likewise
    from entrepot.sandbox import setting_up  # noqa: PLC0415 -- likewise
    from entrepot.sandbox.telephone import Telephone  # noqa: PLC0415 -- likewise

    demo = setting_up.set_up(Telephone(outside), code=code)
    tokens = {}
    with scope.merchant(demo.merchant_id):
        rows = {row.id: row for row in Connection.objects.all()}
    for mount, connection_id in demo.connections.items():
        if rows[connection_id].platform == "woocommerce":
            tokens[mount] = rows[connection_id].token
            services.rotate_secret(
                connection_id, merchant_id=demo.merchant_id, name=WEBHOOK_SIGNING, text=SECRET
            )
    return River(
        server=server,
        processes=running,
        edge=edge,
        outside=outside,
        tokens=tokens,
        merchant_id=demo.merchant_id,
        connections=demo.connections,
        profile=profile_of(server),
    )


def profile_of(server: EmbeddedServer) -> Path:
    """Where the worker tells of its processor time."""
    return server.folder.parent / "worker.json"


async def _deliver(address: str, waiting: "deque[tuple[float, bytes]]") -> None:
    """Send each request at its instant, over as many connections as are needed for that."""
    host, _, port = address.removeprefix("http://").partition(":")

    async def drive() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        while waiting:
            at, request = waiting.popleft()
            if (wait := at - time.time()) > 0:
                await asyncio.sleep(wait)
            if wait > IDLE_S:  # the server may have hung up meanwhile
                writer.close()
                reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            answer = await reader.readexactly(int(length.group(1))) if length else b""
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"{head.decode()}{answer.decode()}")
        writer.close()

    await asyncio.gather(*(drive() for _ in range(CONNECTIONS)))
