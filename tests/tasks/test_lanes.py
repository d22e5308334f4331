"""When a lane looks into the queue: for jobs of its own, at once, and not again and again."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import asyncpg
import psycopg
from django.conf import settings
from pgqueuer import AsyncpgDriver, Queries
from pgqueuer.core.buffers import HeartbeatBuffer, JobStatusLogBuffer
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Context, Job
from pgqueuer.domain.types import JobId, QueueEntrypoint

from entrepot.access import scope
from entrepot.database import sql
from entrepot.database.router import SYSTEM
from entrepot.database.urls import DatabaseUrl
from entrepot.tasks import queue
from entrepot.tasks.lanes import APART_S, NEXT_DUE, LaneDriver, LaneManager, LaneQueries
from entrepot.tasks.registry import Lane
from entrepot.tasks.taking import TAKE

Defer = Callable[..., Awaitable[None]]
Story = Callable[[Defer], Awaitable[None]]

LONG = timedelta(minutes=5)
TABLE_CHANGED = {
    "channel": "ch_pgqueuer",
    "operation": "insert",
    "sent_at": "2026-11-21T09:00:00Z",
    "table": "pgqueuer",
    "type": "table_changed_event",
}


class WatchedDriver(LaneDriver):
    """Counts looks into the queue, and notes when the lane has nothing to do."""

    looks = 0

    def __init__(self, connection: asyncpg.Connection) -> None:
        super().__init__(connection)
        self.is_at_rest = asyncio.Event()

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        rows = await super().fetch(query, *args)
        self.looks += "SKIP LOCKED" in query
        if query == NEXT_DUE:
            self.is_at_rest.set()
        return rows


@asynccontextmanager
async def connection() -> AsyncIterator[asyncpg.Connection]:
    made = await asyncpg.connect(str(DatabaseUrl.of_settings(settings.DATABASES[SYSTEM])))
    try:
        yield made
    finally:
        await made.close()


async def _nothing(_: Job) -> None:
    """A job that does nothing."""


def _job(number: int) -> Job:
    now = datetime(2026, 11, 21, 9, tzinfo=UTC)
    return Job(
        id=JobId(number),
        priority=0,
        created=now,
        updated=now,
        heartbeat=now,
        execute_after=now,
        status="picked",
        entrypoint=QueueEntrypoint("examples.mine"),
        payload=None,
        queue_manager_id=None,
        headers=None,
    )


def watch(
    run: Story,
    function: Callable[[Job], Awaitable[None]],
    *,
    batch_size: int = 10,
    lane: Lane = Lane.LIVE,
) -> int:
    """Run a lane for `examples.mine` beside a story that defers jobs; how often the lane looked.

    The jobs name no lane, as those of a version that knew of none: they are in the live one.
    """

    async def all_of_it() -> int:
        async with connection() as own, connection() as others:
            driver, queries = WatchedDriver(own), Queries(AsyncpgDriver(others))
            manager = LaneManager(LaneQueries(driver, lane=lane))
            manager.entrypoint("examples.mine")(function)

            async def defer(*names: str) -> None:
                empty: list[bytes | None] = [None] * len(names)
                none: list[dict[str, str] | None] = [{}] * len(names)
                await queries.enqueue(list(names), empty, [0] * len(names), headers=none)

            working = asyncio.create_task(
                manager.run(
                    dequeue_timeout=LONG,
                    batch_size=batch_size,
                    max_concurrent_tasks=2 * batch_size,
                    heartbeat_timeout=LONG,
                )
            )
            async with asyncio.timeout(20):
                await driver.is_at_rest.wait()
                await run(defer)
                manager.shutdown.set()
                await working
        return driver.looks

    return asyncio.run(all_of_it())


def test_the_queue_tells_of_new_jobs_and_their_tasks_and_of_nothing_else(
    database: str, superuser_url: str
) -> None:
    with psycopg.connect(superuser_url, autocommit=True) as hearing:
        hearing.execute("LISTEN ch_pgqueuer")
        with scope.system():
            ids = queue.defer([queue.Job(task=f"examples.{n}") for n in ("note", "fail", "note")])
        with scope.system():
            sql.run("UPDATE pgqueuer SET status = 'picked' WHERE id = ANY(%s)", [ids])
            sql.run("DELETE FROM pgqueuer WHERE id = ANY(%s)", [ids])
        hearing.execute("NOTIFY ch_pgqueuer, 'end'")
        heard = []
        for notice in hearing.notifies(timeout=10):
            if notice.payload == "end":
                break
            heard.append(json.loads(notice.payload))

    assert [(news["type"], news["entrypoints"]) for news in heard] == [
        ("table_changed_event", ["examples.fail", "examples.note"])
    ]


def test_a_lane_looks_for_jobs_of_its_own_and_takes_them_at_once(database: str) -> None:
    done = asyncio.Queue[int]()

    async def note(job: Job) -> None:
        done.put_nowait(job.id)

    async def run(defer: Defer) -> None:
        for _ in range(5):
            await defer("examples.others")
        await defer("examples.mine")
        await done.get()

    assert watch(run, note) == 2  # at its begin, and for the job


def test_a_job_that_runs_again_soon_does_so_although_nobody_tells_of_it(database: str) -> None:
    attempts = asyncio.Queue[int]()

    async def fail_first(job: Job) -> None:
        attempts.put_nowait(job.attempts)
        if job.attempts < 2:
            raise RetryRequested(timedelta(milliseconds=150), "again")

    async def run(defer: Defer) -> None:
        await defer("examples.mine")
        assert [await attempts.get() for _ in range(3)] == [0, 1, 2]

    watch(run, fail_first)


def test_what_there_was_no_room_for_follows_as_soon_as_others_end(database: str) -> None:
    done, room = asyncio.Queue[int](), 4
    all_together = asyncio.Barrier(room)
    running: set[int] = set()

    async def note(job: Job) -> None:
        running.add(job.id)
        assert len(running) <= room
        await all_together.wait()
        running.discard(job.id)
        done.put_nowait(job.id)

    async def run(defer: Defer) -> None:
        await defer(*["examples.mine"] * 7 * room)
        for _ in range(7 * room):
            await done.get()

    watch(run, note, batch_size=room // 2)


class Heard:
    """What a buffer of the engine tells the queue, and when."""

    def __init__(self) -> None:
        self.ends: list[int] = []
        self.beats: list[int] = []
        self.has_beaten = asyncio.Event()

    async def log_jobs(self, ended: list[Any]) -> None:
        self.ends += [job.id for job, _, _ in ended]

    async def update_heartbeat(self, job_ids: list[Any]) -> None:
        self.beats += job_ids
        self.has_beaten.set()


async def _ends_heard_after_each(others: int) -> list[list[int]]:
    """Run two jobs of a lane beside so many others; which ends the queue has heard of after each.

    By itself the engine tells after minutes.
    """
    heard, jobs = Heard(), [_job(1), _job(2)]
    ends = JobStatusLogBuffer(max_size=99, timeout=LONG, repository=heard)
    beats = HeartbeatBuffer(max_size=99, timeout=LONG, repository=heard)
    async with connection() as own:
        manager = LaneManager.over(own, Lane.LIVE)
        manager.entrypoint("examples.mine")(_nothing)
        for number in range(100, 100 + others):
            manager.job_context[JobId(number)] = Context(cancellation=anyio.CancelScope())
        after = []
        for job in jobs:
            manager.job_context[job.id] = Context(cancellation=anyio.CancelScope())
            await manager._dispatch(job, ends, beats, LONG)
            del manager.job_context[job.id]
            after.append(list(heard.ends))
    return after


def test_the_queue_hears_at_once_of_the_end_of_a_job_that_ran_alone(database: str) -> None:
    assert asyncio.run(_ends_heard_after_each(others=0)) == [[1], [1, 2]]
    assert asyncio.run(_ends_heard_after_each(others=1)) == [[], []]


async def _beats_of_jobs_that_go_on() -> list[int]:
    """Run two jobs until the queue was told that they go on; which ones it was told of."""
    heard = Heard()
    ends = JobStatusLogBuffer(max_size=99, timeout=LONG, repository=heard)
    beats = HeartbeatBuffer(max_size=2, timeout=LONG, repository=heard)

    async def go_on(_: Job) -> None:
        await heard.has_beaten.wait()

    async with connection() as own, asyncio.timeout(20):
        manager = LaneManager.over(own, Lane.LIVE)
        manager.entrypoint("examples.mine")(go_on)
        jobs = [_job(1), _job(2)]
        for job in jobs:
            manager.job_context[job.id] = Context(cancellation=anyio.CancelScope())
        often = timedelta(seconds=0.05)
        await asyncio.gather(*(manager._dispatch(job, ends, beats, often) for job in jobs))
        manager.end()
    return sorted(heard.beats)


def test_the_queue_hears_that_jobs_go_on(database: str) -> None:
    assert asyncio.run(_beats_of_jobs_that_go_on()) == [1, 2]


def test_a_job_that_an_older_process_puts_into_another_lane_meanwhile_is_taken(
    database: str,
) -> None:
    done = asyncio.Queue[int]()

    async def note(job: Job) -> None:
        done.put_nowait(job.id)

    async def run(defer: Defer) -> None:
        await defer("examples.mine", "examples.others", "examples.mine")
        assert await done.get() < await done.get()

    assert watch(run, note, lane=Lane.BULK) < 10  # it does not look again and again in vain
    with scope.system():
        assert sql.fetch("SELECT entrypoint, lane FROM pgqueuer") == [("examples.others", "live")]


def test_a_lane_that_connects_asks_for_jobs_and_not_what_the_database_looks_like(
    database: str,
) -> None:
    asked: list[str] = []

    async def run() -> None:
        async with connection() as first, connection() as another:
            await LaneManager.over(first, Lane.UPKEEP).verify_structure()
            another.add_query_logger(lambda record: asked.append(record.query))
            manager = LaneManager.over(another, Lane.LIVE)
            manager.entrypoint("examples.mine")(_nothing)
            await manager.verify_structure()
            assert [job async for job in manager.fetch_jobs(7, None, LONG)] == []

    asyncio.run(run())

    assert asked == [TAKE]


def test_a_busy_lane_is_told_once_and_a_moment_after_its_last_look() -> None:
    told: list[float] = []

    async def run() -> None:
        loop, driver = asyncio.get_running_loop(), await _driver(told)
        driver.hear(tasks=["examples.mine"])
        assert len(told) == 1  # nothing runs: at once
        driver.is_busy = lambda: True
        driver.has_told.clear()
        driver.begin_look()
        began = loop.time()
        for _ in range(20):
            driver.hear(tasks=["examples.mine"])
        assert len(told) == 1
        async with asyncio.timeout(20):
            await driver.has_told.wait()
        assert len(told) == 2
        assert told[1] - began > 0.9 * APART_S

    asyncio.run(run())


def test_news_that_comes_while_jobs_are_started_is_not_forgotten() -> None:
    told: list[float] = []

    async def run() -> None:
        driver = await _driver(told)
        driver.begin_look()
        driver.hear(tasks=["examples.mine"])  # the engine throws this away
        assert driver.take_news()
        assert not driver.take_news()
        driver.hear(tasks=["examples.mine"])
        assert len(told) == 2

    asyncio.run(run())


def test_a_lane_hears_what_is_no_news_of_jobs_and_news_that_names_no_task() -> None:
    told: list[float] = []

    async def run() -> None:
        driver = await _driver(told)
        driver.hear(tasks=["examples.others"])
        assert told == []
        driver.hear(type="health_check_event")
        driver.hear(type="cancellation_event")
        assert len(told) == 2
        driver.hear()
        assert len(told) == 3

    asyncio.run(run())


class _Deaf:
    """A connection that only takes a listener."""

    def __init__(self) -> None:
        self.listener: Callable[..., None] = lambda *_: None

    async def add_listener(self, _: str, listener: Callable[..., None]) -> None:
        self.listener = listener


class _Told(LaneDriver):
    def __init__(self, connection: "_Deaf") -> None:
        super().__init__(connection)
        self.tasks = {"examples.mine"}
        self.has_told = asyncio.Event()
        self._deaf = connection

    def hear(self, *, tasks: list[str] | None = None, **changes: str) -> None:
        payload = {**TABLE_CHANGED, **changes} | ({"entrypoints": tasks} if tasks else {})
        self._deaf.listener(None, 1, "ch_pgqueuer", json.dumps(payload))


async def _driver(told: list[float]) -> _Told:
    driver = _Told(_Deaf())

    def note(_: object) -> None:
        told.append(asyncio.get_running_loop().time())
        driver.has_told.set()

    await driver.add_listener("ch_pgqueuer", note)
    return driver
