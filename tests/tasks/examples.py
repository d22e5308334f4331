"""Tasks that only tests know; a worker process of a test imports this module as well."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg

from entrepot.access import scope
from entrepot.database import sql
from entrepot.events import outbox
from entrepot.tasks import retry
from entrepot.tasks.registry import (
    DRAINS,
    Lane,
    Outcomes,
    Priority,
    Work,
    batch_task,
    drain,
    task,
)

# What the tasks were called with in this process; a test empties it first.
NOTES: list[object] = []
# Lets tasks that wait go on.
GO = threading.Event()
_in_turn = threading.Lock()


@task("examples.note", priority=Priority.HIGH)
def note(*, word: str) -> None:
    NOTES.append(word)


@task("examples.subscribed")
def subscribed(
    *, merchant_id: int, order_id: int | None, subject_id: int | None, event_id: int
) -> None:
    NOTES.append((merchant_id, order_id, subject_id, event_id, outbox.current_cause()))


@task("examples.rename")
def rename(*, merchant_id: int, name: str) -> None:
    with scope.merchant(merchant_id):
        sql.run("UPDATE access_merchant SET name = %s", [name])


@task("examples.fail")
def fail(*, kind: str) -> None:
    NOTES.append(kind)
    raise {"bug": KeyError, "down": TimeoutError}[kind](f"about {kind}")


@task("examples.fail_once", retries=1)
def fail_once() -> None:
    NOTES.append("failed")
    raise TimeoutError("again")


@task("examples.snooze")
def snooze() -> None:
    NOTES.append("snoozed")
    raise retry.Snooze(timedelta(hours=1), "not yet")


@task("examples.snooze_then_fail")
def snooze_then_fail(*, snoozes: int) -> None:
    NOTES.append("ran")
    if len(NOTES) <= snoozes:
        raise retry.Snooze(timedelta(minutes=1))
    raise KeyError("sku")


@batch_task("examples.in_turn", at_once=3, side_by_side=1)
def in_turn(merchant_id: int, batch: Sequence[Work]) -> Outcomes:
    """Note whether no other batch was under way."""
    is_alone = _in_turn.acquire(blocking=False)
    with scope.merchant(merchant_id):
        sql.fetch("SELECT count(*) FROM generate_series(1, 300000)")
    NOTES.append(is_alone)
    if is_alone:
        _in_turn.release()
    return [None] * len(batch)


@task("examples.bulk", lane=Lane.BULK)
def bulk(*, number: int) -> None:
    """Wait until a task of the live lane has run; for ever, if lanes shared their threads."""
    assert GO.wait(30)
    NOTES.append(number)


@task("examples.wait")
def wait(*, number: int) -> None:
    """Wait until "go" has run in the same lane."""
    assert GO.wait(30)
    NOTES.append(number)


@task("examples.go")
def go() -> None:
    NOTES.append("go")
    GO.set()


@task("examples.tidy", lane=Lane.UPKEEP)
def tidy() -> None:
    NOTES.append("tidy")


@task("examples.cut_off")
def cut_off(*, url: str) -> None:
    """End the lanes' connections, the first time."""
    NOTES.append("cut")
    if NOTES.count("cut") == 1:
        with psycopg.connect(url) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name LIKE 'entrepot lane %'"
            )


@task("examples.hang_once")
def hang_once(*, folder: str) -> None:
    """Tell that it began; the first run then hangs for as long as its process lives."""
    runs = Path(folder) / "runs"
    with runs.open("a") as file:
        file.write("x")
    with (Path(folder) / "began").open("w") as pipe:  # a named pipe: the test reads the other end
        pipe.write(str(os.getpid()))
    if runs.read_text() == "x":
        threading.Event().wait(100)


@batch_task("examples.together", at_once=5)
def together(merchant_id: int, batch: Sequence[Work]) -> Outcomes:
    """Note the batch; a word "snooze" or "down" is what happens to that job, "broken" to all."""
    words = [work.args["word"] for work in batch]
    NOTES.append((merchant_id, words, [work.cause for work in batch]))
    if "broken" in words:
        raise KeyError("broken")
    ends = {"snooze": retry.Snooze(timedelta(hours=1)), "down": TimeoutError("down")}
    return [ends.get(word) for word in words]


@contextmanager
def draining(function: Callable[[], int]) -> Iterator[None]:
    """Have a drain for the length of a block."""
    drain("examples", idle=0.05)(function)
    try:
        yield
    finally:
        del DRAINS["examples"]
