"""Jobs about shares whose sale, or whose provider, is not there (any more)."""

from collections.abc import Callable
from datetime import timedelta

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.deadletters.models import DeadLetter
from entrepot.events import outbox
from entrepot.tasks.idle import bring_forward


def test_a_refund_of_a_payment_without_an_order_withdraws_nothing(
    merchant: Merchant, run_jobs: Callable[..., int]
) -> None:
    with scope.merchant(merchant.id):
        outbox.record(
            "payment.refunded",
            merchant_id=merchant.id,
            mode="live",
            subject=("payment_entry", 7),
            data={"kind": "refunded", "amount": "12.750", "currency": "KWD"},
        )

    ended = run_jobs()
    for _ in range(5):
        bring_forward(timedelta(hours=1))
        ended += run_jobs()

    with scope.system():
        letters = list(DeadLetter.objects.values_list("task", "error"))
    assert letters == []
    assert ended == 2  # to withdraw, and to mail; neither again
