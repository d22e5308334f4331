"""Jobs of dead workers are taken back, and nobody else's."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from itertools import product
from pathlib import Path

import psycopg
import pytest

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.attempts import services as attempts
from entrepot.attempts.leases import Lease
from entrepot.attempts.models import Attempt
from entrepot.attempts.states import Kind, LeaseLost, Status
from entrepot.database import sql
from entrepot.tasks import queue
from entrepot.tasks.neighbours import pid_space
from entrepot.tasks.queue import Job
from entrepot.tasks.rescue import rescue
from tests.surroundings import ROOT

PROGRAM = """
from tests.tasks import examples
from entrepot.tasks.worker import run
run()
"""


NO_GRACE = timedelta(0)


@contextmanager
def worker_process() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def told_through(pipe: Path, process: subprocess.Popen[bytes]) -> str:
    """What a process writes into a named pipe; fails when it ends without a word."""
    with os.fdopen(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)) as reading:
        while not (word := reading.read() or ""):
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
                raise AssertionError("the worker ended by itself")
        return word


def add_worker(
    *, seen_s_ago: float, running: list[int], pid: int = 7, pid_space: str = "elsewhere"
) -> uuid.UUID:
    """A worker's row; nobody holds its lock unless the test does."""
    worker_id = uuid.uuid4()
    with scope.system():
        sql.run(
            "INSERT INTO tasks_worker"
            " (id, lock_key, host, pid, pid_space, running, started_at, seen_at)"
            " VALUES (%s, %s, 'möwe-7', %s, %s, %s, now(),"
            " clock_timestamp() - make_interval(secs => %s))",
            [worker_id, worker_id.int & (2**63 - 1), pid, pid_space, running, seen_s_ago],
        )
    return worker_id


def pick(job_ids: list[int | None], worker_id: uuid.UUID, *, beat_s_ago: float = 0) -> None:
    with scope.system():
        sql.run(
            "UPDATE pgqueuer SET status = 'picked', queue_manager_id = %s,"
            " heartbeat = now() - make_interval(secs => %s) WHERE id = ANY(%s)",
            [worker_id, beat_s_ago, job_ids],
        )


def defer_notes(count: int) -> list[int | None]:
    with scope.system():
        return queue.defer([Job(task="examples.note", args={"word": f"{n}"}) for n in range(count)])


def states() -> list[tuple[str, int]]:
    with scope.system():
        return [
            (status, deaths)
            for status, deaths in sql.fetch(
                "SELECT status::text, coalesce((headers ->> 'deaths')::int, 0)"
                " FROM pgqueuer WHERE entrypoint LIKE 'examples.%%' ORDER BY id"
            )
        ]


@pytest.mark.parametrize(
    ("_case", "seen_s_ago", "holds_lock", "is_dead"),
    [
        ("beats and holds its lock", 0.5, True, False),
        ("beats, and PostgreSQL restarted just now", 1.5, False, False),
        ("the process is gone", 3.5, False, True),
        ("hangs for a while", 15, True, False),
        ("hangs, or is cut off", 21, True, True),
    ],
)
def test_who_is_dead(
    database: str,
    superuser_url: str,
    _case: str,
    seen_s_ago: float,
    holds_lock: bool,
    is_dead: bool,
) -> None:
    ids = defer_notes(2)
    worker_id = add_worker(seen_s_ago=seen_s_ago, running=[])
    pick(ids, worker_id)

    with ExitStack() as stack:
        if holds_lock:
            holder = stack.enter_context(psycopg.connect(superuser_url))
            holder.execute("SELECT pg_advisory_lock(%s)", [worker_id.int & (2**63 - 1)])
        taken_back = rescue(start_grace=NO_GRACE)

    assert taken_back == (2 if is_dead else 0)
    assert states() == [("queued", 0) if is_dead else ("picked", 0)] * 2
    with scope.system():
        assert sql.fetch_value("SELECT count(*) FROM tasks_worker") == (0 if is_dead else 1)


