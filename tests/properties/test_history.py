"""Facts commute: in whatever order they come, and however often, an order ends in one state.

An order's state has to depend on what was told of it, and on nothing else. That is asked after
every telling: each of the 127 sets that seven facts make meets each fact that may come next, in an
order of its own from the first fact to the last, with repeats on the way. `PERMUTATIONS=5040` tells
a history in all its orders, for seven times as long; no step is among them that is not met anyway.
"""

import os
import random
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from itertools import pairwise, permutations
from typing import Any

import pytest

from entrepot.access import scope
from entrepot.canon.messages import CanonicalItem
from entrepot.canon.money import Money
from entrepot.orders.models import Order
from entrepot.payments.models import PaymentEntry
from tests.properties import axes
from tests.properties.axes import Counters
from tests.rules.trade import Trade, buyer, connect, fact, later, line, snapshot

PLACED = datetime(2026, 3, 1, 12, tzinfo=UTC)
# Every seventh, by which each set of facts meets each fact that may come next.
HISTORIES = int(os.environ.get("PERMUTATIONS", "720"))
NUMBERS = range(50_001, 50_001 + HISTORIES)
AXES = ("status", "payment_status", "fulfillment_status")
COUNTERS = sorted(Counters.__dataclass_fields__.keys() - {"is_source_cancelled"})


class Fact(Enum):
    """What is told in a history of seven facts, the first two by the shop."""

    SOLD = "sold"
    CHANGED = "changed"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    DISPUTE_LOST = "dispute_lost"


BY_SHOP = frozenset({Fact.SOLD, Fact.CHANGED})
ORDERS = list(permutations(Fact))
Told = frozenset[Fact]


def expected(told: Told) -> Counters | None:
    """The oracle: what an order counts when just these facts are known; None for no order yet.

    Sold are 3 + 4 units for 37.035 + 5.000 + 2.005. The change takes one of the second line out,
    and says that others send two of the first. The refund and the dispute are about 3.125 each;
    a refund that failed gave nothing back, and nothing is given back of what was never taken.
    """
    if not told & BY_SHOP:
        return None
    is_changed, is_captured = Fact.CHANGED in told, Fact.CAPTURED in told
    total, part, none = Decimal("44.040"), Decimal("3.125"), Decimal(0)
    is_refunded = Fact.REFUNDED in told and Fact.REFUND_FAILED not in told and is_captured
    return Counters(
        units_ordered=6 if is_changed else 7,
        units_elsewhere=2 if is_changed else 0,
        amount_due=total - Decimal("1.250") if is_changed else total,
        amount_authorized=total if Fact.AUTHORIZED in told and not is_captured else none,
        amount_captured=total if is_captured else none,
        amount_refunded=(part if is_refunded else none)
        + (part if Fact.DISPUTE_LOST in told else none),
    )


@dataclass
class History:
    """The facts about one order, in the batches that they are told in, and what was told so far."""

    facts: dict[Fact, CanonicalItem]
    batches: list[list[Fact]]
    told: Told = frozenset()

    def tell(self, step: int) -> list[Fact]:
        """The batch of a step; it counts as told."""
        batch = self.batches[step] if step < len(self.batches) else []
        self.told |= frozenset(batch)
        return batch


@pytest.mark.timeout(240)
def test_an_order_is_what_was_told_of_it_in_every_order_with_repeats(trade: Trade) -> None:
    gateway = connect(trade.merchant, "stripe")
    histories = {str(number): history(number) for number in NUMBERS}

    for step in range(max(len(each.batches) for each in histories.values())):
        by_shop: list[CanonicalItem] = []
        by_gateway: list[CanonicalItem] = []
        for each in histories.values():
            for about in each.tell(step):
                (by_shop if about in BY_SHOP else by_gateway).append(each.facts[about])
        tellers = [(by_shop, trade.shop), (by_gateway, gateway)]
        for items, teller in reversed(tellers) if step % 2 else tellers:
            trade.tell(*items, connection=teller)

        found = _orders(trade)
        for number, each in histories.items():
            wanted = expected(each.told)
            so_far = [[about.value for about in batch] for batch in each.batches[: step + 1]]
            assert found.get(number) == (wanted and (wanted, _axes(wanted))), f"{number}: {so_far}"

    assert {each.told for each in histories.values()} == {frozenset(Fact)}
    assert _kept(trade) == {
        f"pi_{number}": ["authorized", "captured", "dispute_lost", "refund_failed", "refunded"]
        for number in histories
    }


