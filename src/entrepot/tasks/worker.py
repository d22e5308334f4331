"""One worker process: takes jobs from the queue, drains what waits, keeps the clock.

Jobs are plain synchronous Django code in threads; asyncio only carries them there. Each lane has
threads of its own. On SIGTERM nothing new is taken and what runs may end.
"""

import asyncio
import gc
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
import django
from django.apps import apps
from django.conf import settings
from django.db import connections
from pgqueuer.core.executors import AbstractEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.domain.errors import FailingListenerError, RetryRequested
from pgqueuer.domain.models import Context, Job

from entrepot.attempts.leases import be_holder
from entrepot.database.router import SYSTEM
from entrepot.database.urls import DatabaseUrl
from entrepot.tasks import queue, registry, rescue, running, schedule
from entrepot.tasks.gathering import Gathering
from entrepot.tasks.lanes import LaneManager
from entrepot.tasks.liveness import Liveness
from entrepot.tasks.registry import Lane
from entrepot.tasks.taking import BY_INDEX_ONLY
from entrepot.tasks.turns import Apart, Turns

log = logging.getLogger(__name__)

POLL = timedelta(seconds=1)
# Only a last resort: `rescue.py` is faster, see there.
HEARTBEAT = timedelta(seconds=60)
DRAIN_SECONDS = 25.0
# Jobs that are taken from the queue at once, and that may be in the process at the same time, for
# each thread of a lane: more than one, since waiting jobs of one kind run together.
TAKEN_PER_THREAD = 10
HELD_PER_THREAD = 40
# The engine would count in its log, see `statements.py`.
NEVER = timedelta(0)
RECONNECT_SECONDS = 1.0
# So many of a drain's things are done for little more than one of them.
FEW = 25
LOST_DATABASE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what it says when a connection breaks in the midst of something
    FailingListenerError,
)
# What a lane held when its connection broke: it ran without the queue's knowledge, or not at all.
LET_GO = """
UPDATE pgqueuer
SET status = 'queued', queue_manager_id = NULL, slot = NULL, updated = now()
WHERE status = 'picked' AND queue_manager_id = $1 AND entrypoint = ANY($2)
"""
# A worker may die before the queue counts this run as well: no more snoozes than runs.
COUNT_SNOOZE = """
UPDATE pgqueuer
SET headers = jsonb_set(
    coalesce(headers, '{}'),
    '{snoozes}',
    to_jsonb(least(coalesce((headers ->> 'snoozes')::int, 0), attempts) + 1)
)
WHERE id = $1 AND queue_manager_id = $2
"""


def run() -> None:
    """Work until SIGTERM or SIGINT; the whole life of a worker process.

    A second signal, or jobs that do not end within 25 s, end the process at once: what it was
    running is taken back by another worker.
    """
    if not apps.ready:
        django.setup()
    registry.load()
    gc.set_threshold(20_000, 20, 20)  # a batch makes many objects, and few of them circles
    asyncio.run(_run_until_signal())


async def _run_until_signal() -> None:
    stop = asyncio.Event()

    def ask_to_stop() -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask_to_stop)
    log.info("worker began with %s threads", settings.WORKER_THREADS)
    if not await Worker(threads=settings.WORKER_THREADS).run(stop):
        log.warning("jobs did not end in time; another worker takes them")
        os._exit(1)
    log.info("worker ended")


