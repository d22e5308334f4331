"""Jobs that wait at the same moment run together, and each still ends as if it had been alone."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from entrepot.access import scope
from entrepot.database import sql
from entrepot.tasks import queue
from entrepot.tasks.gathering import Gathering
from entrepot.tasks.queue import Job
from entrepot.tasks.registry import TASKS, Priority, Task
from entrepot.tasks.retry import DeadJob
from entrepot.tasks.running import PickedJob
from entrepot.tasks.turns import Turns

RunJobs = Callable[..., int]


def defer(*words: str, merchant_id: int = 7) -> None:
    with scope.system():
        queue.defer(
            [
                Job(
                    task="examples.together",
                    args={"merchant_id": merchant_id, "word": word},
                    cause=f"event:{number}",
                )
                for number, word in enumerate(words)
            ]
        )


def in_queue() -> list[tuple[str, int]]:
    with scope.system():
        rows = sql.fetch(
            "SELECT convert_from(payload, 'UTF8')::json -> 'args' ->> 'word', attempts"
            " FROM pgqueuer ORDER BY id"
        )
    return [(word, attempts) for word, attempts in rows]


def test_waiting_jobs_run_together_up_to_the_limit_of_their_task(
    run_jobs: RunJobs, notes: list[Any]
) -> None:
    words = [f"字{number}" for number in range(60)]
    defer(*words)

    ended = run_jobs()

    assert ended == 60
    assert sorted(word for _, batch, _ in notes for word in batch) == sorted(words)
    assert max(len(batch) for _, batch, _ in notes) == 5
    assert len(notes) < 30
    causes = {
        word: cause for _, batch, named in notes for word, cause in zip(batch, named, strict=True)
    }
    assert causes == {word: f"event:{number}" for number, word in enumerate(words)}
    assert in_queue() == []


def test_batches_of_a_task_that_goes_in_turn_never_overlap(
    run_jobs: RunJobs, notes: list[Any]
) -> None:
    with scope.system():
        queue.defer(
            [Job(task="examples.in_turn", args={"merchant_id": 7, "n": n}) for n in range(30)]
        )

    assert run_jobs() == 30

    assert len(notes) >= 10
    assert all(notes)


def test_jobs_of_two_merchants_never_run_together(run_jobs: RunJobs, notes: list[Any]) -> None:
    for number in range(8):
        defer(f"a{number}", merchant_id=7)
        defer(f"b{number}", merchant_id=8)

    run_jobs()

    assert {(merchant, word[0]) for merchant, batch, _ in notes for word in batch} == {
        (7, "a"),
        (8, "b"),
    }


def test_each_job_of_a_batch_has_its_own_ending(
    run_jobs: RunJobs, notes: list[Any], buried: list[DeadJob]
) -> None:
    defer("one", "snooze", "two", "down")

    run_jobs()

    assert in_queue() == [("snooze", 1), ("down", 1)]
    assert buried == []
    run_jobs(ahead=timedelta(hours=1, seconds=1))
    assert in_queue() == [("snooze", 2), ("down", 2)]


def test_a_batch_that_fails_has_each_job_run_alone(
    run_jobs: RunJobs, notes: list[Any], buried: list[DeadJob]
) -> None:
    defer("one", "broken", "two", "three")

    run_jobs()

    assert in_queue() == [("broken", 1)]
    alone = [batch for _, batch, _ in notes if len(batch) == 1]
    assert ["broken"] in alone
    for _ in range(3):
        run_jobs(ahead=timedelta(hours=1))
    (dead,) = buried
    assert (dead.args["word"], dead.cause, dead.tries, dead.kind) == (
        "broken",
        "event:1",
        4,
        "KeyError",
    )


class _NobodyWatches:
    """A worker whose death nobody has to notice."""

    @asynccontextmanager
    async def running(self, *_: int) -> AsyncIterator[None]:
        yield


async def _batches_of(task: Task, words: str, *, while_others_run: bool) -> None:
    """Hand a lane one job for each sign of `words`, the next when the last had time to begin."""
    loop, turns = asyncio.get_running_loop(), Turns(3)
    with ThreadPoolExecutor(3) as pool:
        gathering = Gathering(pool, turns, _NobodyWatches(), is_cut_off=lambda: False)  # type: ignore[arg-type]
        ends = []
        async with turns.turn(0, 8) if while_others_run else nullcontext():
            for number, word in enumerate(words):
                payload = msgspec.json.encode({"args": {"merchant_id": 7, "word": word}})
                job = PickedJob(number, task.name, payload, 0, {"merchant_id": 7})
                ends.append(loop.create_task(gathering.run(job, task, merchant_id=7)))
                await _time_to_begin()
            await asyncio.gather(*ends)


async def _time_to_begin() -> None:
    loop = asyncio.get_running_loop()
    for _ in range(20):
        comes = loop.create_future()
        loop.call_soon(comes.set_result, None)
        await comes


async def _alone_after_another() -> None:
    """Hand a lane whose company takes an hour one job, while another runs that soon ends."""
    turns, task = Turns(3), TASKS["examples.together"]
    with ThreadPoolExecutor(3) as pool:
        gathering = Gathering(
            pool,
            turns,
            _NobodyWatches(),  # type: ignore[arg-type]
            is_cut_off=lambda: False,
            company_s=3600,
        )
        payload = msgspec.json.encode({"args": {"merchant_id": 7, "word": "日"}})
        job = PickedJob(1, task.name, payload, 0, {"merchant_id": 7})
        async with turns.turn(0, 8):
            end = asyncio.create_task(gathering.run(job, task, merchant_id=7))
            await _time_to_begin()
            assert not end.done()
        await end


def test_nobody_waits_for_company_once_nothing_runs_any_more(notes: list[Any]) -> None:
    asyncio.run(_alone_after_another())

    assert [batch for _, batch, _ in notes] == [["日"]]


@pytest.mark.parametrize(
    ("while_others_run", "priority", "batches"),
    [
        (False, Priority.MEDIUM, [["日"], ["月"]]),
        (True, Priority.MEDIUM, [["日", "月"]]),
        (True, Priority.URGENT, [["日"], ["月"]]),
    ],
)
def test_what_is_not_urgent_waits_for_company_while_others_run(
    notes: list[Any], while_others_run: bool, priority: Priority, batches: list[list[str]]
) -> None:
    task = replace(TASKS["examples.together"], priority=priority)

    asyncio.run(_batches_of(task, "日月", while_others_run=while_others_run))

    assert sorted(batch for _, batch, _ in notes) == batches
