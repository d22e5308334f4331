"""The engine, one manager for each lane: when it looks into the queue, and how often.

By itself, PgQueuer looks whenever anything changes in the queue, and asks four things each time. A
lane is told of new jobs of its own tasks only, and once until it has looked; while it runs some, it
waits a moment, so that one look takes many. On an idle hub it looks at once.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import asyncpg
import msgspec
from pgqueuer import AsyncpgDriver, Queries, QueueManager
from pgqueuer.core.buffers import HeartbeatBuffer, JobStatusLogBuffer
from pgqueuer.domain.models import Job, TableChangedEvent, TracebackRecord, utc_now
from pgqueuer.domain.types import JOB_STATUS, Channel, QueueEntrypoint, QueueManagerId
from pgqueuer.ports.driver import NotifyCallback
from pgqueuer.ports.repository import EntrypointExecutionParameter

from entrepot.tasks import taking
from entrepot.tasks.registry import Lane
from entrepot.tasks.statements import FencedStatements

# Between two looks of a lane that is at work.
APART_S = 0.025
UNLIMITED = 1_000_000
_VERIFIED = threading.Event()  # whether this process has found the engine's tables
NEXT_DUE = """
SELECT min(first.execute_after) - now() AS wait, bool_or(first.lane <> $2) AS has_strays
FROM unnest($1::text[]) AS task
CROSS JOIN LATERAL (
    SELECT execute_after, lane
    FROM pgqueuer
    WHERE entrypoint = task AND status = 'queued'
    ORDER BY execute_after
    LIMIT 1
) AS first
"""
# Strays: jobs whose task was in another lane, or in none, in the version that deferred them. What
# is being taken there at this moment stays.
ADOPT = """
UPDATE pgqueuer
SET headers = jsonb_set(coalesce(headers, '{}'), '{lane}', to_jsonb($1::text))
FROM (
    SELECT id
    FROM pgqueuer
    WHERE status = 'queued' AND entrypoint = ANY($2) AND lane <> $1
    FOR UPDATE SKIP LOCKED
) AS stray
WHERE pgqueuer.id = stray.id
"""


class _News(msgspec.Struct):
    """What matters of a notification; `entrypoints` as migration 0002 adds them."""

    type: str
    entrypoints: list[str] | None = None


class LaneDriver(AsyncpgDriver):
    """The connection of a lane; `wake` has the lane look into the queue soon.

    `tasks` are those of the lane; `is_busy` says whether it runs any.
    """

    def __init__(self, connection: asyncpg.Connection) -> None:
        super().__init__(connection)
        self.tasks: Collection[str] = ()
        self.is_busy: Callable[[], bool] = lambda: False
        self._is_told = False
        self._looked_at = 0.0
        self._tell: NotifyCallback = lambda _: None
        self._look = TableChangedEvent(
            channel=Channel(""),
            sent_at=utc_now(),
            type="table_changed_event",
            operation="insert",
            table="",
        ).model_dump_json()

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        """Listen, but for what concerns other lanes."""
        self._tell = callback
        await super().add_listener(channel, self._hear)

    def _hear(self, payload: str | bytes | bytearray) -> None:
        news = msgspec.json.decode(payload, type=_News)
        if news.type != "table_changed_event":
            self._tell(payload)
        elif news.entrypoints is None or any(task in self.tasks for task in news.entrypoints):
            self.wake()

    def wake(self) -> None:
        """Have the lane look: at once, or a moment after its last look while it is busy."""
        if self._is_told:
            return
        self._is_told = True
        if wait := self.pause():
            asyncio.get_running_loop().call_later(wait, self._tell, self._look)
        else:
            self._tell(self._look)

    def pause(self) -> float:
        """Seconds until the lane may look again."""
        if not self.is_busy():
            return 0.0
        return max(0.0, self._looked_at + APART_S - asyncio.get_running_loop().time())

    def take_news(self) -> bool:
        """Whether there is news since the last look that nobody has acted upon."""
        is_told, self._is_told = self._is_told, False
        return is_told

    def begin_look(self) -> None:
        """All news until now is covered by the look that begins."""
        self._is_told = False
        self._looked_at = asyncio.get_running_loop().time()


@dataclass
class LaneQueries(Queries):
    """The engine's statements; those that change when there is something to do wake the lane.

    `has_left_some`: the last look could not take all that was due.
    """

    driver: LaneDriver
    lane: Lane = Lane.LIVE
    qbq: FencedStatements = field(default_factory=FencedStatements)
    has_left_some: bool = False

    async def dequeue(
        self,
        batch_size: int,
        entrypoints: dict[QueueEntrypoint, EntrypointExecutionParameter],
        queue_manager_id: QueueManagerId,
        global_concurrency_limit: int | None,
        heartbeat_timeout: timedelta,
    ) -> list[Job]:
        """Take what is due, merchants by turns; the lane's tasks have no limits of their own."""
        rows = await self.driver.fetch(
            taking.TAKE,
            *taking.arguments(
                holder=queue_manager_id,
                lane=self.lane,
                tasks=list(entrypoints),
                at_once=batch_size,
                in_hands=global_concurrency_limit or UNLIMITED,
                heartbeat=heartbeat_timeout,
            ),
        )
        return [Job.model_validate(row) for row in rows]

    async def log_jobs(
        self, job_status: list[tuple[Job, JOB_STATUS, TracebackRecord | None]]
    ) -> None:
        """Take ended jobs out of the queue, which makes room for those that were left."""
        await super().log_jobs(job_status)
        if self.has_left_some:
            self.driver.wake()

    async def retry_job(
        self, job: Job, delay: timedelta, traceback_record: TracebackRecord | None
    ) -> None:
        """Put a job back until later, which may be sooner than the lane means to look."""
        await super().retry_job(job, delay, traceback_record)
        self.driver.wake()