@pytest.fixture
def pid_of_the_dead() -> int:
    """The id of a process that was here a moment ago."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_whose_process_is_gone_from_this_machine_is_dead_at_once(
    database: str, pid_of_the_dead: int
) -> None:
    ids = defer_notes(3)
    pick(ids[:2], add_worker(seen_s_ago=0, running=[], pid=pid_of_the_dead, pid_space=pid_space()))
    pick(ids[2:], add_worker(seen_s_ago=1, running=[], pid=os.getpid(), pid_space=pid_space()))

    assert rescue(start_grace=timedelta(days=1)) == 2
    assert states() == [("queued", 0), ("queued", 0), ("picked", 0)]


def test_an_id_that_nobody_has_here_tells_nothing_about_another_machine(
    database: str, pid_of_the_dead: int
) -> None:
    ids = defer_notes(2)
    pick(ids[:1], add_worker(seen_s_ago=0, running=[], pid=pid_of_the_dead))
    pick(ids[1:], add_worker(seen_s_ago=0, running=[], pid=pid_of_the_dead, pid_space=""))

    assert rescue(start_grace=NO_GRACE) == 0
    assert states() == [("picked", 0)] * 2


def test_who_has_not_come_back_yet_since_the_server_began_is_not_dead(database: str) -> None:
    ids = defer_notes(2)
    pick(ids, add_worker(seen_s_ago=5, running=[]))

    assert rescue(start_grace=timedelta(days=1)) == 0
    assert rescue(start_grace=NO_GRACE) == 2


def test_the_leases_of_a_dead_worker_end_and_nobody_elses(merchant: Merchant) -> None:
    dead = add_worker(seen_s_ago=60, running=[])
    living = add_worker(seen_s_ago=0, running=[])
    held = {
        (holder, is_called): intended(merchant, holder, number, is_called=is_called)
        for number, (holder, is_called) in enumerate(product([dead, living], [False, True]))
    }

    rescue()

    with scope.merchant(merchant.id):
        taken = {key for key, lease in held.items() if attempts.take_over(lease.attempt_id)}
        assert taken == {(dead, False), (dead, True)}
        ends = [Attempt.objects.get(id=held[key].attempt_id).status for key in sorted(taken)]
        assert ends == [Status.NOT_SENT, Status.UNKNOWN]
        for key in taken:  # had it only been frozen, it could not go on
            with pytest.raises(LeaseLost):
                attempts.begin_call(held[key])


def intended(merchant: Merchant, holder: uuid.UUID, number: int, *, is_called: bool) -> Lease:
    """An attempt that a worker has written down, or is calling about."""
    with scope.merchant(merchant.id):
        lease = attempts.intend(
            merchant_id=merchant.id,
            mode="test",
            kind=Kind.SUBMIT,
            connection_id=None,
            order_id=None,
            subject=("fulfillment_order", number),
            reference=f"möwe/{number}/1",
            generation=1,
            idempotency_key=f"key-{number}",
        )
        assert lease is not None
        Attempt.objects.filter(id=lease.attempt_id).update(holder=holder)
        return attempts.begin_call(lease) if is_called else lease


def test_only_what_was_running_at_the_death_counts_it(database: str) -> None:
    ids = defer_notes(3)
    running = [job_id for job_id in ids[:1] if job_id]
    for expected in (1, 2):
        pick(ids, add_worker(seen_s_ago=60, running=running))

        rescue()

        assert states() == [("queued", expected), ("queued", 0), ("queued", 0)]


def test_a_job_whose_worker_left_no_trace_is_taken_back_after_half_a_minute(
    database: str,
) -> None:
    fresh, stale = defer_notes(2)
    pick([fresh], uuid.uuid4(), beat_s_ago=20)
    pick([stale], uuid.uuid4(), beat_s_ago=31)

    assert rescue() == 1

    assert states() == [("picked", 0), ("queued", 0)]


def test_a_killed_workers_job_resumes_in_another_and_a_worker_ends_when_asked(
    database: str, tmp_path: Path
) -> None:
    pipe = tmp_path / "began"
    os.mkfifo(pipe)
    with scope.system():
        queue.defer([Job(task="examples.hang_once", args={"folder": str(tmp_path)})])

    with worker_process() as first:
        assert told_through(pipe, first) == str(first.pid)
        first.send_signal(signal.SIGKILL)
        killed_at = time.monotonic()
        with worker_process() as second:
            assert told_through(pipe, second) == str(second.pid)
            resumed_after_s = time.monotonic() - killed_at
            second.send_signal(signal.SIGTERM)
            code = second.wait(40)

    assert resumed_after_s < 45
    assert code == 0
    assert (tmp_path / "runs").read_text() == "xx"
    assert states() == []
    with scope.system():
        assert sql.fetch_value("SELECT count(*) FROM tasks_worker") == 0
