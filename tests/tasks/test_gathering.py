"""Jobs that wait at the same moment run together, and each still ends as if it had been alone."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from entrepot.access import scope
from entrepot.database import sql
from entrepot.tasks import queue
from entrepot.tasks.queue import Job
from entrepot.tasks.retry import DeadJob

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
