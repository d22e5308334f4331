"""Runs a worker inside this process until nothing is left to do; for tests, demos and scripts."""

import asyncio
from datetime import timedelta

from django.conf import settings
from django.db import connections

from entrepot.access import scope
from entrepot.database import sql
from entrepot.tasks.worker import Worker

WORK_LEFT = """
SELECT count(*)
FROM pgqueuer
WHERE status = 'picked' OR (status = 'queued' AND execute_after <= clock_timestamp())
"""
BRING_FORWARD = "UPDATE pgqueuer SET execute_after = execute_after - %s WHERE status = 'queued'"


class StillBusy(Exception):
    """Work was left when the time was over."""


def run_until_idle(*, within: timedelta = timedelta(seconds=60)) -> int:
    """Run due jobs and drains, and what they cause, until none is left; return how many jobs ended.

    Jobs that are to run later are left alone, and so are schedules.

    Raises:
        StillBusy: it takes longer than `within`.
    """
    return asyncio.run(_run_until_idle(within))


def bring_forward(by: timedelta) -> None:
    """Pretend that time went by for the jobs that wait."""
    with scope.system():
        sql.run(BRING_FORWARD, [by])


async def _run_until_idle(within: timedelta) -> int:
    worker = Worker(threads=settings.WORKER_THREADS, keeps_clock=False)
    stop = asyncio.Event()
    working = asyncio.create_task(worker.run(stop))
    try:
        async with asyncio.timeout(within.total_seconds()):
            while not await _is_idle(worker):  # noqa: ASYNC110 -- the queue tells nobody
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise StillBusy(f"work is left after {within}") from None
    finally:
        stop.set()
        await working
    return worker.ended_jobs


async def _is_idle(worker: Worker) -> bool:
    """Nothing waits, every drain came round empty since, and still nothing waits."""
    if await asyncio.to_thread(_work_left):
        return False
    ended = worker.ended_jobs
    # Two rounds: the first may have begun before we looked.
    waited_for = [(loop, loop.rounds + 2) for loop in worker.loops]
    while waited_for := [(loop, rounds) for loop, rounds in waited_for if loop.rounds < rounds]:
        for loop, _ in waited_for:
            loop.wake()
        await asyncio.sleep(0.005)
    return not await asyncio.to_thread(_work_left) and worker.ended_jobs == ended


def _work_left() -> int:
    try:
        with scope.system():
            return int(sql.fetch_value(WORK_LEFT))
    finally:
        connections.close_all()  # asyncio's threads live on, and would keep theirs