def test_each_set_of_facts_meets_each_fact_that_may_come_next() -> None:
    met: set[tuple[Told, Fact]] = set()

    for number in NUMBERS:
        told: Told = frozenset()
        for batch in history(number).batches:
            if len(batch) == 1:
                met.add((told, batch[0]))
            told |= frozenset(batch)

    assert len({told for told, about in met if about not in told}) == 2**7 - 1
    assert sum(about not in told for told, about in met) == 7 * 2**6
    assert sum(about in told for told, about in met) > 200


def history(number: int) -> History:
    """The history of an order, of which each number tells another permutation.

    Up to four facts come again later, one in a batch or, in every eighth history, several.
    """
    at = number - NUMBERS.start
    chance = random.Random(number)
    sequence = list(ORDERS[at * len(ORDERS) // HISTORIES])
    for _ in range(chance.randint(0, 4)):
        again = chance.choice(sequence)
        sequence.insert(chance.randint(sequence.index(again) + 1, len(sequence)), again)
    edges = list(range(1, len(sequence)))
    if at % 8 == 7:
        edges = sorted(chance.sample(edges, chance.randint(0, 4)))
    return History(
        facts_of(number),
        [sequence[a:b] for a, b in pairwise([0, *edges, len(sequence)])],
    )


def facts_of(number: int) -> dict[Fact, CanonicalItem]:
    """Two lines in Kuwaiti dinars, whose amounts have three decimals, and what became of them."""
    payment = f"pi_{number}"
    sold = replace(
        snapshot(
            str(number),
            line("MOEWE-A3", 3, "12.345", currency="KWD"),
            line("POST-12", 4, "1.250", currency="KWD"),
            currency="KWD",
            shipping="2.005",
            customer=buyer(number),
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
    return {
        Fact.SOLD: sold,
        Fact.CHANGED: changed,
        Fact.AUTHORIZED: fact("authorized", total, **known),
        Fact.CAPTURED: fact("captured", total, **known),
        Fact.REFUNDED: fact("refunded", part, **back),
        Fact.REFUND_FAILED: fact("refund_failed", part, **back),
        Fact.DISPUTE_LOST: fact("dispute_lost", part, **lost),
    }


def _axes(counters: Counters) -> tuple[str, ...]:
    return (
        axes.order_status(counters),
        axes.payment_status(counters),
        axes.fulfillment_status(counters),
    )


def _orders(trade: Trade) -> dict[str, tuple[Counters, tuple[str, ...]]]:
    """The counters and axes of every order, by its number."""
    names = ("external_id", "source_cancelled_at", *AXES, *COUNTERS)
    with scope.merchant(trade.merchant.id):
        rows = list(Order.objects.values_list(*names))
    return {
        number: (
            Counters(
                is_source_cancelled=cancelled_at is not None,
                **dict(zip(COUNTERS, counters, strict=True)),
            ),
            (status, payment, fulfillment),
        )
        for number, cancelled_at, status, payment, fulfillment, *counters in rows
    }


def _kept(trade: Trade) -> dict[str, list[str]]:
    """The kinds of the payment entries that orders have, by payment."""
    kept: dict[str, list[str]] = defaultdict(list)
    with scope.merchant(trade.merchant.id):
        found = PaymentEntry.objects.filter(order_id__isnull=False).order_by("kind")
        for payment, kind in found.values_list("payment_external_id", "kind"):
            kept[payment].append(kind)
    return dict(kept)
