"""Buries work that gave up, and replays or discards it when a person says so."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from entrepot.access import scope
from entrepot.database import sql
from entrepot.deadletters.models import DeadLetter
from entrepot.deadletters.states import Status
from entrepot.events import outbox

# The merchant id of the installation's own work; only the system sees its letters.
INSTALLATION = 0
DETAIL_LIMIT = 20_000
ERROR_LIMIT = 500

# What differs between two letters of one cause: quoted names, references, numbers, addresses.
_EMAIL = re.compile(r"[^\s\"'<>(),;:]+@[^\s\"'<>(),;:]+")
_VARIES = re.compile(r"'[^']*'|\"[^\"]*\"|“[^”]*”|\b[0-9a-fA-F]{8,}\b|\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDeadLetter:
    """One run of a task that gave up.

    `arguments` are the job's own: ids and plain values, never personal data. `error` is the error's
    class and message, `detail` the traceback. `is_quarantined`: it killed its worker. `merchant_id`
    0 is the installation itself (upkeep, say), whose letters only the system sees.
    """

    merchant_id: int
    task: str
    arguments: Mapping[str, Any]
    error: str
    tries: int
    detail: str = ""
    order_id: int | None = None
    mode: str = "live"
    is_quarantined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A job to defer again, with the arguments it had, so that its effect keeps its key."""

    dead_letter_id: int
    merchant_id: int
    task: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


Replayer = Callable[[list[Replay]], None]
_replayers: list[Replayer] = []


class NoReplayer(Exception):
    """Dead letters were to be replayed in a process that cannot defer jobs."""

    def __init__(self) -> None:
        super().__init__("cannot replay dead letters: the task engine is not installed")


class ReasonMissing(Exception):
    """A person decided about dead letters without saying why."""

    def __init__(self, step: str) -> None:
        super().__init__(f"cannot {step} dead letters: a reason is needed")
        self.step = step


_DECIDE = """
    WITH mine AS (
        SELECT id
        FROM deadletters_dead_letter
        WHERE merchant_id = %s AND id = ANY(%s) AND status = 'waiting'
        ORDER BY id
        FOR UPDATE
    )
    UPDATE deadletters_dead_letter AS letter
    SET status = %s, ended_at = statement_timestamp(), ended_by = %s, reason = %s
    FROM mine
    WHERE letter.id = mine.id
    RETURNING letter.id, letter.merchant_id, letter.task, letter.arguments, letter.order_id
"""


def install_replayer(replayer: Replayer) -> None:
    """Have replayed letters deferred by a function, inside the transaction of the decision.

    The tasks' AppConfig calls it; the last one installed is used.
    """
    _replayers[:] = [replayer]


def bury(letter: NewDeadLetter) -> DeadLetter:
    """Keep work that gave up, and record it. Not idempotent: the worker calls it once per job."""
    error = _EMAIL.sub("(e-mail)", letter.error)[:ERROR_LIMIT]
    with _scope_of(letter.merchant_id):
        buried = DeadLetter.objects.create(
            merchant_id=letter.merchant_id,
            task=letter.task,
            arguments=dict(letter.arguments),
            order_id=letter.order_id,
            error=error,
            detail=_EMAIL.sub("(e-mail)", letter.detail)[-DETAIL_LIMIT:],
            fingerprint=fingerprint_of(letter.task, error),
            tries=letter.tries,
            is_quarantined=letter.is_quarantined,
        )
        outbox.record(
            "deadletter.buried",
            merchant_id=letter.merchant_id,
            mode=letter.mode,
            order_id=letter.order_id,
            subject=("dead_letter", buried.id),
            data={"task": letter.task, "error": error},
            reason="it killed its worker" if letter.is_quarantined else "it gave up",
        )
    return buried


def replay(dead_letter_ids: Iterable[int], *, merchant_id: int, by: str, reason: str) -> int:
    """Run given-up work again, deliberately; `by` is a reference such as `user:3`.

    Letters that were decided already, or are another merchant's, are passed over. The jobs are
    deferred in the same transaction, with their own arguments. Returns how many.

    Raises:
        ReasonMissing: the reason is empty.
        NoReplayer: this process cannot defer jobs.
    """
    if not _replayers:
        raise NoReplayer
    with _scope_of(merchant_id), outbox.because(actor=by):
        letters = _decide(dead_letter_ids, Status.REPLAYED, merchant_id, by=by, reason=reason)
        if letters:
            _replayers[0](
                [
                    Replay(
                        dead_letter_id=letter["id"],
                        merchant_id=letter["merchant_id"],
                        task=letter["task"],
                        arguments=letter["arguments"],
                    )
                    for letter in letters
                ]
            )
    return len(letters)


def discard(dead_letter_ids: Iterable[int], *, merchant_id: int, by: str, reason: str) -> int:
    """Record that given-up work needs nothing; `by` is a reference such as `user:3`.

    Letters that were decided already, or are another merchant's, are passed over. Returns how many.

    Raises:
        ReasonMissing: the reason is empty.
    """
    with _scope_of(merchant_id), outbox.because(actor=by):
        letters = _decide(dead_letter_ids, Status.DISCARDED, merchant_id, by=by, reason=reason)
    return len(letters)


def fingerprint_of(task: str, error: str) -> str:
    """The same for letters of one cause: numbers, references, quoted names make no difference."""
    shape = _VARIES.sub("*", error.splitlines()[0] if error else "")
    return hashlib.sha256(f"{task}\n{shape}".encode()).hexdigest()[:16]


def _decide(
    dead_letter_ids: Iterable[int], status: Status, merchant_id: int, *, by: str, reason: str
) -> list[dict[str, Any]]:
    if not reason.strip():
        raise ReasonMissing("replay" if status == Status.REPLAYED else "discard")
    parameters = [merchant_id, list(dead_letter_ids), status.value, by, reason]
    letters = sql.fetch_dicts(_DECIDE, parameters)
    for letter in letters:  # Django leaves jsonb undecoded in raw SQL
        letter["arguments"] = msgspec.json.decode(letter["arguments"])
    outbox.record_many(
        outbox.NewEvent(
            name=f"deadletter.{status.value}",
            merchant_id=merchant_id,
            mode=str(letter["arguments"].get("mode", "live")),
            order_id=letter["order_id"],
            subject=("dead_letter", letter["id"]),
            data={"task": letter["task"]},
            reason=reason,
        )
        for letter in letters
    )
    return letters


def _scope_of(merchant_id: int) -> AbstractContextManager[None]:
    return scope.system() if merchant_id == INSTALLATION else scope.merchant(merchant_id)
