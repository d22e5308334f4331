"""Defers jobs in the transaction that causes them; a rollback takes them away with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db import connections, transaction
from pgqueuer.adapters.persistence.queries import SyncQueries
from psycopg import RawCursor
from psycopg.rows import dict_row

from entrepot.database import clock, sql
from entrepot.database.router import current_role
from entrepot.tasks.registry import TASKS, Lane, Priority, load, task_named
from entrepot.tasks.statements import QuietStatements

# In the place of the merchant, for the hub's own jobs.
OF_THE_HUB = 0


class OutsideTransaction(Exception):
    """A job was deferred where no transaction is open, so it could outlive its cause."""

    def __init__(self, task: str) -> None:
        super().__init__(f"cannot defer {task!r}: open a scope (access.scope) around its cause")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run of a task. `args` are plain JSON values: ids and words, never personal data.

    `cause` is what the run follows from (`event:9`); `priority` None is the task's own. `unique`
    keeps a second job of that name out while the first waits or runs: for the clock only, since it
    would lose a nudge that comes during a run.
    """

    task: str
    args: Mapping[str, object] = field(default_factory=dict)
    run_at: datetime | None = None
    priority: Priority | None = None
    cause: str = ""
    unique: str | None = None


class Payload(msgspec.Struct, omit_defaults=True):
    """What a job carries in the queue."""

    args: dict[str, Any]
    cause: str = ""


def decode(payload: bytes) -> Payload:
    """Read what a job carries."""
    return msgspec.json.decode(payload, type=Payload)


def defer(jobs: Sequence[Job]) -> list[int | None]:
    """Put jobs into the queue with one statement, in the open transaction.

    Returns their ids in the order given, None for one that `unique` kept out.

    Raises:
        UnknownTask: a task is not registered.
        OutsideTransaction: no transaction is open.
    """
    if not jobs:
        return []
    alias = current_role()
    if not transaction.get_connection(alias).in_atomic_block:
        raise OutsideTransaction(jobs[0].task)
    tasks = [task_named(job.task) for job in jobs]
    now = clock.now()
    return list(
        SyncQueries(_OpenTransaction(alias), qbq=QuietStatements()).enqueue(
            entrypoint=[job.task for job in jobs],
            payload=[
                msgspec.json.encode(Payload(args=dict(job.args), cause=job.cause)) for job in jobs
            ],
            priority=[
                int(task.priority if job.priority is None else job.priority)
                for job, task in zip(jobs, tasks, strict=True)
            ],
            execute_after=[_delay(job, now) for job in jobs],
            dedupe_key=[job.unique for job in jobs],
            headers=[
                {"lane": task.lane, "merchant_id": str(job.args.get("merchant_id", OF_THE_HUB))}
                for job, task in zip(jobs, tasks, strict=True)
            ],
            on_conflict="skip",
        )
    )


@dataclass(frozen=True, slots=True)
class LaneState:
    """What waits in a lane: how many jobs are due, and since when the oldest of them is."""

    due: int
    running: int
    later: int
    oldest_due_at: datetime | None


def lane_states() -> dict[Lane, LaneState]:
    """The state of every lane, for health; runs in any scope."""
    load()
    tasks = sql.recordset(
        [{"task": name, "lane": task.lane.value} for name, task in TASKS.items()],
        {"task": "text", "lane": "text"},
    )
    rows = sql.fetch(
        f"""
        SELECT
            batch.lane,
            count(*) FILTER (WHERE status = 'queued' AND execute_after <= now()),
            count(*) FILTER (WHERE status = 'picked'),
            count(*) FILTER (WHERE status = 'queued' AND execute_after > now()),
            min(execute_after) FILTER (WHERE status = 'queued' AND execute_after <= now())
        FROM pgqueuer
        JOIN {tasks.sql} ON batch.task = pgqueuer.entrypoint
        GROUP BY batch.lane
        """,  # noqa: S608 -- our own columns
        [tasks.parameter],
    )
    found = {Lane(lane): LaneState(*rest) for lane, *rest in rows}
    return {lane: found.get(lane, LaneState(0, 0, 0, None)) for lane in Lane}


def _delay(job: Job, now: datetime) -> timedelta | None:
    return max(job.run_at - now, timedelta(0)) if job.run_at else None


class _OpenTransaction:
    """PgQueuer's synchronous driver over the connection that Django has in a transaction."""

    def __init__(self, alias: str) -> None:
        self._alias = alias

    def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        connection = connections[self._alias].connection
        with RawCursor(connection, row_factory=dict_row) as cursor:
            cursor.execute(query, args)
            return cursor.fetchall()
