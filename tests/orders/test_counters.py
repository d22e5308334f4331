"""Who asks what changed since is told of an order whose lines changed, and of no other."""

from datetime import datetime

from entrepot.access import scope
from entrepot.database.rows import Mode
from entrepot.orders import counters
from entrepot.orders.models import Line
from tests.api.calling import caller
from tests.rules.trade import Trade, line, snapshot


def test_units_that_move_between_lines_move_the_instant_of_the_order(trade: Trade) -> None:
    trade.tell(snapshot("60001", line("MOEWE-A3", 3, "12.00"), line("POST-12", 4, "3.00")))
    _set_shipped(trade, [2, 1])
    before = trade.order("60001")

    _set_shipped(trade, [1, 2])
    moved = trade.order("60001")
    _set_shipped(trade, [1, 2])
    same = trade.order("60001")

    assert (before.units_shipped, moved.units_shipped) == (3, 3)
    assert moved.updated_at > before.updated_at
    assert same.updated_at == moved.updated_at
    assert _changed_since(trade, moved.updated_at) == ["60001"]


def test_cancellations_that_move_between_lines_do_so_as_well(trade: Trade) -> None:
    trade.tell(snapshot("60002", line("MOEWE-A3", 3, "12.00"), line("POST-12", 4, "3.00")))
    _withdraw(trade, [2, 0])
    before = trade.order("60002")

    _withdraw(trade, [0, 2])
    moved = trade.order("60002")
    _withdraw(trade, [0, 2])

    assert (before.units_cancelled, moved.units_cancelled) == (2, 2)
    assert moved.updated_at > before.updated_at
    assert trade.order("60002").updated_at == moved.updated_at


def test_a_presumption_moves_the_instant_once(trade: Trade) -> None:
    trade.tell(snapshot("60003", line("MOEWE-A3", 3, "12.00")))
    before = trade.order("60003")

    _presume(trade, before.id)
    moved = trade.order("60003")
    _presume(trade, before.id)

    assert moved.units_presumed == 3
    assert moved.updated_at > before.updated_at
    assert trade.order("60003").updated_at == moved.updated_at
    assert _changed_since(trade, moved.updated_at) == ["60003"]


def _presume(trade: Trade, order_id: int) -> None:
    with scope.merchant(trade.merchant.id):
        counters.set_presumed({order_id: 3}, order_ids=[order_id])


def _set_shipped(trade: Trade, units: list[int]) -> None:
    with scope.merchant(trade.merchant.id):
        lines = list(Line.objects.order_by("position"))
        facts: list[dict[str, object]] = [
            {"line_id": row.id, "units_shipped": shipped, "units_delivered": 0, "units_returned": 0}
            for row, shipped in zip(lines, units, strict=True)
        ]
        counters.set_shipped(facts, order_ids=[lines[0].order_id])


def _withdraw(trade: Trade, units: list[int]) -> None:
    with scope.merchant(trade.merchant.id):
        lines = list(Line.objects.order_by("position"))
        for row, withdrawn in zip(lines, units, strict=True):
            Line.objects.filter(id=row.id).update(units_withdrawn=withdrawn)
        counters.recount_units([lines[0].order_id])


def _changed_since(trade: Trade, since: datetime) -> list[str]:
    machine = caller(trade.merchant, mode=Mode(trade.shop.mode))
    found = machine.get("/api/v1/orders", updated_since=since.isoformat()).body["data"]
    return [order["external_id"] for order in found]