class Worker:
    """The parts of a worker process; `run` joins them.

    `keeps_clock` includes rescue and schedules; without it somebody waits for the end of what is
    there, and nothing waits for company. Its threads are its lanes' and one for each drain; each
    uses one database connection at a time.
    """

    def __init__(self, *, threads: int, keeps_clock: bool = True) -> None:
        registry.load()
        url = DatabaseUrl.of_settings(settings.DATABASES[SYSTEM])
        self._url = str(url)
        self._liveness = Liveness(self._url)
        be_holder(self._liveness.worker_id)
        self._suspects = Apart()
        self._threads = _threads_by_lane(threads)
        self._managers: dict[Lane, LaneManager] = {}
        self._keeps_clock = keeps_clock
        self.ended_jobs = 0
        self.loops = [
            Loop(
                drain.name,
                drain.function,
                idle=drain.idle,
                company=drain.company if keeps_clock else 0.0,
            )
            for drain in registry.DRAINS.values()
            for _ in range(drain.threads)
        ]
        for drain in registry.DRAINS.values():
            self._liveness.listen(drain.channel, self._waker(drain.name))

    async def run(self, stop: asyncio.Event) -> bool:
        """Work until `stop` is set, then let end what runs; False when that took too long."""
        alive = asyncio.create_task(self._liveness.run())
        clock = self._clock()
        for loop in (*self.loops, *clock):
            loop.start()
        lanes = [asyncio.create_task(self._run_lane(lane, stop)) for lane in Lane]
        asked = asyncio.create_task(stop.wait())
        first, _ = await asyncio.wait({asked, alive, *lanes}, return_when=asyncio.FIRST_COMPLETED)
        if asked not in first:  # a fault of ours: the supervisor begins another process
            asked.cancel()
            await first.pop()
        for manager in self._managers.values():
            manager.shutdown.set()
        for loop in (*self.loops, *clock):
            loop.stop()
        _, late = await asyncio.wait(lanes, timeout=DRAIN_SECONDS)
        ended = await asyncio.to_thread(lambda: [loop.join() for loop in (*self.loops, *clock)])
        if late or not all(ended):
            return False
        self._liveness.end()
        await alive
        return True

    def _waker(self, name: str) -> Callable[[], None]:
        def wake() -> None:
            for loop in self.loops:
                if loop.name == name:
                    loop.wake()

        return wake

    def _clock(self) -> list["Loop"]:
        if not self._keeps_clock:
            return []
        return [
            Loop("rescue", lambda: rescue.rescue() and 0, idle=rescue.EVERY_SECONDS),
            Loop("schedule", _Clock().tick, idle=schedule.EVERY_SECONDS),
        ]

    async def _run_lane(self, lane: Lane, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self._run_connected(lane, stop)
            except LOST_DATABASE as error:
                log.warning("lane %s lost the database: %s; connecting again", lane, error)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), RECONNECT_SECONDS)

    async def _run_connected(self, lane: Lane, stop: asyncio.Event) -> None:
        threads = self._threads[lane]
        name = f"entrepot lane {lane}"  # for whoever looks into pg_stat_activity
        connection = await asyncpg.connect(
            self._url, timeout=10, server_settings={"application_name": name} | BY_INDEX_ONLY
        )
        pool = ThreadPoolExecutor(threads, thread_name_prefix=f"lane-{lane}")
        turns = Turns(threads, apart=self._suspects)
        try:
            manager = LaneManager.over(connection, lane)
            manager.be_holder(self._liveness.worker_id)
            gathering = Gathering(pool, turns, self._liveness, is_cut_off=connection.is_closed)
            crew = _Crew(manager, connection, pool, turns, gathering)
            for task in registry.TASKS.values():
                if task.lane == lane:
                    manager.register_executor(task.name, _InThread(self, crew))
            if not manager.entrypoint_registry:
                await stop.wait()
                return
            mine = list(manager.entrypoint_registry)
            await connection.execute(LET_GO, self._liveness.worker_id, mine)
            await manager.adopt()
            self._managers[lane] = manager
            if not stop.is_set():
                is_live = lane is Lane.LIVE
                try:
                    await manager.run(
                        batch_size=threads * (TAKEN_PER_THREAD if is_live else 1),
                        max_concurrent_tasks=threads * (HELD_PER_THREAD if is_live else 2),
                        dequeue_timeout=POLL,
                        heartbeat_timeout=HEARTBEAT,
                        log_aggregation_interval=NEVER,
                        shutdown_on_listener_failure=True,
                    )
                finally:
                    manager.end()
        finally:
            turns.close()
            pool.shutdown(wait=False)
            with suppress(*LOST_DATABASE):
                await connection.close(timeout=5)

    async def perform(self, job: Job, crew: "_Crew") -> None:
        """Run one job in a thread of its lane; for the engine's executor.

        A job that has one death left runs without another such one beside it, so that it tells the
        guilty from the bystanders. When the lane's connection is gone,
        what has not begun does not: nothing could tell the queue of its end.

        Raises:
            RetryRequested: the engine is to run it again later.
        """
        picked = running.PickedJob(
            id=job.id,
            task=job.entrypoint,
            payload=job.payload or b"{}",
            attempts=job.attempts,
            headers=job.headers or {},
        )
        task = registry.TASKS[job.entrypoint]
        if task.together is not None and not picked.is_suspect:
            merchant_id = queue.decode(picked.payload).args["merchant_id"]
            again = await crew.gathering.run(picked, task, merchant_id=merchant_id)
        else:
            turn = crew.turns.turn(task.priority, picked.merchant_id, is_apart=picked.is_suspect)
            async with turn:
                if crew.connection.is_closed():
                    return
                async with self._liveness.running(job.id):
                    again = await asyncio.get_running_loop().run_in_executor(
                        crew.pool, running.run, picked
                    )
        self.ended_jobs += 1
        if again is None:
            return
        if again.is_snooze:
            mine = self._liveness.worker_id
            await crew.manager.queries.driver.execute(COUNT_SNOOZE, job.id, mine)
        raise RetryRequested(again.delay, again.reason)


