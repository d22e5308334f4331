"""Facts commute: in whatever order they come, and however often, an order ends in one state."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count, pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.access import scope
from entrepot.canon.messages import CanonicalItem
from entrepot.canon.money import Money
from entrepot.canon.orders import OrderSnapshot
from entrepot.connections.models import Connection
from entrepot.orders.models import Order
from entrepot.payments.models import PaymentEntry
from tests.properties import axes
from tests.properties.axes import Counters
from tests.rules.trade import Trade, connect, fact, later, line, snapshot

FACTS = 7
PLACED = datetime(2026, 3, 1, 12, tzinfo=UTC)
_numbers = count(50_001)


@dataclass(frozen=True)
class Told:
    """One fact of the history, and who tells it."""

    item: CanonicalItem
    is_from_gateway: bool


def history(number: int) -> list[Told]:
    """Sold, changed, authorized, captured, partly refunded, that refund failed, a dispute lost.

    Two lines in Kuwaiti dinars, whose amounts have three decimals; the shop takes one unit of the
    second line out, and somebody else sends two units of the first.
    """
    payment = f"pi_{number}"
    sold = replace(
        snapshot(
            str(number),
            line("MOEWE-A3", 3, "12.345", currency="KWD"),
            line("POST-12", 4, "1.250", currency="KWD"),
            currency="KWD",
            shipping="2.005",
        ),
        payment_facts=(),
        transaction_ids=(payment,),
        placed_at=PLACED,
    )
    first, second = sold.lines
    changed = later(
        sold,
        lines=(
            replace(first, fulfilled_elsewhere_quantity=2),
            replace(second, quantity=3, total=second.unit_price * 3),
        ),
        totals=replace(
            sold.totals,
            lines=sold.totals.lines - second.unit_price,
            total=sold.totals.total - second.unit_price,
        ),
    )
    total, part = sold.totals.total, Money.of("3.125", "KWD")
    known: dict[str, Any] = {"payment": payment, "match_ids": (payment,)}
    back, lost = {**known, "external_id": f"re_{number}"}, {**known, "external_id": f"du_{number}"}
    return [
        Told(sold, is_from_gateway=False),
        Told(changed, is_from_gateway=False),
        Told(fact("authorized", total, **known), is_from_gateway=True),
        Told(fact("captured", total, **known), is_from_gateway=True),
        Told(fact("refunded", part, **back), is_from_gateway=True),
        Told(fact("refund_failed", part, **back), is_from_gateway=True),
        Told(fact("dispute_lost", part, **lost), is_from_gateway=True),
    ]


# After the change: 3 + 3 units, two of them sent by others; 37.035 + 3.750 + 2.005 is due, and
# 44.040 was taken before the change. The refund came to nothing, the lost dispute took 3.125.
END = Counters(
    units_ordered=6,
    units_elsewhere=2,
    amount_due=Decimal("42.790"),
    amount_captured=Decimal("44.040"),
    amount_refunded=Decimal("3.125"),
)


@settings(settings.get_profile("properties"), max_examples=20)
@given(
    order=st.permutations(range(FACTS)),
    repeats=st.lists(st.tuples(st.integers(0, FACTS - 1), st.integers(0, FACTS + 4)), max_size=5),
    cuts=st.sets(st.integers(1, FACTS + 4), max_size=FACTS),
)
def test_a_history_ends_in_one_state_in_every_order_with_repeats(
    trade: Trade, order: list[int], repeats: list[tuple[int, int]], cuts: set[int]
) -> None:
    number = next(_numbers)
    facts = history(number)
    sequence = list(order)
    for again, at in repeats:
        sequence.insert(at, again)
    gateway = connect(trade.merchant, "stripe")

    for batch in _cut([facts[index] for index in sequence], cuts):
        _tell(trade, gateway, batch)

    assert _counters(trade.order(str(number))) == END
    assert _axes(trade.order(str(number))) == {
        "status": axes.order_status(END),
        "payment_status": axes.payment_status(END),
        "fulfillment_status": axes.fulfillment_status(END),
    }
    with scope.merchant(trade.merchant.id):
        kept = PaymentEntry.objects.filter(payment_external_id=f"pi_{number}")
        assert sorted(kept.values_list("kind", flat=True)) == [
            "authorized", "captured", "dispute_lost", "refund_failed", "refunded",
        ]  # fmt: skip


def _tell(trade: Trade, gateway: Connection, batch: list[Told]) -> None:
    """Tell a batch in one transaction per teller, as intake does."""
    shop = [told.item for told in batch if not told.is_from_gateway]
    money = [told.item for told in batch if told.is_from_gateway]
    if batch[0].is_from_gateway:
        trade.tell(*money, connection=gateway)
        trade.tell(*shop)
    else:
        trade.tell(*shop)
        trade.tell(*money, connection=gateway)


def _cut(sequence: list[Told], cuts: set[int]) -> list[list[Told]]:
    edges = [0, *sorted(cut for cut in cuts if cut < len(sequence)), len(sequence)]
    return [sequence[a:b] for a, b in pairwise(edges)]


def _counters(order: Order) -> Counters:
    names = set(Counters.__dataclass_fields__) - {"is_source_cancelled"}
    return Counters(
        is_source_cancelled=order.source_cancelled_at is not None,
        **{name: getattr(order, name) for name in names},
    )


def _axes(order: Order) -> dict[str, str]:
    names = ("status", "payment_status", "fulfillment_status")
    return {name: getattr(order, name) for name in names}


def test_the_history_is_told_by_two_and_has_seven_facts() -> None:
    told = history(1)

    assert len(told) == FACTS
    assert sum(isinstance(each.item, OrderSnapshot) for each in told) == 2
