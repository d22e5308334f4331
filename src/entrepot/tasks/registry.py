"""Which tasks exist, in which lane they run, and which loops drain what waits in the database.

Every module of this package may register tasks; `load` imports them all. Task names are public
(`area.verb`): jobs that wait in the queue carry them.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import cache
from typing import Any, TypeVar

import entrepot.tasks
from entrepot.events.outbox import current_cause

Function = TypeVar("Function", bound=Callable[..., Any])
NOT_LOADED = {"apps", "migrations", "models", "worker"}
# Batches of one task and merchant at the same time: one that waits for a slow platform must not
# keep the others back.
SIDE_BY_SIDE = 3


class Lane(StrEnum):
    """Threads set aside for a kind of work, so that a backfill never starves live orders."""

    LIVE = "live"  # what a customer or an operator waits for
    BULK = "bulk"  # imports, exports, re-reads: much of it, none of it urgent
    UPKEEP = "upkeep"  # the hub's own housekeeping


class Priority(IntEnum):
    """What goes first within a lane."""

    LOW = 0
    MEDIUM = 10
    HIGH = 20
    URGENT = 30


@dataclass(frozen=True, slots=True)
class Work:
    """One job among several that run together: its arguments, and what it follows from."""

    args: Mapping[str, Any]
    cause: str


# For each job, in the order given: what it would have raised alone, else None.
Outcomes = Sequence[Exception | None]
Together = Callable[[int, Sequence[Work]], Outcomes]


@dataclass(frozen=True, slots=True)
class Task:
    """A function that jobs run. `retries` is None for the usual number (see `retry.py`).

    With `together`, up to `at_once` waiting jobs of one merchant run in one call of it, up to
    `side_by_side` calls at the same time, and `function` is a batch of one.
    """

    name: str
    function: Callable[..., object]
    lane: Lane
    priority: Priority
    retries: int | None
    together: Together | None = None
    at_once: int = 1
    side_by_side: int = SIDE_BY_SIDE


@dataclass(frozen=True, slots=True)
class Drain:
    """A function that does the next batch of something and returns how much it did.

    It is called again while it does anything, else after `idle` seconds, or as soon as somebody
    notifies the PostgreSQL channel `entrepot_<name>`. After a batch of few, `company` seconds lie
    between: what comes meanwhile is done together, and each batch has its own cost.
    """

    name: str
    function: Callable[[], int]
    idle: float
    threads: int
    company: float

    @property
    def channel(self) -> str:
        return f"entrepot_{self.name}"


class UnknownTask(Exception):
    """A job or subscription names a task that no module registers."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no task is named {name!r}: register it with @task in entrepot/tasks")
        self.name = name


TASKS: dict[str, Task] = {}
DRAINS: dict[str, Drain] = {}


def task(
    name: str,
    *,
    lane: str = Lane.LIVE,
    priority: Priority = Priority.MEDIUM,
    retries: int | None = None,
) -> Callable[[Function], Function]:
    """Register a function as a task.

    It is called with keyword arguments only, those that the job was deferred with, outside any
    scope; it may run twice, and may die half-way. Raise `retry.Snooze` to run later.
    """

    def register(function: Function) -> Function:
        if name in TASKS and TASKS[name].function is not function:
            raise ValueError(f"two tasks are named {name!r}")
        TASKS[name] = Task(name, function, Lane(lane), priority, retries)
        return function

    return register


def batch_task(
    name: str,
    *,
    at_once: int,
    priority: Priority = Priority.MEDIUM,
    side_by_side: int = SIDE_BY_SIDE,
) -> Callable[[Together], Together]:
    """Register a function that runs the waiting jobs of one merchant together, in the live lane.

    `side_by_side` is 1 where nothing outside is waited for: batches would only wait for each
    other's locks, and many small ones cost more than few large ones.

    It is called with the merchant and the jobs, outside any scope, and says of each how it ended.
    When it raises, each job runs again alone: it must not have done half of anything by then that
    a repetition would do twice.
    """

    def register(together: Together) -> Together:
        def alone(**args: Any) -> None:
            cause = current_cause()[1]
            for error in together(args["merchant_id"], [Work(args, cause)]):
                if error is not None:
                    raise error

        if name in TASKS and TASKS[name].together is not together:
            raise ValueError(f"two tasks are named {name!r}")
        TASKS[name] = Task(name, alone, Lane.LIVE, priority, None, together, at_once, side_by_side)
        return together

    return register


def drain(
    name: str, *, idle: float = 0.25, threads: int = 1, company: float = 0.0
) -> Callable[[Callable[[], int]], Callable[[], int]]:
    """Register a function that every worker process calls again and again, in threads of its own.

    Several of them run at once, so it claims its rows with SKIP LOCKED.
    """

    def register(function: Callable[[], int]) -> Callable[[], int]:
        if name in DRAINS and DRAINS[name].function is not function:
            raise ValueError(f"two drains are named {name!r}")
        DRAINS[name] = Drain(name, function, idle, threads, company)
        return function

    return register


def task_named(name: str) -> Task:
    """The task of that name. Raises UnknownTask."""
    load()
    try:
        return TASKS[name]
    except KeyError:
        raise UnknownTask(name) from None


@cache
def load() -> None:
    """Import every module of this package that may register something; once per process."""
    for module in pkgutil.iter_modules(entrepot.tasks.__path__):
        if module.name not in NOT_LOADED:
            importlib.import_module(f"entrepot.tasks.{module.name}")
