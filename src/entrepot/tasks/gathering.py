"""Gathers the jobs of one task and merchant that wait at the same moment: they run together.

A job that comes while nothing else runs begins at once. While other jobs run it waits a moment for
company, unless it is urgent: the busier the hub, the cheaper each job. A hub that has little to do
lets nobody wait for long: once nothing runs any more, only for what its end has caused.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

from entrepot.tasks import retry, running
from entrepot.tasks.liveness import Liveness
from entrepot.tasks.registry import Priority, Task
from entrepot.tasks.running import PickedJob
from entrepot.tasks.turns import Turns

# Jobs of one kind come close upon each other, since what runs before them ran together. To wait
# costs less than it saves: what a batch asks of the database does not grow with the jobs in it.
COMPANY_S = 0.2
# So long it takes until what a job has caused is a job as well.
CAUSED_WITHIN_S = 0.03

Key = tuple[str, int]
Again = retry.Again | None


@dataclass
class _Waiting:
    jobs: list[tuple[PickedJob, "asyncio.Future[Again]"]] = field(default_factory=list)
    batches: int = 0


class Gathering:
    """The waiting jobs of one lane; for the event loop's thread only.

    Once the lane `is_cut_off` from its queue, what has not begun ends unrun. `company_s` is how
    many seconds a job waits at most for others to join it.
    """

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        turns: Turns,
        liveness: Liveness,
        *,
        is_cut_off: Callable[[], bool],
        company_s: float = COMPANY_S,
    ) -> None:
        self._pool, self._turns, self._liveness = pool, turns, liveness
        self._is_cut_off = is_cut_off
        self._company_s = company_s
        self._waiting: dict[Key, _Waiting] = defaultdict(_Waiting)
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self, job: PickedJob, task: Task, *, merchant_id: int) -> Again:
        """Run a job with those that wait like it; as `running.run` says."""
        key = (task.name, merchant_id)
        waiting = self._waiting[key]
        future: asyncio.Future[Again] = asyncio.get_running_loop().create_future()
        waiting.jobs.append((job, future))
        if waiting.batches < task.side_by_side:
            waiting.batches += 1
            batches = asyncio.create_task(self._run_batches(key, task))
            self._under_way.add(batches)
            batches.add_done_callback(self._under_way.discard)
        return await future

    async def _run_batches(self, key: Key, task: Task) -> None:
        waiting = self._waiting[key]
        try:
            while waiting.jobs:
                await self._wait_for_company(waiting, task)
                async with self._turns.turn(task.priority, key[1]):
                    batch = waiting.jobs[: task.at_once]
                    waiting.jobs = waiting.jobs[task.at_once :]
                    if self._is_cut_off():
                        _end_unrun(batch)
                    elif batch:
                        await self._run_batch(batch)
        finally:
            waiting.batches -= 1
            if not waiting.batches and not waiting.jobs:
                self._waiting.pop(key, None)

    async def _wait_for_company(self, waiting: _Waiting, task: Task) -> None:
        is_full = len(waiting.jobs) >= task.at_once
        if not (self._turns.are_all_free or is_full or task.priority >= Priority.URGENT):
            with suppress(TimeoutError):
                async with asyncio.timeout(self._company_s):
                    await self._turns.all_free()
                    await asyncio.sleep(CAUSED_WITHIN_S)

    async def _run_batch(self, batch: list[tuple[PickedJob, "asyncio.Future[Again]"]]) -> None:
        jobs = [job for job, _ in batch]
        try:
            async with self._liveness.running(*(job.id for job in jobs)):
                endings = await asyncio.get_running_loop().run_in_executor(
                    self._pool, running.run_together, jobs
                )
        except BaseException as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            raise
        for (_, future), ending in zip(batch, endings, strict=True):
            if future.done():  # the engine has let go of it
                continue
            if isinstance(ending, Exception):
                future.set_exception(ending)
            else:
                future.set_result(ending)


def _end_unrun(batch: "Iterable[tuple[PickedJob, asyncio.Future[Again]]]") -> None:
    for _, future in batch:
        if not future.done():
            future.set_result(None)
