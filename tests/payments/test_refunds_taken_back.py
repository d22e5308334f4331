"""A refund that a shop deleted is given back no longer; one that only we know of stays."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from entrepot.access import scope
from entrepot.attempts import services as attempts
from entrepot.canon.money import total_of
from entrepot.canon.orders import OrderSnapshot
from entrepot.canon.payments import PaymentFact
from entrepot.payments import refunds
from entrepot.payments.models import PaymentEntry
from entrepot.tasks import deciding
from tests.rules.conftest import trade
from tests.rules.trade import Trade, amounts, euros, fact, later, snapshot

__all__ = ["trade"]

PAYMENT = "pay-10482"
SCRATCHED = fact("refunded", euros("21.80"), payment=PAYMENT, external_id="refund:51")
TORN = fact("refunded", euros("7.50"), payment=PAYMENT, external_id="refund:52")


def naming(told: OrderSnapshot, *given_back: PaymentFact) -> OrderSnapshot:
    """The order's next version, with all that its shop has given back."""
    sum_of = total_of((one.amount for one in given_back), currency="EUR")
    captured = tuple(one for one in told.payment_facts if one.kind == "captured")
    return later(
        told,
        payment_facts=(*captured, *given_back),
        totals=replace(told.totals, refunded=sum_of),
    )


def refunded(trade: Trade) -> Decimal:
    return amounts(trade.order()).get("refunded", Decimal(0))


def kinds(trade: Trade) -> list[tuple[str, str]]:
    with scope.merchant(trade.merchant.id):
        found = PaymentEntry.objects.exclude(kind="captured").order_by("id")
        return list(found.values_list("kind", "external_id"))


@pytest.mark.parametrize("source", ["webhook", "poll"])
def test_a_refund_that_its_shop_deleted_counts_no_longer(trade: Trade, source: str) -> None:
    both = naming(snapshot(), SCRATCHED, TORN)
    trade.tell(snapshot(), both)
    assert refunded(trade) == Decimal("29.3")

    told = naming(both, TORN)
    trade.tell(told, source=source, at=timezone.now() + timedelta(minutes=11))
    trade.tell(told, source=source, at=timezone.now() + timedelta(minutes=12))

    assert refunded(trade) == Decimal("7.5")
    assert kinds(trade)[2:] == [("refund_failed", "refund:51")]
    assert trade.events("payment.refund_failed") == ["payment.refund_failed"]


def test_the_order_is_paid_in_full_again_when_its_only_refund_was_deleted(trade: Trade) -> None:
    given = naming(snapshot(), SCRATCHED)
    trade.tell(given)
    assert trade.order().payment_status == "partially_refunded"

    trade.tell(naming(given), at=timezone.now() + timedelta(minutes=11))

    assert trade.order().payment_status == "paid"


def test_a_reading_that_was_under_way_while_the_refund_was_made_takes_nothing_back(
    trade: Trade,
) -> None:
    given = naming(snapshot(), SCRATCHED)
    trade.tell(given)

    trade.tell(naming(given), source="poll", at=timezone.now() + timedelta(seconds=30))

    assert (refunded(trade), len(kinds(trade))) == (Decimal("21.8"), 1)


def test_an_older_telling_takes_nothing_back(trade: Trade) -> None:
    given = naming(snapshot(), SCRATCHED)
    trade.tell(given)

    trade.tell(snapshot(), at=timezone.now() + timedelta(minutes=11))

    assert refunded(trade) == Decimal("21.8")


def test_a_source_that_does_not_name_its_refunds_takes_none_back(trade: Trade) -> None:
    given = naming(snapshot(), SCRATCHED, TORN)
    trade.tell(given)
    silent = later(given, payment_facts=given.payment_facts[:1])
    assert silent.totals.refunded == euros("29.30")

    trade.tell(silent, at=timezone.now() + timedelta(minutes=11))

    assert refunded(trade) == Decimal("29.3")


def test_a_refund_that_only_the_hub_knows_of_is_not_missed_in_the_shops_list(trade: Trade) -> None:
    trade.tell(snapshot())
    refund = refunds.want_refund(
        trade.merchant.id, trade.order().id, amount=euros("21.80"), by="user:3", reason="zerkratzt"
    )
    call = refunds.intend_refund(trade.merchant.id, refund.id)
    assert call is not None
    with scope.merchant(trade.merchant.id):
        lease = attempts.begin_call(call.lease)
    refunds.record_unknown(trade.merchant.id, refund.id, lease=lease, message="keine Antwort")
    with scope.merchant(trade.merchant.id):
        deciding.decide(
            trade.merchant.id, lease.attempt_id, happened=True, by="user:3", reason="by transfer"
        )

    trade.tell(later(snapshot()), at=timezone.now() + timedelta(minutes=11))

    assert refunded(trade) == Decimal("21.8")
