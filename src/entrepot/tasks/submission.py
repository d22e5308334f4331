"""Jobs that plan orders, hand shares to their providers, and withdraw what is not wanted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from entrepot.access import scope
from entrepot.attempts.leases import Lease
from entrepot.canon.fulfillment import CancelReceipt, ProviderOrder
from entrepot.connect.ports import Fulfills
from entrepot.connections import doors
from entrepot.connections.queries import calls_per_minute, connection_of
from entrepot.events import outbox
from entrepot.fulfillment import (
    cancellation,
    counting,
    pacing,
    planning,
    submission,
)
from entrepot.fulfillment.costs import Quoting
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.submission import Decision, Submission, Wait
from entrepot.tasks import artwork, changes, pricing, rereading
from entrepot.tasks.calls import CALLS_AT_ONCE
from entrepot.tasks.effects import Intended, carry_out, carry_out_together
from entrepot.tasks.registry import Outcomes, Priority, Work, batch_task, task
from entrepot.tasks.retry import Snooze


@batch_task("routing.plan", priority=Priority.HIGH, at_once=100)
def plan(merchant_id: int, batch: Sequence[Work]) -> Outcomes:
    """Give the units of orders that have no share one, once their print files are here."""
    causes = {work.args["order_id"]: work.cause for work in batch}
    artwork.copy_for_orders(merchant_id, list(causes))
    planning.plan_orders(merchant_id, causes)
    return [None] * len(batch)


@batch_task("fulfillment.submit", priority=Priority.HIGH, at_once=CALLS_AT_ONCE)
def submit(merchant_id: int, batch: Sequence[Work]) -> Outcomes:
    """Hand shares to their providers, each once, after what they cost was asked."""
    works = {work.args["subject_id"]: work for work in batch}
    outcomes: dict[int, Exception] = {}
    decided = _decide(merchant_id, works)
    while unpriced := {id_: one for id_, one in decided.items() if isinstance(one, Quoting)}:
        # An answer may serve several: those of the same goods, and the other shares of an order.
        unanswered = pricing.ask_together(merchant_id, list(unpriced.values()))
        for share_id, quoting in unpriced.items():
            if quoting.content in unanswered:
                outcomes[share_id], decided[share_id] = unanswered[quoting.content], None
        answered = unpriced.keys() - outcomes.keys()
        decided |= _decide(merchant_id, {share_id: works[share_id] for share_id in answered})
    waits = {id_: one for id_, one in decided.items() if isinstance(one, Wait)}
    outcomes |= {id_: Snooze(one.until, one.reason) for id_, one in waits.items()}
    stale = [id_ for id_, one in waits.items() if one.reread]
    outcomes |= rereading.read_orders_again(merchant_id, stale)
    effects = {
        share_id: _submission(merchant_id, decision, works[share_id])
        for share_id, decision in decided.items()
        if isinstance(decision, Submission)
    }
    ended = carry_out_together(
        merchant_id, list(effects.values()), lock_together=submission.lock_together
    )
    outcomes |= {id_: error for id_, error in zip(effects, ended, strict=True) if error}
    return [outcomes.get(work.args["subject_id"]) for work in batch]


def submit_now(merchant_id: int, share_id: int) -> None:
    """Hand one share over in this thread; what keeps it is raised as in a job of its own.

    Raises:
        Snooze: not yet.
        Unavailable: nothing left; its own job tries again.
    """
    (error,) = submit(merchant_id, [Work({"subject_id": share_id}, outbox.current_cause()[1])])
    if error is not None:
        raise error


def _decide(merchant_id: int, works: Mapping[int, Work]) -> dict[int, Decision]:
    """Decide about shares in one transaction."""
    if not works:
        return {}
    with scope.merchant(merchant_id):
        turns = pacing.later_turns(list(works), _limits(works))
        causes = {share_id: work.cause for share_id, work in works.items() if share_id not in turns}
        waits = {
            share_id: Wait(until=turn, reason="others are due before it")
            for share_id, turn in turns.items()
        }
        return {**waits, **submission.intend_submissions(merchant_id, causes)}


def _limits(share_ids: Iterable[int]) -> dict[int, float]:
    """Calls per second by connection, for the providers of shares that limit them."""
    shares = FulfillmentOrder.objects.filter(id__in=list(share_ids))
    ids = set(shares.values_list("connection_id", flat=True))
    limits = {one: calls_per_minute(connection_of(one)) for one in ids}
    return {connection_id: limit / 60 for connection_id, limit in limits.items() if limit}


def _submission(merchant_id: int, decided: Submission, work: Work) -> Intended[ProviderOrder]:
    return Intended(
        subject_id=work.args["subject_id"],
        connection_id=decided.connection_id,
        lease=decided.lease,
        call=lambda lease: provider(decided.connection_id, lease=lease).submit(decided.request),
        recorder=SubmissionRecorder(merchant_id, work.args["subject_id"]),
        cause=work.cause,
    )


@batch_task("fulfillment.withdraw", priority=Priority.URGENT, at_once=50)
def withdraw(merchant_id: int, batch: Sequence[Work]) -> Outcomes:
    """Bring the shares of orders in line with what is wanted and where, and plan what lost one.

    A refund of a payment that is no order's yet concerns no share; matching it tells it again.
    """
    causes = {work.args["order_id"]: work.cause for work in batch if work.args["order_id"]}
    # A shop tells of an order once more when all is done, most often since we told the shop.
    undone = counting.undone_of(merchant_id, causes)
    causes = {order_id: cause for order_id, cause in causes.items() if order_id in undone}
    if causes:
        cancellation.withdraw(merchant_id, causes)
        artwork.copy_for_orders(merchant_id, list(causes))
        planning.plan_orders(merchant_id, causes)
        changes.readdress_orders(merchant_id, list(causes))
    return [None] * len(batch)


@task("fulfillment.cancel", priority=Priority.URGENT)
def cancel(*, merchant_id: int, subject_id: int, **_: object) -> None:
    """Ask a provider to cancel one share, once."""
    decided = cancellation.intend_cancellation(merchant_id, subject_id)
    if decided is None:
        return
    carry_out(
        merchant_id=merchant_id,
        connection_id=decided.connection_id,
        lease=decided.lease,
        call=lambda lease: provider(decided.connection_id, lease=lease).cancel(decided.external_id),
        recorder=CancellationRecorder(merchant_id, subject_id),
    )


class NotAProvider(Exception):
    """A share was planned at a connection whose platform cannot fulfill."""


def provider(connection_id: int, *, lease: Lease | None = None) -> Fulfills:
    """The provider behind a connection; with a lease, its writes are fenced."""
    client = doors.client(connection_id, before_send=lease.check if lease else None)
    if not isinstance(client, Fulfills):
        raise NotAProvider(f"connection {connection_id} cannot take fulfillment orders")
    return client


@dataclass(frozen=True, slots=True)
class SubmissionRecorder:
    """How a submission's endings are recorded."""

    merchant_id: int
    share_id: int

    def accepted(self, lease: Lease, answer: ProviderOrder) -> None:
        """The provider has it."""
        submission.record_acceptance(self.merchant_id, self.share_id, lease=lease, answer=answer)

    def refused(self, lease: Lease, *, code: str, message: str, fault: str) -> None:
        """The provider refused."""
        submission.record_refusal(
            self.merchant_id, self.share_id, lease=lease, code=code, message=message, fault=fault
        )

    def not_sent(self, lease: Lease, *, message: str) -> None:
        """Nothing left."""
        submission.record_not_sent(self.merchant_id, self.share_id, lease=lease, message=message)

    def unknown(self, lease: Lease, *, message: str) -> None:
        """It may have arrived."""
        submission.record_unknown(self.merchant_id, self.share_id, lease=lease, message=message)


@dataclass(frozen=True, slots=True)
class CancellationRecorder:
    """How the endings of a request to cancel are recorded."""

    merchant_id: int
    share_id: int

    def accepted(self, lease: Lease, answer: CancelReceipt) -> None:
        """The provider answered, one way or the other."""
        cancellation.record_cancel_answer(
            self.merchant_id, self.share_id, lease=lease, receipt=answer
        )

    def refused(self, lease: Lease, *, code: str, message: str, fault: str) -> None:
        """The provider does not understand the request: a person has to look."""
        cancellation.record_cancel_refused(
            self.merchant_id, self.share_id, lease=lease, code=code, message=message
        )

    def not_sent(self, lease: Lease, *, message: str) -> None:
        """Nothing left."""
        cancellation.record_cancel_not_sent(
            self.merchant_id, self.share_id, lease=lease, message=message
        )

    def unknown(self, lease: Lease, *, message: str) -> None:
        """It may have arrived."""
        cancellation.record_cancel_unknown(
            self.merchant_id, self.share_id, lease=lease, message=message
        )
