"""Asks what became of attempts that nobody can vouch for: those without a holder, and unknown ones.

Nothing is sent again before the other side was asked, or before it is certain that it would
recognise the key.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from entrepot.access import scope
from entrepot.attempts import queries
from entrepot.attempts import services as attempts
from entrepot.attempts.leases import Lease
from entrepot.attempts.models import Attempt
from entrepot.attempts.states import Kind, LeaseLost, Status
from entrepot.canon.fulfillment import CancelAnswer, CancelReceipt, ProviderStage
from entrepot.connect import registry
from entrepot.connect.crashpoint import crashpoint
from entrepot.connect.errors import ConnectorError, Misconfigured, RateLimited, Rejected
from entrepot.connect.manifest import Effect
from entrepot.connections.doors import ConnectionArchived
from entrepot.connections.effects import effects_allowed
from entrepot.connections.faults import refuse_call
from entrepot.connections.models import Connection
from entrepot.connections.states import EffectFlow
from entrepot.database import clock
from entrepot.fulfillment import submission, writing_back
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.readiness import is_wanted, may_reach_out, shortfall
from entrepot.fulfillment.requesting import request_of
from entrepot.fulfillment.states import Status as ShareStatus
from entrepot.obligations import services as obligations
from entrepot.obligations.states import Kind as Owed
from entrepot.orders.holds import open_holds
from entrepot.orders.models import Order
from entrepot.orders.services import lock_order
from entrepot.payments import authorizations
from entrepot.payments import refunds as refund_services
from entrepot.tasks import captures, changes, queue
from entrepot.tasks.calls import outside_transaction
from entrepot.tasks.changes import STILL_LEAVING
from entrepot.tasks.refunds import RefundRecorder, gateway
from entrepot.tasks.registry import Priority, drain, task
from entrepot.tasks.submission import CancellationRecorder, SubmissionRecorder, provider
from entrepot.tasks.writing_back import WriteBackRecorder, storefront

BATCH = 100
KEY_MARGIN = timedelta(hours=1)
# Which task carries an effect on once it is proven not sent.
TASK_OF_KIND = {
    Kind.SUBMIT: "fulfillment.submit",
    Kind.CANCEL: "fulfillment.cancel",
    Kind.CHANGE_RECIPIENT: "fulfillment.readdress",
    Kind.CHANGE_SHIPPING: "fulfillment.change_shipping",
    Kind.REFUND: "payments.refund",
    Kind.CAPTURE: "payments.capture",
    Kind.VOID: "payments.void",
    Kind.WRITE_BACK: "storefront.write_back",
    Kind.MAIL: "notifications.send_mail",
}


@drain("attempts", idle=1.0)
def find_forgotten() -> int:
    """Defer a look at every attempt whose holder is gone or whose next look-up is due.

    What a dead worker had in hand goes before all other work: it is little, and however much waits,
    nobody else carries it on.
    """
    with scope.system():
        found = [(one, Priority.URGENT) for one in queries.due_for_rescue(BATCH)]
        found += [(one, Priority.HIGH) for one in queries.due_for_asking(BATCH)]
        queue.defer(
            [
                queue.Job(
                    task="attempts.ask",
                    args={"merchant_id": merchant_id, "attempt_id": attempt_id},
                    unique=f"attempts.ask:{attempt_id}",
                    priority=priority,
                )
                for (attempt_id, merchant_id), priority in sorted(found)
            ]
        )
    return 0  # looked again after `idle`, not at once: what was found is still due meanwhile


@task("attempts.ask", priority=Priority.HIGH, retries=0)
def ask(*, merchant_id: int, attempt_id: int, **_: object) -> None:
    """Take one attempt over and find out what became of it."""
    with scope.merchant(merchant_id):
        order_id = Attempt.objects.values_list("order_id", flat=True).get(id=attempt_id)
        if order_id is not None:
            Order.objects.select_for_update().get(id=order_id)  # the order is locked first, always
        taken = attempts.take_over(attempt_id)
        if taken is None:
            return
        attempt, lease = taken
        if attempt.status == Status.NOT_SENT:
            after_not_sent(attempt)
            return
        _owe_answer(attempt)
    crashpoint(f"{attempt.kind}.before_ask")
    try:
        with outside_transaction():
            ask_other_side(attempt, lease)
    except LeaseLost:
        return
    except ConnectionArchived as error:
        with scope.merchant(merchant_id):
            said = f"{error}, or look there yourself and say what became of it"
            attempts.ask_a_person(lease, message=said)
    except ConnectorError as error:
        with scope.merchant(merchant_id):
            attempts.could_not_ask(
                lease,
                message=f"{type(error).__name__}: {error}",
                again_after=error.retry_after if isinstance(error, RateLimited) else None,
            )
        if isinstance(error, Misconfigured) and attempt.connection_id is not None:
            refuse_call(attempt.connection_id, merchant_id=merchant_id, reason=str(error))
    crashpoint(f"{attempt.kind}.after_ask")
    _close_obligation(merchant_id, attempt_id)


def ask_other_side(attempt: Attempt, lease: Lease) -> None:
    """Look an unknown attempt up, in the manner of its kind."""
    asker = ASKERS.get(Kind(attempt.kind))
    if asker is None:
        with scope.merchant(attempt.merchant_id):
            attempts.ask_a_person(lease, message="nothing outside can tell: please decide")
        return
    asker(attempt, lease)


def after_not_sent(attempt: Attempt) -> None:
    """Bring what the attempt was about back to where it was, and have it carried on; in a scope."""
    if attempt.kind == Kind.SUBMIT:
        share = FulfillmentOrder.objects.select_for_update().get(id=attempt.subject_id)
        submission.reopen(share, reason=attempt.message)
    task_name = TASK_OF_KIND.get(Kind(attempt.kind))
    if task_name is not None:
        queue.defer(
            [
                queue.Job(
                    task=task_name,
                    args={
                        "merchant_id": attempt.merchant_id,
                        "order_id": attempt.order_id,
                        "subject_id": attempt.subject_id,
                    },
                    cause=f"attempt:{attempt.id}",
                )
            ]
        )


def effect_of(attempt: Attempt) -> Effect:
    """What the platform promises about this kind of effect."""
    assert attempt.connection_id is not None
    with scope.merchant(attempt.merchant_id):
        code = Connection.objects.values_list("platform", flat=True).get(id=attempt.connection_id)
    effects = registry.platform(code).manifest.effects
    return effects.get(attempt.kind) or Effect(guarantee="at_most_once_then_ask")


def _ask_submission(attempt: Attempt, lease: Lease) -> None:
    with scope.merchant(attempt.merchant_id):
        share = FulfillmentOrder.objects.get(id=attempt.subject_id)
        order = Order.objects.get(id=share.order_id)
        request = request_of(share, order)
        may_send = (
            is_wanted(order, share)
            and may_reach_out(order, share)
            and not queries.may_still_leave(attempt)
        )
    connection_id = share.connection_id
    recorder = SubmissionRecorder(attempt.merchant_id, share.id)
    if request.reference != attempt.reference:
        with scope.merchant(attempt.merchant_id):
            attempts.ask_a_person(lease, message="the share has another generation by now")
        return
    client = provider(connection_id, lease=lease)
    found = client.find(request)
    effect = effect_of(attempt)
    is_same = request.fingerprint() == attempt.fingerprint
    can_repeat = _remembers(effect, attempt) and is_same and share.status == ShareStatus.SUBMITTED
    if found is None and can_repeat and not (may_send and _is_covered(attempt, share)):
        with scope.merchant(attempt.merchant_id):
            attempts.could_not_ask(lease, message="not there; not sent again while it is stopped")
        return
    if found is None and can_repeat:
        # The key is remembered: sending it again finds the first, or makes the only one.
        try:
            found = client.submit(request)
        except Rejected as error:
            recorder.refused(lease, code=error.code, message=str(error), fault=error.fault)
            return
    if found is not None:
        recorder.accepted(lease, found)
        return
    with scope.merchant(attempt.merchant_id):
        _count_empty(attempt, lease, effect)


def _is_covered(attempt: Attempt, share: FulfillmentOrder) -> bool:
    """Whether what was paid still covers what may be about to leave first; else it is held."""
    if share.replaces_id is not None:
        return True
    with scope.merchant(attempt.merchant_id):
        uncovered = shortfall(lock_order(share.order_id))
        if uncovered is not None:
            open_holds([uncovered])
    return uncovered is None


def _ask_cancellation(attempt: Attempt, lease: Lease) -> None:
    external_id = str(attempt.request["external_id"])
    assert attempt.connection_id is not None
    recorder = CancellationRecorder(attempt.merchant_id, attempt.subject_id)
    client = provider(attempt.connection_id, lease=lease)
    order = client.read(external_id)
    if order is not None and order.stage is ProviderStage.CANCELLED:
        receipt = CancelReceipt(
            answer=CancelAnswer.CANCELLED, message="it is cancelled there", order=order
        )
        recorder.accepted(lease, receipt)
        return
    with scope.merchant(attempt.merchant_id):
        connection = Connection.objects.get(id=attempt.connection_id or 0)
        verdict = effects_allowed(connection, EffectFlow.SUBMISSIONS)
        if not verdict.is_allowed or queries.may_still_leave(attempt):
            attempts.could_not_ask(lease, message=verdict.reason or STILL_LEAVING)
            return
    # Asking again to cancel what is not cancelled does nothing twice.
    recorder.accepted(lease, client.cancel(external_id))


def _ask_change(attempt: Attempt, lease: Lease) -> None:
    """Whether a provider has changed what it was asked to; asking again does nothing twice."""
    if not changes.find_out(attempt, lease):
        with scope.merchant(attempt.merchant_id):
            _count_empty(attempt, lease, effect_of(attempt))


def _ask_refund(attempt: Attempt, lease: Lease) -> None:
    assert attempt.connection_id is not None
    request = refund_services.request_of(attempt.merchant_id, attempt.subject_id)
    recorder = RefundRecorder(attempt.merchant_id, attempt.subject_id)
    client = gateway(attempt.connection_id, lease=lease)
    found = client.find_refund(request)
    effect = effect_of(attempt)
    can_repeat = _remembers(effect, attempt)
    if found is None and can_repeat and not _may_repeat(attempt):
        with scope.merchant(attempt.merchant_id):
            attempts.could_not_ask(lease, message="not there; not sent again while it is stopped")
        return
    if found is None and can_repeat:
        found = client.refund(request)
    if found is not None:
        recorder.accepted(lease, found)
        return
    with scope.merchant(attempt.merchant_id):
        _count_empty(attempt, lease, effect)


def _may_repeat(attempt: Attempt) -> bool:
    with scope.merchant(attempt.merchant_id):
        connection = Connection.objects.get(id=attempt.connection_id or 0)
        is_allowed = effects_allowed(connection, EffectFlow.REFUNDS).is_allowed
        return is_allowed and not queries.may_still_leave(attempt)


def _ask_wish(attempt: Attempt, lease: Lease) -> None:
    """Whether the payment was captured or let go; what nobody wants any more is not sent again."""
    assert attempt.connection_id is not None
    call = authorizations.call_of(attempt.merchant_id, attempt.subject_id)
    recorder = captures.WishRecorder(attempt.merchant_id, attempt.subject_id)
    client = captures.capturer(attempt.connection_id, lease=lease)
    told = captures.find_end(client, call)
    effect = effect_of(attempt)
    if told is None and call.is_wanted and _remembers(effect, attempt):
        if not _may_repeat(attempt):
            with scope.merchant(attempt.merchant_id):
                message = "not there; not sent again while it is stopped"
                attempts.could_not_ask(lease, message=message)
            return
        try:
            told = captures.send(client, call)
        except Rejected as error:
            recorder.refused(lease, code=error.code, message=str(error), fault=error.fault)
            return
    if told is not None:
        recorder.accepted(lease, told)
        return
    with scope.merchant(attempt.merchant_id):
        _count_empty(attempt, lease, effect)


def _remembers(effect: Effect, attempt: Attempt) -> bool:
    """Whether sending the key again still answers with the first result, and makes no second."""
    if not effect.remembers_key or not effect.key_lasts_seconds:
        return effect.remembers_key
    age = clock.now() - attempt.intended_at
    return age < timedelta(seconds=effect.key_lasts_seconds) - KEY_MARGIN


def _ask_write_back(attempt: Attempt, lease: Lease) -> None:
    assert attempt.connection_id is not None
    news = writing_back.news_of(attempt.merchant_id, attempt.subject_id)
    recorder = WriteBackRecorder(attempt.merchant_id, attempt.subject_id)
    found = storefront(attempt.connection_id, lease=lease).find_write_back(news)
    if found is not None:
        recorder.accepted(lease, found)
        return
    with scope.merchant(attempt.merchant_id):
        _count_empty(attempt, lease, effect_of(attempt))


def _count_empty(attempt: Attempt, lease: Lease, effect: Effect) -> None:
    """Record an empty look-up; absence that is proved by it has the effect carried on.

    Where look-ups prove nothing, a person is asked after some of them.
    """
    if attempt.order_id is not None:
        Order.objects.select_for_update().get(id=attempt.order_id)
    after, is_proved = attempts.found_nothing(lease, effect=effect)
    if is_proved:
        after_not_sent(after)
    elif not effect.lookup_proves_absence and after.asked >= ASKS_BEFORE_A_PERSON:
        fresh = attempts.take_over(after.id)
        if fresh is not None:
            attempts.ask_a_person(fresh[1], message="looked up in vain: please decide")


ASKS_BEFORE_A_PERSON = 3
ASKERS: dict[Kind, Callable[[Attempt, Lease], Any]] = {
    Kind.SUBMIT: _ask_submission,
    Kind.CANCEL: _ask_cancellation,
    Kind.CHANGE_RECIPIENT: _ask_change,
    Kind.CHANGE_SHIPPING: _ask_change,
    Kind.REFUND: _ask_refund,
    Kind.CAPTURE: _ask_wish,
    Kind.VOID: _ask_wish,
    Kind.WRITE_BACK: _ask_write_back,
}


def _owe_answer(attempt: Attempt) -> None:
    """Promise to find out; whoever should have done so when it became unknown may have died."""
    obligations.open_many(
        [
            obligations.NewObligation(
                merchant_id=attempt.merchant_id,
                mode=attempt.mode,
                kind=Owed.RESOLVE,
                subject_kind="attempt",
                subject_id=attempt.id,
                order_id=attempt.order_id,
            )
        ]
    )


def _close_obligation(merchant_id: int, attempt_id: int) -> None:
    with scope.merchant(merchant_id):
        status = Attempt.objects.values_list("status", flat=True).get(id=attempt_id)
        if status != Status.UNKNOWN:
            obligations.meet_many([(merchant_id, Owed.RESOLVE, "attempt", attempt_id)])
