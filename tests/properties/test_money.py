"""Money is conserved: in each currency, with tax included and added, whatever happens to it."""

from decimal import Decimal
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.access import scope
from entrepot.canon.money import Money, total_of
from entrepot.canon.orders import TaxLine
from entrepot.canon.payments import PaymentFact
from entrepot.orders.models import TaxLine as TaxRow
from tests.rules.trade import Trade, connect, fact, line, snapshot

PLACES = {"JPY": 0, "USD": 2, "KWD": 3}
_numbers = count(70_001)


def in_units(units: int, currency: str) -> Money:
    """So many of the currency's smallest unit."""
    return Money(Decimal(units).scaleb(-PLACES[currency]), currency)


@st.composite
def happenings(draw: st.DrawFn, currency: str, total: Money) -> list[tuple[str, Money, int]]:
    """Kinds, amounts and numbers of facts about one payment, captured in one or two parts."""
    first = draw(st.integers(0, total.minor))
    captures = [in_units(first, currency), total - in_units(first, currency)]
    told = [("captured", amount, number) for number, amount in enumerate(captures)]
    left = total.minor
    for number in range(draw(st.integers(0, 4))):
        part = draw(st.integers(0, left))
        left -= part
        amount = in_units(part, currency)
        end = draw(st.sampled_from(["refunded", "refund fails", "disputed", "won", "lost"]))
        told += {
            "refunded": [("refunded", amount, number)],
            "refund fails": [("refunded", amount, number), ("refund_failed", amount, number)],
            "disputed": [("disputed", amount, number)],
            "won": [("disputed", amount, number), ("dispute_won", amount, number)],
            "lost": [("disputed", amount, number), ("dispute_lost", amount, number)],
        }[end]
    return draw(st.permutations(told))


def held(told: list[tuple[str, Money, int]]) -> dict[str, Decimal]:
    """What must be left, counted fact by fact."""
    by_kind: dict[str, dict[int, Decimal]] = {}
    for kind, amount, number in told:
        by_kind.setdefault(kind, {})[number] = amount.amount
    failed = by_kind.get("refund_failed", {})
    ended = by_kind.get("dispute_won", {}).keys() | by_kind.get("dispute_lost", {}).keys()
    refunded = {n: a for n, a in by_kind.get("refunded", {}).items() if n not in failed}
    disputed = {n: a for n, a in by_kind.get("disputed", {}).items() if n not in ended}
    return {
        "captured": sum(by_kind.get("captured", {}).values(), Decimal(0)),
        "refunded": sum(refunded.values(), Decimal(0))
        + sum(by_kind.get("dispute_lost", {}).values(), Decimal(0)),
        "disputed": sum(disputed.values(), Decimal(0)),
    }


@pytest.mark.parametrize("is_included", [True, False], ids=["tax included", "tax added"])
@pytest.mark.parametrize("currency", PLACES)
@settings(settings.get_profile("properties"), max_examples=4)
@given(data=st.data())
def test_what_was_captured_is_held_refunded_or_disputed(
    trade: Trade, currency: str, *, is_included: bool, data: st.DataObject
) -> None:
    number = str(next(_numbers))
    prices = data.draw(st.lists(st.integers(1, 10**6), min_size=1, max_size=3), label="prices")
    tax = in_units(data.draw(st.integers(0, 10**5), label="tax"), currency)
    lines = [
        line(
            f"SKU-{at}",
            at + 2,
            str(in_units(price, currency).amount),
            currency=currency,
        )
        for at, price in enumerate(prices)
    ]
    told = TaxLine(name="消費税", rate=Decimal("0.1"), amount=tax, is_included=is_included)
    sold = snapshot(
        number,
        *lines,
        currency=currency,
        shipping="5",
        tax_lines=(told,),
        payment_facts=(),
        transaction_ids=(f"pi_{number}",),
        prices_include_tax=is_included,
    )
    goods = total_of((each.total for each in lines), currency=currency) + Money.of("5", currency)
    expected = goods if is_included else goods + tax
    facts = data.draw(happenings(currency, expected), label="facts")
    gateway = connect(trade.merchant, "stripe")

    trade.tell(sold)
    for kind, amount, which in facts:
        trade.tell(_about(number, kind, amount, which), connection=gateway)

    order = trade.order(number)
    sums = held(facts)
    assert {name: getattr(order, f"amount_{name}") for name in sums} == sums
    assert order.amount_captured == order.total == order.computed_total == expected.amount
    assert order.amount_refunded + order.amount_disputed <= order.amount_captured
    with scope.merchant(trade.merchant.id):
        kept = TaxRow.objects.get(order=order)
    assert (kept.amount, kept.is_included) == (tax.amount, is_included)


def _about(number: str, kind: str, amount: Money, which: int) -> PaymentFact:
    name = {"captured": "ch", "refunded": "re", "refund_failed": "re"}.get(kind, "du")
    return fact(
        kind,
        amount,
        payment=f"pi_{number}",
        external_id=f"{name}_{number}_{which}",
        match_ids=(f"pi_{number}",),
    )
