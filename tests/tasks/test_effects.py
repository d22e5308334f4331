"""What is recorded of calls, whoever's they turn out to be by the time they end."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from entrepot.access import scope
from entrepot.attempts import services as attempts
from entrepot.attempts.leases import Lease
from entrepot.attempts.models import Attempt
from entrepot.attempts.states import Kind
from entrepot.connect.errors import Rejected
from entrepot.connect.watching import Call
from entrepot.connections.call_log import KeptCalls
from entrepot.connections.models import CallRecord, Connection
from entrepot.tasks.effects import Intended, carry_out_together
from tests.rules.trade import Trade, connect


@dataclass
class Recorder:
    """Records acceptances and nothing else."""

    merchant_id: int
    answers: list[str] = field(default_factory=list)

    def accepted(self, lease: Lease, answer: str) -> None:
        with scope.merchant(self.merchant_id):
            attempts.accept(lease, outcome={"answer": answer})
        self.answers.append(answer)

    def refused(self, lease: Lease, *, code: str, message: str, fault: str) -> None:
        raise AssertionError(message)

    def not_sent(self, lease: Lease, *, message: str) -> None:
        raise AssertionError(message)

    def unknown(self, lease: Lease, *, message: str) -> None:
        raise AssertionError(message)


class Refusals(Recorder):
    """Records refusals."""

    def refused(self, lease: Lease, *, code: str, message: str, fault: str) -> None:
        with scope.merchant(self.merchant_id):
            attempts.reject(lease, outcome={"code": code, "fault": fault}, message=message)


def intend(trade: Trade, provider: Connection, number: int) -> Lease:
    with scope.merchant(trade.merchant.id):
        lease = attempts.intend(
            merchant_id=trade.merchant.id,
            mode="test",
            kind=Kind.SUBMIT,
            connection_id=provider.id,
            order_id=None,
            subject=("fulfillment_order", number),
            reference=f"test!möwe.example/{number}/1/1",
            generation=1,
            idempotency_key=f"key-{number}",
        )
    assert lease is not None
    return lease


def call(trade: Trade, provider: Connection, lease: Lease, *, is_lost: bool) -> str:
    """A call that leaves; when it comes back, the attempt may have passed into other hands."""
    KeptCalls(connection_id=provider.id, merchant_id=trade.merchant.id).add(
        Call(
            method="POST",
            url=f"https://api.example/orders/{lease.attempt_id}",
            status_code=200,
            outcome="ok",
            duration=timedelta(seconds=21),
            at=timezone.now(),
            request_id="",
            sent="",
            answered="",
        )
    )
    if is_lost:
        with scope.merchant(trade.merchant.id):
            Attempt.objects.filter(id=lease.attempt_id).update(token=F("token") + 1)
    return f"made {lease.attempt_id}"


def test_a_call_is_kept_although_its_attempt_passed_into_other_hands(trade: Trade) -> None:
    provider = connect(trade.merchant, "prodigi")
    ours, lost = intend(trade, provider, 1), intend(trade, provider, 2)
    recorder = Recorder(trade.merchant.id)

    errors = carry_out_together(
        trade.merchant.id,
        [
            Intended(
                subject_id=number,
                connection_id=provider.id,
                lease=lease,
                call=lambda lease: call(
                    trade, provider, lease, is_lost=lease.attempt_id == lost.attempt_id
                ),
                recorder=recorder,
            )
            for number, lease in enumerate((ours, lost), start=1)
        ],
        lock_together=lambda _: None,
    )

    assert errors == [None, None]
    with scope.merchant(trade.merchant.id):
        kept = sorted(CallRecord.objects.values_list("url", flat=True))
        statuses = list(Attempt.objects.order_by("id").values_list("status", flat=True))
    assert kept == sorted(
        f"https://api.example/orders/{lease.attempt_id}" for lease in (ours, lost)
    )
    assert statuses == ["accepted", "calling"]


@pytest.mark.parametrize("words", ["kaputt \x00\x1f\x8b", "kaputt \ud83d"])
def test_words_that_no_database_can_keep_do_not_hide_how_a_call_ended(
    trade: Trade, words: str
) -> None:
    provider = connect(trade.merchant, "prodigi")
    lease = intend(trade, provider, 3)

    def refuse(_: Lease) -> str:
        raise Rejected(f"POST /orders answered 400: {words}", code=words)

    errors = carry_out_together(
        trade.merchant.id,
        [
            Intended(
                subject_id=3,
                connection_id=provider.id,
                lease=lease,
                call=refuse,
                recorder=Refusals(trade.merchant.id),
            )
        ],
        lock_together=lambda _: None,
    )

    assert errors == [None]
    with scope.merchant(trade.merchant.id):
        after = Attempt.objects.get(id=lease.attempt_id)
    assert (after.status, after.message[:33]) == ("rejected", "POST /orders answered 400: kaputt")
    assert after.outcome["code"].startswith("kaputt")
