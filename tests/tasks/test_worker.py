"""What a worker does with jobs and drains: the real one, inside the test's process."""

from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from django.utils import timezone

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.database import sql
from entrepot.events import outbox
from entrepot.tasks import queue, subscriptions
from entrepot.tasks.idle import StillBusy, run_until_idle
from entrepot.tasks.queue import Job
from entrepot.tasks.registry import Priority
from entrepot.tasks.retry import DeadJob
from tests.tasks.examples import draining

RunJobs = Callable[..., int]


def defer(*jobs: Job) -> list[int | None]:
    with scope.system():
        return queue.defer(jobs)


def in_queue() -> list[tuple[str, str, int]]:
    with scope.system():
        return [
            (task, status, attempts)
            for task, status, attempts in sql.fetch(
                "SELECT entrypoint, status::text, attempts FROM pgqueuer ORDER BY id"
            )
        ]


def test_each_job_runs_once_and_leaves_nothing_in_the_queue_or_its_log(
    run_jobs: RunJobs, notes: list[object], superuser_url: str
) -> None:
    defer(*(Job(task="examples.note", args={"word": f"字{n}"}) for n in range(120)))

    ended = run_jobs()

    assert ended == 120
    assert sorted(map(str, notes)) == sorted(f"字{n}" for n in range(120))
    assert in_queue() == []
    assert run_jobs() == 0
    with psycopg.connect(superuser_url) as connection:
        assert connection.execute("SELECT job_id, status FROM pgqueuer_log").fetchall() == []


def test_an_event_causes_its_jobs_in_its_own_transaction(
    run_jobs: RunJobs, notes: list[object], merchant: Merchant
) -> None:
    before = subscriptions.SUBSCRIPTIONS.get("order.tagged", ())
    subscriptions.SUBSCRIPTIONS["order.tagged"] = ("examples.subscribed",)
    try:
        with scope.merchant(merchant.id):
            outbox.record(
                "order.tagged",
                merchant_id=merchant.id,
                mode="live",
                order_id=41,
                subject=("order", 41),
            )
            (event,) = outbox.flush()
        run_jobs()
    finally:
        subscriptions.SUBSCRIPTIONS["order.tagged"] = before

    assert notes == [(merchant.id, 41, 41, event.id, ("", f"event:{event.id}"))]


def test_a_job_works_in_its_own_scope_and_leaves_none_open(
    run_jobs: RunJobs, merchant: Merchant, other_merchant: Merchant, superuser_url: str
) -> None:
    defer(
        Job(task="examples.rename", args={"merchant_id": merchant.id, "name": "Südwind"}),
        Job(task="examples.rename", args={"merchant_id": other_merchant.id, "name": "茶"}),
    )

    run_jobs()

    with scope.system():
        assert sql.fetch("SELECT code, name FROM access_merchant ORDER BY code") == [
            ("nordlicht", "Südwind"),
            ("sakura", "茶"),
        ]
    with psycopg.connect(superuser_url) as connection:
        rows = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND state LIKE 'idle in transaction%'"  # others' tests run on this server as well
        )
        assert rows.fetchone() == (0,)


def test_a_failure_is_retried_with_growing_waits_and_then_buried(
    run_jobs: RunJobs, notes: list[object], buried: list[DeadJob]
) -> None:
    (job_id,) = defer(Job(task="examples.fail", args={"kind": "bug"}, cause="event:9"))

    runs = []
    for seconds in (0, 1.3, 6.1, 18.1, 100):
        run_jobs(ahead=timedelta(seconds=seconds))
        runs.append(len(notes))

    assert runs == [1, 2, 3, 4, 4]
    assert in_queue() == []
    (dead,) = buried
    assert (dead.job_id, dead.task, dead.args) == (job_id, "examples.fail", {"kind": "bug"})
    assert (dead.cause, dead.tries, dead.kind, dead.deaths) == ("event:9", 4, "KeyError", 0)
    assert "about bug" in dead.error
    assert "examples.py" in dead.traceback


def test_what_time_may_heal_is_retried_for_longer(
    run_jobs: RunJobs, notes: list[object], buried: list[DeadJob]
) -> None:
    defer(Job(task="examples.fail", args={"kind": "down"}), Job(task="examples.fail_once"))

    for _ in range(12):
        run_jobs(ahead=timedelta(hours=30))

    assert notes.count("down") == 12
    assert notes.count("failed") == 2
    assert [dead.task for dead in buried] == ["examples.fail_once"]
    assert in_queue() == [("examples.fail", "queued", 12)]


def test_a_snooze_spends_no_try(
    run_jobs: RunJobs, notes: list[object], buried: list[DeadJob]
) -> None:
    defer(Job(task="examples.snooze"))

    for _ in range(5):
        run_jobs(ahead=timedelta(hours=1, seconds=1))

    assert len(notes) == 5
    assert buried == []
    assert in_queue() == [("examples.snooze", "queued", 5)]


def test_a_job_that_snoozed_often_still_has_all_its_tries(
    run_jobs: RunJobs, notes: list[object], buried: list[DeadJob]
) -> None:
    defer(Job(task="examples.snooze_then_fail", args={"snoozes": 6}))

    for _ in range(11):
        run_jobs(ahead=timedelta(minutes=2))

    assert len(notes) == 6 + 4
    assert [dead.tries for dead in buried] == [4]


DIED_AFTER_COUNTING = """
UPDATE pgqueuer
SET headers = jsonb_set(coalesce(headers, '{}'), '{snoozes}', to_jsonb(attempts + 1))
"""
DUE_WITHIN = "SELECT max(execute_after - clock_timestamp()) FROM pgqueuer"


