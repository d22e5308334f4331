"""After a restore or a copy: asks the platforms what happened that this database does not know."""

from dataclasses import dataclass, field

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.attempts import services as attempts
from entrepot.attempts.leases import Lease
from entrepot.attempts.models import Attempt
from entrepot.attempts.states import LIVE
from entrepot.attempts.states import Kind as Effect
from entrepot.attempts.states import Status as AttemptStatus
from entrepot.connect.errors import ConnectorError, Rejected
from entrepot.fulfillment import submission
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.requesting import request_of
from entrepot.fulfillment.states import Status, Step
from entrepot.notifications import services as notifications
from entrepot.notifications.models import Mail
from entrepot.notifications.states import MailStatus
from entrepot.orders import locks
from entrepot.orders.models import Order
from entrepot.payments import authorizations
from entrepot.payments import refunds as refund_services
from entrepot.payments.models import PaymentWish, Refund
from entrepot.payments.states import RefundStatus, WishStatus
from entrepot.tasks import asking, captures, rereading
from entrepot.tasks.calls import CALLS_AT_ONCE, outside_transaction
from entrepot.tasks.refunds import RefundRecorder, gateway
from entrepot.tasks.submission import SubmissionRecorder, provider

REASON = "found at the other side while reconciling"


@dataclass(slots=True)
class Reconciled:
    """What reconciling did; `failed` names what could not be asked."""

    orders: int = 0
    asked: int = 0
    found: int = 0
    refunds: int = 0
    captures: int = 0
    mails: int = 0
    failed: list[str] = field(default_factory=list)


def reconcile_all(*, is_copy: bool) -> Reconciled:
    """Reconcile every merchant; safe to repeat, since each step looks before it writes.

    `is_copy`: another hub may have worked with these data, so that what is under way here and the
    mails that wait may be done. Where nobody else has, both go on as they are.
    """
    done = Reconciled()
    with scope.system():
        merchant_ids = list(Merchant.objects.order_by("id").values_list("id", flat=True))
    for merchant_id in merchant_ids:
        if is_copy:
            _doubt_attempts(merchant_id)
        _read_orders_again(merchant_id, done)
        _find_submissions(merchant_id, done)
        _find_refunds(merchant_id, done)
        _find_ends(merchant_id, done)
        if is_copy:
            done.mails += _skip_mails(merchant_id)
    asking.find_forgotten()
    return done


def _doubt_attempts(merchant_id: int) -> None:
    """What was under way when the copy was made has gone on since: it is asked about."""
    with scope.merchant(merchant_id):
        under_way = Attempt.objects.filter(
            status__in=[AttemptStatus.INTENDED, AttemptStatus.CALLING]
        )
        locks.lock(order_id for (order_id,) in under_way.values_list("order_id") if order_id)
        for attempt in under_way.select_for_update().order_by("id"):
            attempts.doubt(attempt, message="only a copy from before its end is here")


def _skip_mails(merchant_id: int) -> int:
    """A mail that waited when the copy was made may have been sent since: it is not sent again.

    Of one that was about to leave, somebody is asked; it is not skipped.
    """
    with scope.merchant(merchant_id):
        leaving = Attempt.objects.filter(kind=Effect.MAIL, status__in=LIVE)
        waiting = list(
            Mail.objects.filter(status=MailStatus.WAITING)
            .exclude(id__in=leaving.values("subject_id"))
            .order_by("id")
            .values_list("id", flat=True)
        )
    for mail_id in waiting:
        notifications.skip_mail(
            mail_id, merchant_id=merchant_id, by="reconcile", reason="it may have been sent before"
        )
    return len(waiting)


