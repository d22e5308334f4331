"""Runs one job in a thread and says what becomes of it."""

import logging
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import connections

from entrepot.connect.crashpoint import crashpoint
from entrepot.events.outbox import because
from entrepot.tasks import retry
from entrepot.tasks.queue import Payload, decode
from entrepot.tasks.registry import task_named

log = logging.getLogger(__name__)
# Kept beside a job in the queue: how often it was snoozed, and how many workers died under it.
SNOOZES, DEATHS = "snoozes", "deaths"
# A job that was running when its worker died this often is not run again.
DEADLY = 3
LOGGED = ("merchant_id", "order_id", "event_id")


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
        """How often it ran, this time included."""
        return self.attempts - int(self.headers.get(SNOOZES, 0)) + 1

    @property
    def deaths(self) -> int:
        return int(self.headers.get(DEATHS, 0))


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


def _run(job: PickedJob, payload: Payload) -> retry.Again | None:
    if job.deaths >= DEADLY:
        killed = f"{job.deaths} worker processes died while it ran"
        log.warning("quarantined: %s", killed)
        _give_up(job, payload, kind="KilledItsWorker", error=killed)
        return None
    task = task_named(job.task)
    try:
        task.function(**payload.args)
    except Exception as error:
        again = retry.after(error, tries=job.tries, retries=task.retries)
        if again is None:
            log.exception("gave up after %s tries", job.tries)
            _give_up(job, payload, kind=type(error).__name__, error=str(error), detail=error)
        elif not again.is_snooze:
            log.warning("runs again in %s: %s", again.delay, again.reason)
        return again
    return None


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
