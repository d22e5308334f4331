"""Opens and lifts holds, set-based: a hold says why an order will not proceed, and how to go on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from entrepot.database import sql
from entrepot.events import outbox
from entrepot.events.outbox import NewEvent
from entrepot.orders import counters, locks

_COLUMNS = {
    "merchant_id": "bigint",
    "order_id": "bigint",
    "kind": "text",
    "about": "text",
    "reason": "text",
    "data": "jsonb",
    "opened_by": "text",
}
_OPEN = """
    INSERT INTO orders_hold (
        merchant_id, order_id, kind, about, reason, data, opened_by, lifted_by, lift_reason
    )
    SELECT merchant_id, order_id, kind, about, reason, data, opened_by, '', ''
    FROM {batch}
    ORDER BY order_id, kind, about
    ON CONFLICT (order_id, kind, about) WHERE lifted_at IS NULL DO NOTHING
    RETURNING id, merchant_id, order_id, kind, about, reason
"""
_LIFT = """
    UPDATE orders_hold AS hold SET
        lifted_at = now(),
        lifted_by = %(by)s,
        lift_reason = %(reason)s
    FROM orders_order AS o
    WHERE o.id = hold.order_id
        AND hold.lifted_at IS NULL
        AND {condition}
    RETURNING hold.id, hold.merchant_id, hold.order_id, hold.kind, hold.about, o.mode
"""
_LET_GO = """
    SELECT DISTINCT order_id, kind, about
    FROM orders_hold
    WHERE order_id = ANY (%s) AND lifted_at IS NOT NULL AND lifted_by <> 'system'
"""
_MODES = "SELECT id, mode FROM orders_order WHERE id = ANY (%s)"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHold:
    """A hold to open. `about` makes holds of one kind apart; `data` serves its inline fix.

    `cause` is what it follows from; empty: that of the surrounding `outbox.because`.
    """

    merchant_id: int
    order_id: int
    kind: str
    reason: str
    about: str = ""
    data: dict[str, object] = field(default_factory=dict)
    opened_by: str = "system"
    cause: str = ""


def open_holds(holds: Iterable[NewHold]) -> list[int]:
    """Open holds inside the open scope; one that is open already stays as it is.

    Returns the orders that gained a hold.
    """
    wanted = {(hold.order_id, hold.kind, hold.about): hold for hold in holds}
    if not wanted:
        return []
    batch = sql.recordset(
        [
            {name: getattr(hold, name) for name in _COLUMNS}
            for _, hold in sorted(wanted.items(), key=lambda item: item[0])
        ],
        _COLUMNS,
    )
    opened = sql.fetch(_OPEN.format(batch=batch.sql), [batch.parameter])
    order_ids = sorted({row[2] for row in opened})
    modes = dict(sql.fetch(_MODES, [order_ids]))
    counters.recount_holds(order_ids)
    outbox.record_many(
        NewEvent(
            name="order.held",
            merchant_id=merchant_id,
            mode=modes[order_id],
            order_id=order_id,
            subject=("hold", hold_id),
            data={"kind": kind, "about": about},
            reason=reason,
            cause=wanted[order_id, kind, about].cause,
        )
        for hold_id, merchant_id, order_id, kind, about, reason in opened
    )
    return order_ids


def was_let_go(hold: NewHold) -> bool:
    """Whether a person has lifted the very same hold before: they are not asked twice."""
    return (hold.order_id, hold.kind, hold.about) in let_go([hold.order_id])


def let_go(order_ids: Sequence[int]) -> set[tuple[int, str, str]]:
    """Holds (order, kind, about) that a person has lifted."""
    return set(sql.fetch(_LET_GO, [list(order_ids)])) if order_ids else set()


_NOT_REFUNDED = """NOT (
    hold.kind = 'totals' AND o.amount_captured > 0 AND o.amount_refunded >= o.amount_captured
)"""


def lift_holds(
    *,
    by: str,
    reason: str,
    hold_ids: Sequence[int] | None = None,
    order_ids: Sequence[int] | None = None,
    kind: str = "",
    about: str | None = None,
    mode: str = "",
) -> list[int]:
    """Lift open holds: by id, or all of a kind (and about) of some orders or of the merchant.

    A mode narrows it further. Where neither is named, an order of which all money went back keeps
    its hold: it would be made for nothing, and is to be decided by itself.

    Runs inside the open scope. Returns the orders that lost a hold; they go on by themselves when
    none is left, because `order.hold_lifted` wakes routing.
    """
    named = {
        "hold.id = ANY (%(hold_ids)s)": hold_ids is not None,
        "hold.order_id = ANY (%(order_ids)s)": order_ids is not None,
        "hold.kind = %(kind)s": bool(kind),
        "hold.about = %(about)s": about is not None,
    }
    if not any(named.values()):
        raise ValueError("lift_holds needs to be told which holds: by id, order, kind or about")
    narrowing = {
        "o.mode = %(mode)s": bool(mode),
        _NOT_REFUNDED: hold_ids is None and order_ids is None,
    }
    conditions = [text for text, is_asked in {**named, **narrowing}.items() if is_asked]
    if order_ids is not None:
        locks.lock(order_ids)
    lifted = sql.fetch(
        _LIFT.format(condition=" AND ".join(conditions)),
        {
            "by": by,
            "reason": reason,
            "hold_ids": list(hold_ids or ()),
            "order_ids": list(order_ids or ()),
            "kind": kind,
            "about": about,
            "mode": mode,
        },
    )
    affected = sorted({row[2] for row in lifted})
    counters.recount_holds(affected)
    outbox.record_many(
        NewEvent(
            name="order.hold_lifted",
            merchant_id=merchant_id,
            mode=mode,
            order_id=order_id,
            subject=("hold", hold_id),
            data={"kind": hold_kind, "about": hold_about},
            reason=reason,
        )
        for hold_id, merchant_id, order_id, hold_kind, hold_about, mode in lifted
    )
    return affected
