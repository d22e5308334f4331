"""Notices units that others fulfilled: someone in the shop's back office, another plug-in."""

from collections.abc import Sequence

from entrepot.attempts.models import Attempt
from entrepot.attempts.states import Kind as Effect
from entrepot.canon.orders import SourceState
from entrepot.database import sql
from entrepot.events import outbox
from entrepot.orders import counters
from entrepot.orders.snapshots import AppliedOrder, IncomingOrder, Verdict

_FULFILLED = """
    UPDATE orders_line AS line
    SET units_elsewhere = greatest(0, quantity - units_cancelled - units_nothing - units_shipped)
    WHERE order_id = ANY (%s)
        AND is_shippable IS NOT FALSE
        AND quantity - units_cancelled - units_nothing - units_shipped > units_elsewhere
    RETURNING order_id, id, units_elsewhere
"""

_REOPENED = """
    UPDATE orders_line AS line SET units_elsewhere = batch.units
    FROM {batch}
    WHERE line.order_id = batch.order_id
        AND line.external_id = batch.external_id
        AND line.units_elsewhere > batch.units
    RETURNING line.order_id, line.id, line.units_elsewhere
"""
_UNITS_COLUMNS = {"order_id": "bigint", "external_id": "text", "units": "int"}
# What a completed order may go back to when somebody in the shop opens it again.
OPEN_AGAIN = frozenset({SourceState.PROCESSING, SourceState.ON_HOLD, SourceState.AWAITING})


def note_completed(applied: Sequence[tuple[IncomingOrder, AppliedOrder]]) -> None:
    """Record as fulfilled elsewhere what a shop completed without us; inside the open scope.

    History has left as well: a connection that goes live from an earlier instant may take it up.
    Our own completion comes back as news too: it carries our mark, or there is a write-back of ours
    that completed the order, and then nothing changes.
    """
    completed = {
        result.order_id: incoming
        for incoming, result in applied
        if result.order_id is not None
        and incoming.snapshot.state is SourceState.COMPLETED
        and not (result.verdict is Verdict.NEW and incoming.has_left)  # written so
    }
    if not completed:
        return
    ours = set(
        Attempt.objects.filter(
            order_id__in=completed, kind=Effect.WRITE_BACK, request__completes_order=True
        ).values_list("order_id", flat=True)
    )
    theirs = [order_id for order_id in completed if order_id not in ours]
    if not theirs:
        return
    lines: dict[int, dict[str, int]] = {}
    for order_id, line_id, units in sql.fetch(_FULFILLED, [theirs]):
        lines.setdefault(order_id, {})[str(line_id)] = units
    counters.recount_units(sorted(lines))
    for order_id, units in sorted(lines.items()):
        incoming = completed[order_id]
        outbox.record(
            "order.fulfilled_elsewhere",
            merchant_id=incoming.merchant_id,
            mode=incoming.mode,
            order_id=order_id,
            data={"units": units},
            reason="the shop says that everything has left",
        )


def note_reopened(applied: Sequence[tuple[IncomingOrder, AppliedOrder]]) -> None:
    """Take back what a shop's completion had said of units, when it opens the order again.

    Inside the open scope. What a marketplace says of single lines stays.
    """
    reopened = {
        result.order_id: incoming
        for incoming, result in applied
        if result.order_id is not None
        and result.previous_state == SourceState.COMPLETED
        and incoming.snapshot.state in OPEN_AGAIN
    }
    if not reopened:
        return
    batch = sql.recordset(
        [
            {
                "order_id": order_id,
                "external_id": line.external_id,
                "units": line.fulfilled_elsewhere_quantity,
            }
            for order_id, incoming in sorted(reopened.items())
            for line in incoming.snapshot.lines
        ],
        _UNITS_COLUMNS,
    )
    lines: dict[int, dict[str, int]] = {}
    for order_id, line_id, units in sql.fetch(_REOPENED.format(batch=batch.sql), [batch.parameter]):
        lines.setdefault(order_id, {})[str(line_id)] = units
    counters.recount_units(sorted(lines))
    for order_id, units in sorted(lines.items()):
        outbox.record(
            "order.reopened",
            merchant_id=reopened[order_id].merchant_id,
            mode=reopened[order_id].mode,
            order_id=order_id,
            data={"units": units},
            reason="the shop opened it again",
        )