class Loop:
    """A thread that calls a function again and again while it has something to do.

    `rounds` counts finished calls that found nothing, for those who wait until all is done. For
    `idle` and `company` see `registry.Drain`.
    """

    def __init__(
        self, name: str, function: Callable[[], int], *, idle: float, company: float = 0.0
    ) -> None:
        self.name = name
        self.rounds = 0
        self._function = function
        self._idle = idle
        self._company = company
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"loop-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self._wake.set()

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()

    def join(self) -> bool:
        """Wait for the call that is under way; False when it takes too long."""
        self._thread.join(DRAIN_SECONDS)
        return not self._thread.is_alive()

    def _run(self) -> None:
        faults = 0
        while not self._stop.is_set():
            done, pause = 0, self._idle
            with _connections_given_back():
                try:
                    done = self._function()
                    faults = 0
                # A thread that ended by a fault, of whatever kind, would leave a living process
                # whose intake, rescue or clock stands still, with nobody to notice.
                except Exception:  # whatever the fault: logged, counted, and tried again
                    faults += 1
                    pause = min(2.0**faults, 30.0)
                    log.exception("loop %s failed; again in %s s", self.name, pause)
            if not done:
                self.rounds += 1
                self._wake.wait(pause)
                self._wake.clear()
            elif done < FEW and self._company:
                self._stop.wait(self._company)


@dataclass(frozen=True, slots=True)
class _Crew:
    """What the jobs of one lane run with, while its connection lasts."""

    manager: LaneManager
    connection: asyncpg.Connection
    pool: ThreadPoolExecutor
    turns: Turns
    gathering: Gathering


class _InThread(AbstractEntrypointExecutor):
    """Carries the engine's jobs to `Worker.perform`; a job nobody could bury is held as failed."""

    def __init__(self, worker: Worker, crew: _Crew) -> None:
        super().__init__(
            EntrypointExecutorParameters(concurrency_limit=0, func=_unused, on_failure="hold")
        )
        self._worker, self._crew = worker, crew

    async def execute(self, job: Job, context: Context) -> None:
        await self._worker.perform(job, self._crew)


async def _unused(job: Job) -> None:
    raise AssertionError(f"job {job.id} went past its executor")


def _threads_by_lane(threads: int) -> dict[Lane, int]:
    """Divide threads among the lanes; live work gets the most, and each lane at least one."""
    bulk, upkeep = max(1, threads // 4), max(1, threads // 8)
    return {
        Lane.LIVE: max(1, threads - bulk - upkeep),
        Lane.BULK: bulk,
        Lane.UPKEEP: upkeep,
    }


class _Clock:
    """Begins what is due; the first call gives new schedules their rows."""

    _has_adopted = False

    def tick(self) -> int:
        if not self._has_adopted:
            schedule.adopt()
            self._has_adopted = True
        schedule.tick()
        return 0  # idle until the next second, whatever was begun


@contextmanager
def _connections_given_back() -> Iterator[None]:
    try:
        yield
    finally:
        connections.close_all()
