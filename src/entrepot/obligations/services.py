"""Opens and ends promises, over whole batches, in the transaction of the fact that causes it.

The functions ending in `_many` join the scope that is open (a merchant's or the system's) and take
rows in key order, so that two batches wait for each other instead of deadlocking.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from entrepot.access import scope
from entrepot.database import sql
from entrepot.events import outbox
from entrepot.obligations.deadlines import DEFAULTS
from entrepot.obligations.models import DeadlineRule, Obligation
from entrepot.obligations.states import End, Kind

# (merchant_id, kind, subject_kind, subject_id): at most one open obligation each.
Key = tuple[int, str, str, int]

_KEY_COLUMNS = {
    "merchant_id": "bigint",
    "kind": "text",
    "subject_kind": "text",
    "subject_id": "bigint",
}
_NEW_COLUMNS = {
    **_KEY_COLUMNS,
    "mode": "text",
    "order_id": "bigint",
    "due_at": "timestamptz",
    "counts_from": "timestamptz",
    "default_seconds": "double precision",
    "cause": "text",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewObligation:
    """A promise to open.

    It is due at `due_at`, else after the merchant's or the default time for its kind, counted from
    `counts_from` (None: now, on the database's clock). `cause` is a reference such as `event:9`;
    empty: that of the surrounding `outbox.because`.
    """

    merchant_id: int
    mode: str
    kind: Kind
    subject_kind: str
    subject_id: int
    order_id: int | None = None
    due_at: datetime | None = None
    counts_from: datetime | None = None
    cause: str = ""


class DeadlineMissing(Exception):
    """A promise was opened whose deadline only its opener can know."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"cannot open an obligation to {kind}: there is no default deadline, so give due_at"
        )
        self.kind = kind


class UnknownObligation(Exception):
    """There is no open obligation of that id."""

    def __init__(self, obligation_id: int) -> None:
        super().__init__(f"cannot waive obligation {obligation_id}: it is not open")
        self.obligation_id = obligation_id


class ReasonMissing(Exception):
    """A person let go of a promise without saying why."""

    def __init__(self, obligation_id: int) -> None:
        super().__init__(f"cannot waive obligation {obligation_id}: a reason is needed")
        self.obligation_id = obligation_id


_OPEN = """
    INSERT INTO obligations_obligation (
        merchant_id, mode, kind, order_id, subject_kind, subject_id, opened_at, due_at, cause,
        "end", ended_by, reason
    )
    SELECT
        batch.merchant_id, batch.mode, batch.kind, batch.order_id, batch.subject_kind,
        batch.subject_id, statement_timestamp(),
        coalesce(
            batch.due_at,
            coalesce(batch.counts_from, statement_timestamp())
                + make_interval(secs => coalesce(rule.seconds, batch.default_seconds))
        ),
        batch.cause, '', '', ''
    FROM {batch}
    LEFT JOIN obligations_deadline_rule AS rule  -- by obligations_deadline_rule_key
        ON rule.merchant_id = batch.merchant_id AND rule.kind = batch.kind
    ORDER BY batch.merchant_id, batch.kind, batch.subject_kind, batch.subject_id, batch.n
    ON CONFLICT (merchant_id, kind, subject_kind, subject_id) WHERE "end" = '' DO NOTHING
    RETURNING merchant_id, mode, kind, order_id, subject_kind, subject_id, due_at
"""
# The open rows are found by obligations_open_key.
_END = """
    WITH mine AS (
        SELECT obligation.id
        FROM {batch}
        JOIN obligations_obligation AS obligation
            ON obligation.merchant_id = batch.merchant_id
            AND obligation.kind = batch.kind
            AND obligation.subject_kind = batch.subject_kind
            AND obligation.subject_id = batch.subject_id
            AND obligation."end" = ''
        ORDER BY obligation.id
        FOR UPDATE OF obligation
    )
    UPDATE obligations_obligation AS obligation
    SET "end" = %s, ended_at = statement_timestamp(), ended_by = %s, reason = %s
    FROM mine
    WHERE obligation.id = mine.id AND obligation."end" = ''
    RETURNING obligation.merchant_id, obligation.mode, obligation.kind, obligation.order_id,
        obligation.subject_kind, obligation.subject_id, obligation.due_at
"""
_TELL_OVERDUE = """
    WITH late AS (  -- a part of the index obligations_due
        SELECT id
        FROM obligations_obligation
        WHERE "end" = '' AND due_at < statement_timestamp() AND overdue_told_at IS NULL
        ORDER BY due_at, id
        LIMIT %s
        FOR UPDATE SKIP LOCKED
    )
    UPDATE obligations_obligation AS obligation
    SET overdue_told_at = statement_timestamp()
    FROM late
    WHERE obligation.id = late.id
    RETURNING obligation.merchant_id, obligation.mode, obligation.kind, obligation.order_id,
        obligation.subject_kind, obligation.subject_id, obligation.due_at
"""


@dataclass(slots=True)
class _Gathered:
    """Promises that a block opens and meets, by key, with the cause of each."""

    opened: dict[Key, dict[str, object]] = field(default_factory=dict)
    met: dict[Key, str] = field(default_factory=dict)


_gathered: ContextVar[_Gathered | None] = ContextVar("entrepot_gathered_promises", default=None)


@contextmanager
def gathered() -> Iterator[None]:
    """Open and meet the promises of a block with one statement each, at its end.

    For batches: each thing that is decided in the block sees the promises as before the block, and
    none of them opens what another meets.
    """
    mine = _Gathered()
    token = _gathered.set(mine)
    try:
        yield
    finally:
        _gathered.reset(token)
    _open(list(mine.opened.values()))
    _end(mine.met, End.MET, "obligation.met", reason="")


