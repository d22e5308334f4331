"""Periodic tasks: which, how often, and what happens with runs that fell into a downtime."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from entrepot.access import scope
from entrepot.database import clock, sql
from entrepot.tasks import queue
from entrepot.tasks.registry import load, task_named

EVERY_SECONDS = 1.0
EPOCH = datetime(2001, 1, 1, tzinfo=UTC)  # a Monday, so that weeks begin there

AfterDowntime = Literal["once", "skip"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """A task that runs every so often, at multiples of `every` since `EPOCH`, shifted by `offset`.

    `after_downtime`: `once` makes up for any number of missed runs by one at once, `skip` waits for
    the next regular one.
    """

    task: str
    every: timedelta
    offset: timedelta
    after_downtime: AfterDowntime

    def next_after(self, moment: datetime) -> datetime:
        """The first regular run after a moment."""
        periods = (moment - EPOCH - self.offset) // self.every
        return EPOCH + self.offset + (periods + 1) * self.every


SCHEDULES: dict[str, Schedule] = {}


def schedule(
    task: str,
    *,
    every: timedelta,
    after_downtime: AfterDowntime,
    offset: timedelta = timedelta(0),
) -> None:
    """Have a task run periodically, without arguments. At most one run of it waits or runs."""
    if every < timedelta(seconds=1):
        raise ValueError(f"schedule of {task}: {every} is too often; write a drain instead")
    SCHEDULES[task] = Schedule(task, every, offset, after_downtime)


def period_of(task: str) -> timedelta | None:
    """How often a task runs by the clock, in any process; None for one that is not known here."""
    load()
    plan = SCHEDULES.get(task)
    return plan.every if plan else None


DUE = """
SELECT name, next_at
FROM tasks_schedule
WHERE next_at <= %s AND name = ANY(%s)
FOR UPDATE SKIP LOCKED
"""


def tick(now: datetime | None = None) -> list[str]:
    """Defer the tasks that are due; return their names.

    Several workers may do it at once: a schedule's row lets one of them through. A schedule that is
    seen for the first time runs at once if it would make up for a downtime, else when regular.
    """
    if not SCHEDULES:
        return []
    now = now or clock.now()
    with scope.system():
        due = sql.fetch(DUE, [now, list(SCHEDULES)])
        begun = [_advance(SCHEDULES[name], next_at, now) for name, next_at in due]
        queue.defer(
            [
                queue.Job(task=name, unique=f"schedule:{name}", cause=f"schedule:{name}")
                for name in begun
                if name
            ]
        )
    return [name for name in begun if name]


def adopt(now: datetime | None = None) -> None:
    """Make rows for schedules that have none; a worker does it when it starts."""
    now = now or clock.now()
    with scope.system():
        for name, plan in sorted(SCHEDULES.items()):
            task_named(name)
            first = now if plan.after_downtime == "once" else plan.next_after(now)
            sql.run(
                "INSERT INTO tasks_schedule (name, next_at, skipped) VALUES (%s, %s, 0)"
                " ON CONFLICT (name) DO NOTHING",
                [name, first],
            )


def _advance(plan: Schedule, next_at: datetime, now: datetime) -> str | None:
    """Set the next run; return the task's name unless this one is skipped."""
    is_skipped = plan.after_downtime == "skip" and now - next_at >= plan.every
    sql.run(
        "UPDATE tasks_schedule SET next_at = %s, last_at = %s, skipped = skipped + %s"
        " WHERE name = %s",
        [plan.next_after(now), now, int(is_skipped), plan.task],
    )
    return None if is_skipped else plan.task