def _read_orders_again(merchant_id: int, done: Reconciled) -> None:
    """Ask each shop whether its open orders still stand; what people typed in has no source."""
    with scope.merchant(merchant_id):
        shares = list(
            FulfillmentOrder.objects.filter(status__in=[Status.OPEN, Status.ON_HOLD])
            .order_by("order_id", "id")
            .distinct("order_id")
            .values_list("id", "order_id")
        )
        orders = Order.objects.in_bulk([order_id for _, order_id in shares])
        readable = [id_ for id_, order_id in shares if submission.can_be_read(orders[order_id])]
    for start in range(0, len(readable), CALLS_AT_ONCE):
        some = readable[start : start + CALLS_AT_ONCE]
        errors = rereading.read_orders_again(merchant_id, some)
        done.orders += len(some) - len(errors)
        done.failed += [f"order of share {id_}: {error}" for id_, error in errors.items()]


def _find_submissions(merchant_id: int, done: Reconciled) -> None:
    """Ask each provider whether it has a share that we believe was never sent."""
    with scope.merchant(merchant_id):
        share_ids = list(
            FulfillmentOrder.objects.filter(status=Status.OPEN, is_by_hand=False)
            .order_by("id")
            .values_list("id", flat=True)
        )
    for share_id in share_ids:
        with scope.merchant(merchant_id):
            share = FulfillmentOrder.objects.get(id=share_id)
            request = request_of(share, Order.objects.get(id=share.order_id))
        try:
            with outside_transaction():
                found = provider(share.connection_id).find(request)
        except ConnectorError as error:
            done.failed.append(f"{share}: {error}")
            continue
        done.asked += 1
        if found is None:
            continue
        lease = _intend_found(merchant_id, share_id)
        if lease is not None:
            SubmissionRecorder(merchant_id, share_id).accepted(lease, found)
            done.found += 1


def _intend_found(merchant_id: int, share_id: int) -> Lease | None:
    """Write an attempt down for what was found, as if its call had just returned."""
    with scope.merchant(merchant_id):
        share, order = submission.lock_share(share_id)
        if share.status != Status.OPEN:
            return None
        request = request_of(share, order)
        lease = attempts.intend(
            merchant_id=merchant_id,
            mode=order.mode,
            kind=Effect.SUBMIT,
            connection_id=share.connection_id,
            order_id=order.id,
            subject=("fulfillment_order", share.id),
            reference=request.reference,
            generation=share.generation,
            idempotency_key=request.idempotency_key,
            fingerprint=request.fingerprint(),
        )
        if lease is None:
            return None
        share.take(Step.SUBMIT, reason=REASON)
        return attempts.begin_call(lease)


def _find_refunds(merchant_id: int, done: Reconciled) -> None:
    with scope.merchant(merchant_id):
        wanted = list(Refund.objects.filter(status=RefundStatus.WANTED).order_by("id"))
    for refund in wanted:
        request = refund_services.request_of(merchant_id, refund.id)
        try:
            with outside_transaction():
                found = gateway(refund.connection_id).find_refund(request)
        except ConnectorError as error:
            done.failed.append(f"{refund}: {error}")
            continue
        if found is None:
            continue
        decided = refund_services.intend_found(merchant_id, refund.id)
        if decided is not None:
            RefundRecorder(merchant_id, refund.id).accepted(decided, found)
            done.refunds += 1


def _find_ends(merchant_id: int, done: Reconciled) -> None:
    """Ask each gateway what became of payments that are to be captured or let go."""
    with scope.merchant(merchant_id):
        wanted = list(PaymentWish.objects.filter(status=WishStatus.WANTED).order_by("id"))
    for wish in wanted:
        call = authorizations.call_of(merchant_id, wish.id)
        try:
            with outside_transaction():
                found = captures.find_end(captures.capturer(wish.connection_id), call)
        except Rejected:
            continue  # there is nothing to take or let go: its own job tells a person
        except ConnectorError as error:
            done.failed.append(f"{wish}: {error}")
            continue
        if found is None:
            continue
        lease = authorizations.intend_found(merchant_id, wish.id)
        if lease is not None:
            captures.WishRecorder(merchant_id, wish.id).accepted(lease, found)
            done.captures += 1