def open_many(obligations: Iterable[NewObligation]) -> int:
    """Open promises; one that is open already stays as it is, its deadline included.

    Returns how many were opened, none yet in a `gathered` block; each leaves an event.

    Raises:
        DeadlineMissing: a kind without a default came without `due_at`; then none is opened.
    """
    rows = [_row(obligation) for obligation in obligations]
    here = _gathered.get()
    if here is None:
        return _open(rows)
    for row in rows:
        here.opened.setdefault(_key(row), row)
    return 0


def meet_many(keys: Iterable[Key]) -> int:
    """End the open promises of these keys as met; keys without one are passed over.

    Returns how many were met, none yet in a `gathered` block; each leaves an event.
    """
    causes = dict.fromkeys(keys, outbox.current_cause()[1])
    here = _gathered.get()
    if here is None:
        return _end(causes, End.MET, "obligation.met", reason="")
    here.met |= causes
    return 0


def void_many(keys: Iterable[Key], *, reason: str) -> int:
    """End the open promises of these keys because what they were about went away.

    Returns how many were ended; each leaves an event.
    """
    causes = dict.fromkeys(keys, outbox.current_cause()[1])
    return _end(causes, End.VOID, "obligation.voided", reason=reason)


def waive(obligation_id: int, *, merchant_id: int, by: str, reason: str) -> Obligation:
    """Let go of a promise, as a person's decision; `by` is a reference such as `user:3`.

    Raises:
        ReasonMissing: the reason is empty.
        UnknownObligation: it is not this merchant's, or no longer open.
    """
    if not reason.strip():
        raise ReasonMissing(obligation_id)
    with scope.merchant(merchant_id), outbox.because(actor=by):
        obligation = (
            Obligation.objects.select_for_update()
            .filter(merchant_id=merchant_id, id=obligation_id, end="")
            .first()
        )
        if obligation is None:
            raise UnknownObligation(obligation_id)
        key = (
            merchant_id,
            obligation.kind,
            obligation.subject_kind,
            obligation.subject_id,
        )
        _end({key: ""}, End.WAIVED, "obligation.waived", reason=reason)
        obligation.refresh_from_db()
    return obligation


def tell_overdue(*, limit: int = 500) -> int:
    """Record the event of each promise whose deadline has passed, once; return how many.

    Runs in the system's scope, at most `limit` per call; call again while that many came back.
    """
    with scope.system(), outbox.because(actor="schedule:overdue"):
        late = sql.fetch_dicts(_TELL_OVERDUE, [limit])
        _record("obligation.overdue", late, {})
    return len(late)


def set_deadline(merchant_id: int, kind: Kind, *, allowed: timedelta | None) -> None:
    """Set how long the merchant allows for a kind of promise; None returns to the default.

    Promises that are open keep the deadline they were opened with.
    """
    with scope.merchant(merchant_id):
        if allowed is None:
            DeadlineRule.objects.filter(merchant_id=merchant_id, kind=kind).delete()
            return
        DeadlineRule.objects.update_or_create(
            merchant_id=merchant_id, kind=kind, defaults={"seconds": int(allowed.total_seconds())}
        )


def _row(obligation: NewObligation) -> dict[str, object]:
    default = DEFAULTS[obligation.kind]
    if default is None and obligation.due_at is None:
        raise DeadlineMissing(obligation.kind)
    return {
        "merchant_id": obligation.merchant_id,
        "mode": obligation.mode,
        "kind": obligation.kind,
        "order_id": obligation.order_id,
        "subject_kind": obligation.subject_kind,
        "subject_id": obligation.subject_id,
        "due_at": obligation.due_at,
        "counts_from": obligation.counts_from,
        "default_seconds": default.total_seconds() if default is not None else None,
        "cause": obligation.cause or outbox.current_cause()[1],
    }


def _open(rows: Sequence[dict[str, object]]) -> int:
    if not rows:
        return 0
    batch = sql.recordset(rows, _NEW_COLUMNS)
    opened = sql.fetch_dicts(_OPEN.format(batch=batch.sql), [batch.parameter])
    _record("obligation.opened", opened, {_key(row): str(row["cause"]) for row in rows})
    return len(opened)


def _key(row: Mapping[str, Any]) -> Key:
    return (row["merchant_id"], row["kind"], row["subject_kind"], row["subject_id"])


def _end(causes: Mapping[Key, str], end: End, event: str, *, reason: str) -> int:
    if not causes:
        return 0
    rows = [dict(zip(_KEY_COLUMNS, key, strict=True)) for key in causes]
    batch = sql.recordset(rows, _KEY_COLUMNS)
    by = outbox.current_cause()[0] or outbox.NOBODY
    ended = sql.fetch_dicts(_END.format(batch=batch.sql), [batch.parameter, end.value, by, reason])
    _record(event, ended, causes, reason=reason)
    return len(ended)


def _record(
    event: str,
    obligations: Sequence[Mapping[str, Any]],
    causes: Mapping[Key, str],
    *,
    reason: str = "",
) -> None:
    outbox.record_many(
        outbox.NewEvent(
            name=event,
            merchant_id=obligation["merchant_id"],
            mode=obligation["mode"],
            order_id=obligation["order_id"],
            subject=(obligation["subject_kind"], obligation["subject_id"]),
            data={"kind": obligation["kind"], "due_at": obligation["due_at"].isoformat()},
            reason=reason,
            cause=causes.get(_key(obligation), ""),
        )
        for obligation in obligations
    )