@dataclass
class LaneManager(QueueManager):
    """Takes the jobs of one lane."""

    queries: LaneQueries
    _beating: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.be_holder(self.queue_manager_id)
        self.queries.driver.tasks = self.entrypoint_registry
        self.queries.driver.is_busy = lambda: bool(self.job_context)

    def be_holder(self, holder: UUID) -> None:
        """Take jobs in this name, and end only those that are still in it."""
        self.queue_manager_id = QueueManagerId(holder)
        self.queries.qbq.holder = holder

    @classmethod
    def over(cls, connection: asyncpg.Connection, lane: Lane) -> "LaneManager":
        """A manager on a connection of its own, without tasks."""
        return cls(LaneQueries(LaneDriver(connection), lane=lane))

    async def verify_structure(self) -> None:
        """Look for the engine's tables and columns, once in a process.

        They come with the migrations and do not go away, and the look costs each lane, whenever it
        connects, more than all else that it does until it takes its first job.
        """
        if _VERIFIED.is_set():
            return
        _VERIFIED.set()  # the other lanes need not ask while this one does
        try:
            await super().verify_structure()
        except BaseException:
            _VERIFIED.clear()
            raise

    async def adopt(self) -> None:
        """Take over the jobs of this lane's tasks that another version put into another."""
        tasks = list(self.entrypoint_registry)
        await self.queries.driver.execute(ADOPT, self.queries.lane.value, tasks)

    async def fetch_jobs(
        self,
        batch_size: int,
        global_concurrency_limit: int | None,
        heartbeat_timeout: timedelta,
    ) -> AsyncGenerator[Job, None]:
        """Yield what is due; as the engine's, without asking again after less than was asked for.

        What is left because too many run already, or because another worker has just locked it, is
        noticed before the wait.
        """
        no_limit = EntrypointExecutionParameter(concurrency_limit=0)
        while not self.shutdown.is_set():
            self.queries.driver.begin_look()
            jobs = await self.queries.dequeue(
                batch_size=batch_size,
                entrypoints=dict.fromkeys(self.entrypoint_registry, no_limit),
                queue_manager_id=self.queue_manager_id,
                global_concurrency_limit=global_concurrency_limit,
                heartbeat_timeout=heartbeat_timeout,
            )
            for job in jobs:
                yield job
            if len(jobs) < batch_size:
                return

    async def _dispatch(
        self,
        job: Job,
        jbuff: JobStatusLogBuffer,
        hbuff: HeartbeatBuffer,
        heartbeat_timeout: timedelta,
    ) -> None:
        """Run a job as the engine does; where no other runs, the queue hears at once of its end.

        The engine tells of ends every 0.1 s, many together; until then a job that has ended would
        run again, were its worker to die. Its heartbeats, a task and a timer for each job, are one
        for all that run.
        """
        if self._beating is None or self._beating.done():
            self._beating = asyncio.create_task(self._beat(hbuff, heartbeat_timeout / 2))
        await super()._dispatch(job, jbuff, hbuff, timedelta(0))
        if self.job_context.keys() <= {job.id}:
            await jbuff.flush()

    def end(self) -> None:
        """Tell of nothing any more."""
        if self._beating is not None:
            self._beating.cancel()

    async def _beat(self, hbuff: HeartbeatBuffer, apart: timedelta) -> None:
        """Tell now and then that all jobs in hand are run; until nothing has run for so long."""
        while True:
            await asyncio.sleep(apart.total_seconds())
            if not self.job_context:
                return
            for job_id in list(self.job_context):
                await hbuff.add(job_id)

    async def _effective_dequeue_timeout(self, dequeue_timeout: timedelta) -> timedelta:
        """How long to wait for news: with one statement instead of three, or with none.

        The engine throws news away while it starts jobs, so what came since the look is asked for
        here. Should a version of PgQueuer no longer call this, a lane asks more often than it must.
        Strays are adopted: while a release is under way, processes of the one before defer some.
        """
        driver = self.queries.driver
        if driver.take_news():
            return timedelta(seconds=driver.pause())
        tasks, lane = list(self.entrypoint_registry), self.queries.lane.value
        found = (await driver.fetch(NEXT_DUE, tasks, lane))[0]
        if found["has_strays"]:
            await self.adopt()
        wait = found["wait"]
        self.queries.has_left_some = isinstance(wait, timedelta) and wait <= timedelta(0)
        if not isinstance(wait, timedelta):
            return dequeue_timeout
        return min(max(wait, self.min_dequeue_poll_interval), dequeue_timeout)
