"""Asking about attempts whose worker is gone."""

from datetime import timedelta

from entrepot.access import scope
from entrepot.attempts import services as attempts
from entrepot.attempts.leases import Lease
from entrepot.attempts.models import Attempt
from entrepot.connections.budgets import SharedBudget
from entrepot.database import sql
from entrepot.obligations.models import Obligation
from entrepot.payments import refunds
from entrepot.tasks import asking
from tests.rules.conftest import trade
from tests.rules.trade import Trade, euros, snapshot

__all__ = ["trade"]


def test_an_answer_is_owed_although_the_worker_died_before_it_could_promise_one(
    trade: Trade,
) -> None:
    lease = a_forgotten_refund(trade)
    merchant_id = trade.merchant.id

    asking.ask(merchant_id=merchant_id, attempt_id=lease.attempt_id)  # nobody answers there

    with scope.merchant(merchant_id):
        after = Attempt.objects.get(id=lease.attempt_id)
        owed = list(
            Obligation.objects.filter(end="", kind="resolve").values_list(
                "subject_kind", "subject_id"
            )
        )
    assert (after.status, after.asked) == ("unknown", 1)
    assert owed == [("attempt", lease.attempt_id)]


def test_a_pause_that_a_platform_asks_for_is_not_counted_as_asking(trade: Trade) -> None:
    lease = a_forgotten_refund(trade)
    merchant_id = trade.merchant.id
    budget = SharedBudget(
        connection_id=trade.shop.id, merchant_id=merchant_id, per_minute=60, burst=10
    )
    budget.learn({"retry-after": "200"}, 429)

    asking.ask(merchant_id=merchant_id, attempt_id=lease.attempt_id)

    with scope.merchant(merchant_id):
        after = Attempt.objects.get(id=lease.attempt_id)
    assert (after.status, after.asked) == ("unknown", 0)
    assert after.message.startswith("BudgetSpent")
    assert after.next_ask_at is not None
    assert after.unknown_since is not None
    wait = after.next_ask_at - after.unknown_since
    assert timedelta(seconds=190) < wait <= timedelta(seconds=200)


def a_forgotten_refund(trade: Trade) -> Lease:
    """A refund that was being called about when its worker died."""
    trade.tell(snapshot())
    merchant_id = trade.merchant.id
    refund = refunds.want_refund(
        merchant_id, trade.order().id, amount=euros("21.80"), by="user:3", reason="zerkratzt"
    )
    call = refunds.intend_refund(merchant_id, refund.id)
    assert call is not None
    with scope.merchant(merchant_id):
        lease = attempts.begin_call(call.lease)
        sql.run("UPDATE attempts_attempt SET leased_until = now() - interval '1 second'")
    return lease
