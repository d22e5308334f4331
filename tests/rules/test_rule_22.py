"""Rule 22: tax is lines as the source told them; its totals count, and ours are kept beside."""

from dataclasses import replace
from decimal import Decimal

import pytest

from entrepot.access import scope
from entrepot.canon.money import Money
from entrepot.canon.orders import TaxLine
from entrepot.orders.models import TaxLine as KeptTax
from tests.rules.trade import Trade, euros, fact, line, snapshot


def tax(name: str, rate: str | None, amount: Money, **more: object) -> TaxLine:
    return TaxLine(
        **{
            "name": name,
            "rate": Decimal(rate) if rate else None,
            "amount": amount,
            "is_included": False,
            **more,
        }  # type: ignore[arg-type]
    )


def kept(trade: Trade, external_id: str = "10482") -> list[tuple[str, str, str, bool, str]]:
    with scope.merchant(trade.merchant.id):
        found = KeptTax.objects.filter(order__external_id=external_id).order_by("id")
        return [
            (
                row.name,
                f"{row.rate.normalize():f}" if row.rate is not None else "",
                f"{row.amount.normalize():f}",
                row.is_included,
                row.remitted_by,
            )
            for row in found
        ]


@pytest.mark.parametrize(
    ("currency", "amount", "included"),
    [("EUR", "13.78", True), ("JPY", "1378", False), ("KWD", "1.378", False), ("USD", "0", True)],
)
def test_tax_lines_are_kept_as_told_in_any_currency(
    trade: Trade, currency: str, amount: str, included: bool
) -> None:
    money = Money.of(amount, currency)
    told = (
        tax("MwSt", "0.19", money, is_included=included),
        tax("消費税", "0.1", money, is_included=included, remitted_by="channel"),
        tax("Eco fee", None, money, is_included=included, line_external_id="line-MOEWE-A3"),
    )

    trade.tell(snapshot("1", currency=currency, tax_lines=told))

    shown = f"{money.amount.normalize():f}"
    assert kept(trade, "1") == [
        ("MwSt", "0.19", shown, included, "merchant"),
        ("消費税", "0.1", shown, included, "channel"),
        ("Eco fee", "", shown, included, "merchant"),
    ]
    assert trade.order("1").total_tax == money.amount * 3


def test_an_edit_replaces_the_tax_and_a_repeat_adds_none(trade: Trade) -> None:
    told = snapshot(tax_lines=(tax("MwSt", "0.19", euros("13.78")),))
    trade.tell(told, told)
    trade.tell(snapshot(version=2, tax_lines=(tax("MwSt 7 %", "0.07", euros("5.65")),)))

    assert kept(trade) == [("MwSt 7 %", "0.07", "5.65", False, "merchant")]


def test_a_rate_that_does_not_make_the_amount_is_not_put_right(trade: Trade) -> None:
    trade.tell(snapshot(tax_lines=(tax("MwSt", "0.19", euros("99.99")),)))

    assert kept(trade) == [("MwSt", "0.19", "99.99", False, "merchant")]


def test_the_sources_total_is_due_and_ours_is_kept_beside(trade: Trade) -> None:
    told = snapshot("1", line("MOEWE-A3", 3, "9.99"), line("POST-12", 2, "7.50"))
    odd = replace(told.totals, total=told.totals.total + euros("0.02"))
    paid = fact("captured", odd.total, payment="pay-1")

    trade.tell(replace(told, totals=odd, payment_facts=(paid,)))

    order = trade.order("1")
    assert order.total == odd.total.amount
    assert order.computed_total == told.totals.total.amount
    assert (order.amount_due, order.payment_status) == (odd.total.amount, "paid")
