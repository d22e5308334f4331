"""Runs one job in a thread and says what becomes of it."""

import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from django.db import connections

from entrepot.connect.crashpoint import crashpoint
from entrepot.events.outbox import because
from entrepot.tasks import retry
from entrepot.tasks.queue import OF_THE_HUB, Payload, decode
from entrepot.tasks.registry import Outcomes, Work, task_named

log = logging.getLogger(__name__)
# Kept beside a job in the queue: how often it was snoozed, and how many workers died under it.
SNOOZES, DEATHS = "snoozes", "deaths"
# A job that was running when its worker died this often is not run again.
DEADLY = 3
LOGGED = ("merchant_id", "order_id", "event_id")

Result = TypeVar("Result")
# When to run a job again, or what nobody could bury; None when it needs nothing more.
Ending = retry.Again | Exception | None


class NobodyToBury(Exception):
    """A job gave up and no dead letter sink is installed; the engine then holds it as failed."""


@dataclass(frozen=True, slots=True)
class PickedJob:
    """A job as it came out of the queue. `attempts` counts its earlier ends, snoozes included."""

    id: int
    task: str
    payload: bytes
    attempts: int
    headers: Mapping[str, Any]

    @property
    def tries(self) -> int:
        """How often it ran, this time included.

        A worker that died after it counted a snooze leaves one more of them than runs.
        """
        return max(self.attempts - int(self.headers.get(SNOOZES, 0)), 0) + 1

    @property
    def merchant_id(self) -> int:
        """Whose turn it takes; `queue.OF_THE_HUB` where it is the hub's."""
        return int(self.headers.get("merchant_id", OF_THE_HUB))

    @property
    def deaths(self) -> int:
        return int(self.headers.get(DEATHS, 0))

    @property
    def is_suspect(self) -> bool:
        """Whether one more death would be too many."""
        return self.deaths >= DEADLY - 1


def run(job: PickedJob) -> retry.Again | None:
    """Run a job to its end: None when it needs nothing more, else when to run it again.

    A job that gives up is buried before this returns. Gives the thread's database connections back.

    Raises:
        NobodyToBury: it gave up and nobody keeps dead letters.
    """
    crashpoint("job.before_run")
    try:
        payload = decode(job.payload)
        context = {name: payload.args[name] for name in LOGGED if payload.args.get(name)}
        with (
            structlog.contextvars.bound_contextvars(task=job.task, job_id=job.id, **context),
            because(cause=payload.cause),
        ):
            return _run(job, payload)
    finally:
        connections.close_all()
        crashpoint("job.after_run")


def run_together(jobs: Sequence[PickedJob]) -> list[Ending]:
    """Run jobs of one batch task and one merchant; what `run` would return or raise for each.

    None of them may be suspect: those run alone. So does each of them when the batch fails as a
    whole, so that one bad job costs its neighbours nothing but time.
    """
    if len(jobs) > 1:
        crashpoint("job.before_run")
        payloads = [decode(job.payload) for job in jobs]
        outcomes, error = _tried(lambda: _together(jobs[0].task, payloads))
        connections.close_all()
        crashpoint("job.after_run")
        if outcomes is not None:
            return [
                _settled(job, payload, outcome)
                for job, payload, outcome in zip(jobs, payloads, outcomes, strict=True)
            ]
        log.warning("%s jobs failed together and run alone: %s", len(jobs), error)
    return [_alone(job) for job in jobs]


def _together(task_name: str, payloads: Sequence[Payload]) -> Outcomes:
    task = task_named(task_name)
    assert task.together is not None
    with structlog.contextvars.bound_contextvars(task=task_name, jobs=len(payloads)):
        return task.together(
            payloads[0].args["merchant_id"], [Work(each.args, each.cause) for each in payloads]
        )


def _settled(job: PickedJob, payload: Payload, outcome: Exception | None) -> Ending:
    if outcome is None:
        return None
    again, unburied = _tried(lambda: _after(job, payload, outcome))
    return unburied or again


def _alone(job: PickedJob) -> Ending:
    again, unburied = _tried(lambda: run(job))
    return unburied or again


def _run(job: PickedJob, payload: Payload) -> retry.Again | None:
    if job.deaths >= DEADLY:
        killed = f"{job.deaths} worker processes died while it ran"
        log.warning("quarantined: %s", killed)
        _give_up(job, payload, kind="KilledItsWorker", error=killed)
        return None
    task = task_named(job.task)
    _, error = _tried(lambda: task.function(**payload.args))
    return _after(job, payload, error) if error is not None else None


def _tried(work: Callable[[], Result]) -> tuple[Result | None, Exception | None]:
    """What something returned, or what it raised: the one place where anything is caught."""
    try:
        return work(), None
    except Exception as error:  # noqa: BLE001 -- the caller decides by retry.py
        return None, error


def _after(job: PickedJob, payload: Payload, error: Exception) -> retry.Again | None:
    """What follows what a job ended with: another run, or its burial."""
    again = retry.after(error, tries=job.tries, retries=task_named(job.task).retries)
    if again is None:
        log.error("gave up after %s tries", job.tries, exc_info=error)
        _give_up(job, payload, kind=type(error).__name__, error=str(error), detail=error)
    elif not again.is_snooze:
        log.warning("runs again in %s: %s", again.delay, again.reason)
    return again


def _give_up(
    job: PickedJob,
    payload: Payload,
    *,
    kind: str,
    error: str,
    detail: BaseException | None = None,
) -> None:
    """Hand a job to the dead letters.

    Raises:
        NobodyToBury: nobody keeps them.
    """
    dead = retry.DeadJob(
        job_id=job.id,
        task=job.task,
        args=payload.args,
        cause=payload.cause,
        tries=job.tries,
        kind=kind,
        error=error,
        deaths=job.deaths,
        traceback="".join(traceback.format_exception(detail)) if detail else "",
    )
    if not retry.bury(dead):
        raise NobodyToBury(f"job {job.id} ({job.task}) gave up: {kind}: {error}")
