"""Notices units that others fulfilled: someone in the shop's back office, another plug-in."""

from collections.abc import Sequence

from entrepot.attempts.models import Attempt
from entrepot.attempts.states import Kind as Effect
from entrepot.canon.orders import SourceState
from entrepot.database import sql
from entrepot.events import outbox
from entrepot.orders import counters
from entrepot.orders.snapshots import IncomingOrder

_FULFILLED = """
    UPDATE orders_line AS line
    SET units_elsewhere = greatest(0, quantity - units_cancelled - units_nothing - units_shipped)
    WHERE order_id = ANY (%s)
        AND is_shippable IS NOT FALSE
        AND quantity - units_cancelled - units_nothing - units_shipped > units_elsewhere
    RETURNING order_id, id, units_elsewhere
"""


def note_completed(applied: Sequence[tuple[IncomingOrder, int]]) -> None:
    """Record as fulfilled elsewhere what a shop completed without us; inside the open scope.

    Our own completion comes back as news too: it carries our mark, or there is a write-back of ours
    that completed the order, and then nothing changes.
    """
    completed = {
        order_id: incoming
        for incoming, order_id in applied
        if incoming.snapshot.state is SourceState.COMPLETED
        and not incoming.policy.is_history(incoming.snapshot.placed_at)
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
