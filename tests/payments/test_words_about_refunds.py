"""A person's word about a refund of which nobody else can tell what became."""

import pytest

from entrepot.access import scope
from entrepot.attempts import services as attempts
from entrepot.attempts.models import Attempt
from entrepot.database import sql
from entrepot.obligations.models import Obligation
from entrepot.payments import refunds
from entrepot.payments.models import PaymentEntry, Refund
from entrepot.tasks import deciding
from tests.rules.conftest import trade
from tests.rules.trade import Trade, amounts, euros, snapshot

__all__ = ["trade"]

REFUND = euros("21.80")


@pytest.fixture
def unknown(trade: Trade) -> Attempt:
    """A refund whose call left, and whose answer never came."""
    trade.tell(snapshot())
    refund = refunds.want_refund(
        trade.merchant.id, trade.order().id, amount=REFUND, by="user:3", reason="zerkratzt"
    )
    call = refunds.intend_refund(trade.merchant.id, refund.id)
    assert call is not None
    with scope.merchant(trade.merchant.id):
        lease = attempts.begin_call(call.lease)
    refunds.record_unknown(trade.merchant.id, refund.id, lease=lease, message="keine Antwort")
    with scope.merchant(trade.merchant.id):
        found: Attempt = Attempt.objects.get(id=lease.attempt_id)
    return found


def decide(attempt: Attempt, *, happened: bool, external_id: str = "") -> None:
    with scope.merchant(attempt.merchant_id):
        deciding.decide(
            attempt.merchant_id,
            attempt.id,
            happened=happened,
            by="user:3",
            reason="in the gateway's list",
            external_id=external_id,
        )


def refund_and_promise(attempt: Attempt) -> tuple[str, str]:
    with scope.merchant(attempt.merchant_id):
        promise = Obligation.objects.get(kind="refund", subject_id=attempt.subject_id)
        return Refund.objects.get(id=attempt.subject_id).status, promise.end


@pytest.mark.parametrize("external_id", ["re_7", ""])
def test_money_that_went_out_is_counted_and_the_promise_is_met(
    trade: Trade, unknown: Attempt, external_id: str
) -> None:
    decide(unknown, happened=True, external_id=external_id)

    assert refund_and_promise(unknown) == ("done", "met")
    assert amounts(trade.order())["refunded"] == REFUND.amount.normalize()
    with scope.merchant(trade.merchant.id):
        entry = PaymentEntry.objects.get(kind="refunded")
    assert entry.external_id == (external_id or unknown.reference)
    assert refunds.intend_refund(trade.merchant.id, unknown.subject_id) is None


def test_a_refund_that_never_happened_is_issued(trade: Trade, unknown: Attempt) -> None:
    decide(unknown, happened=False)

    assert refund_and_promise(unknown) == ("wanted", "")
    assert "refunded" not in amounts(trade.order())
    with scope.system():
        waiting = sql.fetch_value(
            "SELECT count(*) FROM pgqueuer WHERE entrypoint = 'payments.refund'"
        )
    assert waiting == 2  # when it was wanted, and now
