"""Jobs stand and fall with the transaction that causes them."""

from datetime import timedelta

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.database import clock, sql
from entrepot.tasks import queue
from entrepot.tasks.queue import Job
from entrepot.tasks.registry import Lane, Priority, UnknownTask

WAITING = """
    SELECT entrypoint, priority, convert_from(payload, 'UTF8')
    FROM pgqueuer
    ORDER BY id
"""


def waiting() -> list[tuple[str, int, str]]:
    with scope.system():
        return [(task, priority, payload) for task, priority, payload in sql.fetch(WAITING)]


def test_jobs_go_in_with_one_statement_in_their_order(merchant: Merchant) -> None:
    jobs = [Job(task="examples.note", args={"word": f"Öl {n}"}) for n in range(300)]

    with CaptureQueriesContext(connections["default"]) as queries, scope.merchant(merchant.id):
        ids = queue.defer(jobs)

    assert len(set(ids)) == 300
    assert [payload for _, _, payload in waiting()] == [
        f'{{"args":{{"word":"Öl {n}"}}}}' for n in range(300)
    ]
    # The enqueuing itself runs on a cursor that Django does not see.
    assert sum("pgqueuer" in query["sql"] for query in queries.captured_queries) == 0


def test_a_rollback_takes_the_jobs_away(merchant: Merchant) -> None:
    def defer_and_fail() -> None:
        with scope.merchant(merchant.id):
            queue.defer([Job(task="examples.note", args={"word": "never"})])
            raise ConnectionError

    with pytest.raises(ConnectionError):
        defer_and_fail()

    assert waiting() == []


def test_a_job_is_never_due_before_its_time_however_long_its_transaction_lasts(
    merchant: Merchant,
) -> None:
    with scope.merchant(merchant.id):
        sql.fetch_value("SELECT count(*) FROM generate_series(1, 200000)")
        run_at = clock.now() + timedelta(minutes=2)
        queue.defer([Job(task="examples.note", args={"word": "später"}, run_at=run_at)])

    with scope.system():
        due_at = sql.fetch_value("SELECT execute_after FROM pgqueuer")
    assert timedelta(0) <= due_at - run_at < timedelta(seconds=5)


def test_a_job_has_its_tasks_priority_unless_it_says_otherwise(merchant: Merchant) -> None:
    with scope.merchant(merchant.id):
        queue.defer(
            [
                Job(task="examples.note", args={"word": "usual"}),
                Job(task="examples.note", args={"word": "now"}, priority=Priority.URGENT),
                Job(task="examples.go"),
            ]
        )

    assert [(task, priority) for task, priority, _ in waiting()] == [
        ("examples.note", 20),
        ("examples.note", 30),
        ("examples.go", 10),
    ]


def test_outside_a_transaction_or_for_no_task_nothing_is_deferred(merchant: Merchant) -> None:
    with pytest.raises(queue.OutsideTransaction, match=r"examples\.note"):
        queue.defer([Job(task="examples.note", args={"word": "never"})])
    with scope.merchant(merchant.id), pytest.raises(UnknownTask, match=r"examples\.burn"):
        queue.defer([Job(task="examples.go"), Job(task="examples.burn")])

    assert waiting() == []


def test_a_unique_job_is_kept_out_while_the_first_waits(merchant: Merchant) -> None:
    with scope.merchant(merchant.id):
        first = queue.defer([Job(task="examples.tidy", unique="schedule:examples.tidy")])
        second = queue.defer(
            [
                Job(task="examples.tidy", unique="schedule:examples.tidy"),
                Job(task="examples.go"),
            ]
        )

    assert first != [None]
    assert second[0] is None
    assert second[1] is not None
    assert [task for task, _, _ in waiting()] == ["examples.tidy", "examples.go"]


def test_the_state_of_each_lane_is_known(merchant: Merchant) -> None:
    now = timezone.now()
    with scope.merchant(merchant.id):
        queue.defer(
            [
                Job(task="examples.go"),
                Job(task="examples.note", args={"word": "x"}),
                Job(task="examples.note", args={"word": "y"}, run_at=now + timedelta(hours=2)),
                Job(task="examples.tidy"),
            ]
        )

    with scope.system():
        states = queue.lane_states()

    live, oldest = states[Lane.LIVE], states[Lane.LIVE].oldest_due_at
    assert (live.due, live.running, live.later) == (2, 0, 1)
    assert oldest is not None
    assert abs(oldest - now) < timedelta(seconds=30)
    assert states[Lane.UPKEEP].due == 1
    assert (states[Lane.BULK].due, states[Lane.BULK].oldest_due_at) == (0, None)