def test_a_worker_that_dies_between_a_snooze_and_its_wait_costs_the_job_no_day(
    superuser_url: str, run_jobs: RunJobs, notes: list[object], buried: list[DeadJob]
) -> None:
    defer(Job(task="examples.fail", args={"kind": "down"}))

    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute(DIED_AFTER_COUNTING)
        run_jobs()
        (within,) = connection.execute(DUE_WITHIN).fetchone() or ()

    assert notes == ["down"]
    assert within < timedelta(seconds=2)


def test_a_snooze_that_is_counted_twice_gives_no_try_away(
    superuser_url: str, run_jobs: RunJobs, notes: list[object], buried: list[DeadJob]
) -> None:
    defer(Job(task="examples.snooze_then_fail", args={"snoozes": 3}))

    for _ in range(3):
        with psycopg.connect(superuser_url, autocommit=True) as connection:
            connection.execute(DIED_AFTER_COUNTING)
        run_jobs(ahead=timedelta(minutes=2))
    for _ in range(5):
        run_jobs(ahead=timedelta(minutes=2))

    assert len(notes) == 3 + 4
    assert [dead.tries for dead in buried] == [4]


def test_a_job_for_later_waits(run_jobs: RunJobs, notes: list[object]) -> None:
    now = timezone.now()
    defer(
        Job(task="examples.note", args={"word": "später"}, run_at=now + timedelta(hours=3)),
        Job(task="examples.note", args={"word": "vorbei"}, run_at=now - timedelta(hours=3)),
    )

    run_jobs()
    assert notes == ["vorbei"]

    run_jobs(ahead=timedelta(hours=3, seconds=1))
    assert notes == ["vorbei", "später"]


def test_bulk_work_cannot_starve_live_work(run_jobs: RunJobs, notes: list[object]) -> None:
    defer(*(Job(task="examples.bulk", args={"number": n}) for n in range(60)))
    defer(Job(task="examples.go", priority=Priority.LOW))

    run_jobs()

    assert notes[0] == "go"
    assert sorted(notes[1:], key=str) == sorted(range(60), key=str)


def test_a_job_that_killed_three_workers_is_buried_unrun(
    run_jobs: RunJobs, notes: list[object], buried: list[DeadJob]
) -> None:
    ids = defer(
        Job(task="examples.note", args={"word": "deadly"}),
        Job(task="examples.note", args={"word": "suspect"}),
    )
    with scope.system():
        for job_id, deaths in zip(ids, (3, 2), strict=True):
            sql.run(
                "UPDATE pgqueuer SET headers = jsonb_build_object('deaths', %s::int) WHERE id = %s",
                [deaths, job_id],
            )

    run_jobs()

    assert notes == ["suspect"]
    assert [(dead.args, dead.kind, dead.deaths) for dead in buried] == [
        ({"word": "deadly"}, "KilledItsWorker", 3)
    ]
    assert in_queue() == []


def test_jobs_that_run_apart_from_each_other_keep_no_thread_from_the_others(
    run_jobs: RunJobs, notes: list[object]
) -> None:
    defer(*(Job(task="examples.wait", args={"number": n}) for n in range(60)))
    with scope.system():
        sql.run("UPDATE pgqueuer SET headers = jsonb_build_object('deaths', 2)")
    defer(Job(task="examples.go", priority=Priority.LOW))

    run_jobs()

    assert notes[0] == "go"
    assert sorted(notes[1:], key=str) == sorted(range(60), key=str)


def test_what_a_lane_held_when_it_was_cut_off_runs_as_soon_as_it_is_back(
    run_jobs: RunJobs, notes: list[object], superuser_url: str, merchant: Merchant
) -> None:
    words = {f"字{n}" for n in range(60)}
    together = {"merchant_id": merchant.id}
    defer(
        Job(task="examples.cut_off", args={"url": superuser_url}, priority=Priority.URGENT),
        *(Job(task="examples.note", args={"word": word}) for word in words),
        *(Job(task="examples.together", args={"word": f"{n}", **together}) for n in range(60)),
    )

    run_jobs()

    assert in_queue() == []
    assert words <= {note for note in notes if isinstance(note, str)}
    ran = {word for note in notes if isinstance(note, tuple) for word in note[1]}
    assert ran == {f"{n}" for n in range(60)}


def test_a_job_of_a_task_that_is_gone_waits_for_the_version_that_knows_it(
    database: str,
) -> None:
    defer(Job(task="examples.go"))
    with scope.system():
        sql.run("UPDATE pgqueuer SET entrypoint = 'examples.renamed'")

    with pytest.raises(StillBusy):
        run_until_idle(within=timedelta(seconds=0.5))

    assert in_queue() == [("examples.renamed", "queued", 0)]


def test_a_drain_is_called_until_nothing_is_left(run_jobs: RunJobs, database: str) -> None:
    left = [30, 20, 7, 0, 0]
    done = []

    def batch() -> int:
        count = left.pop(0) if left else 0
        done.append(count)
        return count

    with draining(batch):
        run_jobs()

    assert sum(done) == 57
    assert left == []


def test_a_drain_that_fails_is_called_again(run_jobs: RunJobs, database: str) -> None:
    calls: list[int] = []

    def batch() -> int:
        calls.append(len(calls))
        if len(calls) == 1:
            raise ConnectionError("a moment's")
        return 0

    with draining(batch):
        run_jobs()

    assert len(calls) >= 2
