"""A person's word about an unknown attempt that nothing outside can settle, and what follows."""

from entrepot.attempts import services as attempts
from entrepot.attempts.models import Attempt
from entrepot.attempts.states import Kind
from entrepot.canon.messages import Flow
from entrepot.fulfillment import changing, vouched, writing_back
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.intake.hints import Reread
from entrepot.notifications import services as mails
from entrepot.obligations import services as obligations
from entrepot.obligations.states import Kind as Owed
from entrepot.orders.services import lock_order
from entrepot.payments import authorizations, refunds
from entrepot.tasks import asking, rereading


def decide(
    merchant_id: int,
    attempt_id: int,
    *,
    happened: bool,
    by: str,
    reason: str,
    external_id: str = "",
) -> Attempt:
    """Record what became of an attempt and carry on from there, in the open scope.

    What did not happen is carried out again, once. What did counts as done: a share is its
    provider's, whose own word about it is read where its id is known, also of one that was to be
    cancelled, and has what it was asked to change; a refund's money went out, authorized money was
    taken or let go, a mail has left, and a storefront knows what it was told.

    Raises:
        IllegalStep: it is not unknown.
        StillLeaving: it did not happen, but its first call may still leave.
        IdOfAnother: the id that it is said to have there is another share's.
    """
    known = Attempt.objects.get(id=attempt_id, merchant_id=merchant_id)
    if known.order_id is not None:
        lock_order(known.order_id)
    decided = attempts.decide(
        merchant_id, attempt_id, happened=happened, by=by, reason=reason, external_id=external_id
    )
    obligations.meet_many([(merchant_id, Owed.RESOLVE, "attempt", attempt_id)])
    if not happened:
        asking.after_not_sent(decided)
    elif decided.kind == Kind.SUBMIT:
        _count_as_accepted(decided, external_id)
    elif decided.kind == Kind.REFUND:
        refunds.count_as_done(
            merchant_id, decided.subject_id, external_id=external_id, reason=reason
        )
    elif decided.kind in {Kind.CAPTURE, Kind.VOID}:
        authorizations.count_as_done(merchant_id, decided.subject_id, reason=reason)
    elif decided.kind == Kind.MAIL:
        mails.record_sent(decided.subject_id, merchant_id=merchant_id, esp_message_id=external_id)
    elif decided.kind == Kind.WRITE_BACK:
        writing_back.count_as_written(decided)
    elif decided.kind in {Kind.CHANGE_RECIPIENT, Kind.CHANGE_SHIPPING}:
        changing.count_as_changed(decided, reason=reason)
    elif decided.kind == Kind.CANCEL:
        _read_again(FulfillmentOrder.objects.get(id=decided.subject_id), decided)
    return decided


def _count_as_accepted(attempt: Attempt, external_id: str) -> None:
    share = FulfillmentOrder.objects.select_for_update().get(id=attempt.subject_id)
    vouched.count_as_accepted(share, external_id=external_id, reason=attempt.message)
    _read_again(share, attempt)


def _read_again(share: FulfillmentOrder, attempt: Attempt) -> None:
    """Have the provider's own word about a share read, where its id there is known."""
    if not share.external_id:
        return
    rereading.defer_rereads(
        [
            Reread(
                merchant_id=attempt.merchant_id,
                connection_id=share.connection_id,
                flow=Flow.FULFILLMENTS,
                external_id=share.external_id,
                cause=f"attempt:{attempt.id}",
            )
        ]
    )
