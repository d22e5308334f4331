"""The job engine as the hub uses it, beside its bare library in the same run."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import asyncpg
from pgqueuer import AsyncpgDriver, Queries, QueueManager
from pgqueuer.domain.models import Job
from pgqueuer.domain.types import QueueExecutionMode

from benchmarks.frame import Figure, benchmark, percentile
from benchmarks.hub import fresh_hub

BATCH = 50
ENQUEUED_AT_ONCE = 500
APART_S = 0.02
SAMPLES = 200
POLL = timedelta(seconds=1)
# The library's own, which the hub has no use for.
INDEX_OF_BARE = """
CREATE INDEX bare_index ON pgqueuer (entrypoint, priority DESC, id) WHERE status = 'queued'
"""


@benchmark(title="Jobs", order=50)
def jobs(*, count: int = 5_000) -> Iterator[Figure]:
    """Jobs that do nothing, deferred by 500 and drained by one process.

    The hub's jobs begin in threads, named as running in the database before they do, so that a
    death of the process is noticed; the bare library (PgQueuer, batches of 50) runs coroutines.
    """
    with fresh_hub() as server:
        url = server.url("entrepot")
        asyncio.run(_execute(url, INDEX_OF_BARE))
        bare = asyncio.run(_bare_rate(url, count))
        bare_waits = sorted(asyncio.run(_bare_waits(url)))
        asyncio.run(_execute(url, "DROP INDEX bare_index"))
        for name, task in (("one by one", "benchmark.alone"), ("together", "benchmark.together")):
            yield Figure(
                name=f"drained, {name}",
                value=round(asyncio.run(_rate(task, count))),
                unit="jobs/s",
                n=count,
                baseline=round(bare),
                against="PgQueuer, no-op coroutines",
            )
        waits = sorted(asyncio.run(_waits()))
        for share in (0.5, 0.99):
            yield Figure(
                name=f"defer to start, p{share * 100:g}",
                value=round(percentile(waits, share) * 1000, 1),
                unit="ms",
                n=SAMPLES,
                baseline=round(percentile(bare_waits, share) * 1000, 1),
                against="PgQueuer",
            )


_begun: list[float] = []


def _register() -> None:
    from entrepot.tasks import registry  # noqa: PLC0415 -- app not ready

    if "benchmark.alone" in registry.TASKS:
        return

    @registry.task("benchmark.alone")
    def alone(*, at: float = 0.0, **_: object) -> None:
        _begun.append(time.perf_counter() - at)

    @registry.batch_task("benchmark.together", at_once=BATCH)
    def together(_: int, batch: Sequence[registry.Work]) -> registry.Outcomes:
        return [None] * len(batch)


def _defer(task: str, arguments: Sequence[dict[str, Any]]) -> None:
    from django.db import connections  # noqa: PLC0415 -- app not ready

    from entrepot.access import scope  # noqa: PLC0415 -- likewise
    from entrepot.tasks import queue  # noqa: PLC0415 -- likewise

    with scope.system():
        queue.defer([queue.Job(task=task, args={"merchant_id": 1, **one}) for one in arguments])
    connections.close_all()


async def _with_worker(measure: Callable[[Any], Awaitable[float]]) -> float:
    from entrepot.tasks.worker import Worker  # noqa: PLC0415 -- app not ready

    worker, stop = Worker(threads=16, keeps_clock=False), asyncio.Event()
    working = asyncio.create_task(worker.run(stop))
    try:
        return await measure(worker)
    finally:
        stop.set()
        await working


async def _rate(task: str, count: int) -> float:
    _register()
    for _ in range(count // ENQUEUED_AT_ONCE):
        await asyncio.to_thread(_defer, task, [{}] * ENQUEUED_AT_ONCE)
    began = time.perf_counter()

    async def until_done(worker: Any) -> float:
        while worker.ended_jobs < count:  # noqa: ASYNC110 -- the queue tells nobody
            await asyncio.sleep(0.005)
        return count / (time.perf_counter() - began)

    return await _with_worker(until_done)


async def _waits() -> list[float]:
    _begun.clear()

    async def one_by_one(worker: Any) -> float:
        for _ in range(SAMPLES):
            await asyncio.to_thread(_defer, "benchmark.alone", [{"at": time.perf_counter()}])
            await asyncio.sleep(APART_S)
        while worker.ended_jobs < SAMPLES:  # noqa: ASYNC110 -- likewise
            await asyncio.sleep(0.005)
        return 0.0

    await _with_worker(one_by_one)
    return list(_begun)


async def _bare_rate(url: str, count: int) -> float:
    queries, manager = await _bare(url)

    async def nothing(job: Job) -> None:
        pass

    manager.entrypoint("bare.nothing")(nothing)
    for _ in range(count // ENQUEUED_AT_ONCE):
        names = ["bare.nothing"] * ENQUEUED_AT_ONCE
        empty: list[bytes | None] = [b"{}"] * ENQUEUED_AT_ONCE
        await queries.enqueue(names, empty, [0] * ENQUEUED_AT_ONCE)
    began = time.perf_counter()
    await manager.run(batch_size=BATCH, dequeue_timeout=POLL, mode=QueueExecutionMode.drain)
    return count / (time.perf_counter() - began)


async def _bare_waits(url: str) -> list[float]:
    queries, (_, manager) = (await _bare(url))[0], await _bare(url)
    begun: list[float] = []

    async def note(job: Job) -> None:
        begun.append(time.perf_counter() - float((job.payload or b"0").decode()))

    manager.entrypoint("bare.note")(note)
    running = asyncio.create_task(manager.run(batch_size=BATCH, dequeue_timeout=POLL))
    for _ in range(SAMPLES):
        await queries.enqueue("bare.note", str(time.perf_counter()).encode())
        await asyncio.sleep(APART_S)
    while len(begun) < SAMPLES:  # noqa: ASYNC110 -- likewise
        await asyncio.sleep(0.005)
    manager.shutdown.set()
    await running
    return begun


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


async def _bare(url: str) -> tuple[Queries, QueueManager]:
    queries = Queries(AsyncpgDriver(await asyncpg.connect(url)))
    return queries, QueueManager(queries)
