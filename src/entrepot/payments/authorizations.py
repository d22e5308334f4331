"""Authorized money that is to be captured or voided: at its gateway, after a look-up, once."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet

from entrepot.access import scope
from entrepot.attempts import services as attempts
from entrepot.attempts.leases import Lease
from entrepot.attempts.rates import fuse
from entrepot.attempts.states import Kind as Effect
from entrepot.canon.money import Money
from entrepot.canon.payments import PaymentFact, PaymentFactKind
from entrepot.connect.registry import UnknownPlatform, platform
from entrepot.connections.effects import effects_allowed
from entrepot.connections.models import Connection
from entrepot.connections.states import EffectFlow
from entrepot.database import clock
from entrepot.events import outbox
from entrepot.obligations import services as obligations
from entrepot.obligations.states import Kind as Owed
from entrepot.orders.models import Order
from entrepot.orders.policy import OrderPolicy
from entrepot.orders.review import review_orders
from entrepot.orders.services import lock_order
from entrepot.orders.states import OrderStatus
from entrepot.payments import ledger
from entrepot.payments.models import PaymentEntry, PaymentWish
from entrepot.payments.states import WishKind, WishStatus, WishStep

SUBJECT = "payment_wish"
FACT_OF = {
    WishKind.CAPTURE: PaymentFactKind.CAPTURED,
    WishKind.VOID: PaymentFactKind.VOIDED,
}
ENDS = (PaymentFactKind.CAPTURED, PaymentFactKind.VOIDED)
INSTEAD = {
    PaymentFactKind.CAPTURED: "the payment was captured: refund it instead",
    PaymentFactKind.VOIDED: "the authorization was given up at the gateway: nothing is left of it",
}
CANCELLED_MEANWHILE = "the order was cancelled meanwhile: void the payment instead"


class CannotSettle(Exception):
    """Authorized money cannot be captured or voided; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WishCall:
    """A capture or void, the same each time, to carry it out or to look it up.

    `is_wanted` is False for what must not be sent (again): nobody wants it any more.
    """

    kind: WishKind
    connection_id: int
    payment_external_id: str
    amount: Money
    reference: str
    idempotency_key: str
    is_wanted: bool


def authorized(order: Order) -> PaymentEntry | None:
    """The payment of an order that is authorized, and can be captured or voided from here."""
    if order.amount_authorized <= 0:
        return None
    for entry in _open_entries(order.id):
        if _can_capture(entry.connection_id):
            return entry
    return None


def why_not(order: Order, entry: PaymentEntry | None, *, kind: WishKind) -> str:
    """Why an order's payment cannot be captured or voided now; empty where it can."""
    if entry is None:
        if order.amount_authorized > 0:
            return "its payment is authorized where the hub cannot capture: do it there"
        return "no payment of it is authorized and open"
    if entry.mode != order.mode:
        return f"the payment is of {entry.mode} mode, the order of {order.mode}"
    if order.is_history:
        return "it was placed before go-live, and is history: do it at the gateway"
    if kind is WishKind.CAPTURE and order.status == OrderStatus.CANCELLED:
        return "it is cancelled: void the payment instead"
    return ""


def want(merchant_id: int, order_id: int, *, kind: WishKind, by: str, reason: str) -> PaymentWish:
    """Decide to capture or void all that is authorized; a job does it.

    The same wish, while it is wanted, is one wish.

    Raises:
        CannotSettle: nothing is authorized, the other is under way, or no reason given.
    """
    with scope.merchant(merchant_id), outbox.because(actor=by):
        order = lock_order(order_id)
        if not reason.strip():
            raise CannotSettle(f"cannot {kind} the payment of {order}: say why")
        entry = authorized(order)
        obstacle = why_not(order, entry, kind=kind)
        if entry is None or obstacle:
            raise CannotSettle(f"cannot {kind} the payment of {order}: {obstacle}")
        mine = PaymentWish.objects.filter(order_id=order_id).order_by("number")
        wanted = mine.filter(authorized_id=entry.id, status=WishStatus.WANTED).first()
        if wanted is not None and wanted.kind == kind:
            return wanted
        if wanted is not None:
            under_way = f"a {wanted.kind} of it is under way, “{wanted.reason}”"
            raise CannotSettle(f"cannot {kind} the payment of {order}: {under_way}")
        _let_go_of(mine.filter(authorized_id=entry.id, status=WishStatus.FAILED))
        last = mine.last()
        wish = PaymentWish.objects.create(
            merchant_id=merchant_id,
            mode=order.mode,
            order_id=order_id,
            connection_id=entry.connection_id,
            kind=kind,
            authorized_id=entry.id,
            payment_external_id=entry.payment_external_id,
            number=last.number + 1 if last else 1,
            amount=entry.amount,
            currency=entry.currency,
            reason=reason.strip(),
            wanted_by=by,
        )
        _tell_wanted(wish)
        _owe(wish)
    return wish


def intend(merchant_id: int, wish_id: int) -> tuple[WishCall, Lease] | None:
    """Write the call down, when it is still wanted and nothing is under way for it."""
    with scope.merchant(merchant_id):
        wish, order = _lock(wish_id)
        if wish.status != WishStatus.WANTED:
            return None
        call = _call(wish, order)
        if not call.is_wanted:
            _end(wish, WishStep.FAIL, reason=CANCELLED_MEANWHILE)
            return None
        connection = Connection.objects.get(id=wish.connection_id)
        may = effects_allowed(connection, flow := EffectFlow.REFUNDS).is_allowed
        if not may or not fuse(connection, flow, kind=Effect(wish.kind)).is_allowed:
            return None
        return (call, lease) if (lease := _write_down(wish, order)) else None


def intend_found(merchant_id: int, wish_id: int) -> Lease | None:
    """Write a call down whose end was found at the gateway, as if it had just returned."""
    with scope.merchant(merchant_id):
        wish, order = _lock(wish_id)
        lease = _write_down(wish, order) if wish.status == WishStatus.WANTED else None
        return None if lease is None else attempts.begin_call(lease)


def call_of(merchant_id: int, wish_id: int) -> WishCall:
    """The call of a wish, to look it up or send it again."""
    with scope.merchant(merchant_id):
        wish = PaymentWish.objects.get(id=wish_id)
        return _call(wish, Order.objects.get(id=wish.order_id))


def record_told(merchant_id: int, wish_id: int, *, lease: Lease, fact: PaymentFact) -> None:
    """Record what the gateway says became of the payment, with its fact. Raises LeaseLost.

    It may say that the payment ended otherwise than was wished, which is a refusal.
    """
    with scope.merchant(merchant_id):
        wish, order = _lock(wish_id)
        outcome = {"external_id": fact.external_id, "kind": fact.kind}
        if fact.kind is FACT_OF[WishKind(wish.kind)]:
            attempts.accept(lease, outcome=outcome, message=f"{fact.kind} as {fact.external_id}")
        else:
            attempts.reject(lease, outcome={"code": fact.kind}, message=_otherwise(fact))
        _take_in(wish, order, fact)


def record_refusal(
    merchant_id: int, wish_id: int, *, lease: Lease, code: str, message: str
) -> None:
    """Record a proven refusal; the wish failed and waits for a person. Raises LeaseLost."""
    with scope.merchant(merchant_id):
        wish, _ = _lock(wish_id)
        attempts.reject(lease, outcome={"code": code}, message=message)
        if wish.status == WishStatus.WANTED:
            wish.ended_at = clock.now()
            wish.take(WishStep.FAIL, reason=message)  # what was promised stays owed: it shows


def record_not_sent(merchant_id: int, wish_id: int, *, lease: Lease, message: str) -> None:
    """Record that, provably, nothing left. Raises LeaseLost."""
    with scope.merchant(merchant_id):
        _lock(wish_id)
        attempts.stop(lease, message=message)


def record_unknown(merchant_id: int, wish_id: int, *, lease: Lease, message: str) -> None:
    """Record that it may have happened; it is asked about. Raises LeaseLost."""
    with scope.merchant(merchant_id):
        _lock(wish_id)
        attempts.lose(lease, message=message)


def count_as_done(merchant_id: int, wish_id: int, *, reason: str) -> None:
    """Take a person's word that it happened, where nobody else can tell.

    It counts under the name of the authorization, as the gateway's own word will, so that this is
    no second capture.
    """
    with scope.merchant(merchant_id):
        wish, order = _lock(wish_id)
        if wish.status != WishStatus.WANTED:
            return
        entry = PaymentEntry.objects.get(id=wish.authorized_id)
        fact = PaymentFact(
            kind=FACT_OF[WishKind(wish.kind)],
            external_id=entry.external_id,
            payment_external_id=entry.payment_external_id,
            amount=Money(wish.amount, wish.currency),
            happened_at=clock.now(),
            method=entry.method,
            card_last4=entry.card_last4,
            reason=reason,
        )
        _take_in(wish, order, fact)


def note_facts(order_ids: Sequence[int]) -> None:
    """End the wishes about payments that were captured or voided, whoever did it.

    Inside the open scope, with the orders locked.
    """
    if not order_ids:
        return
    ended = PaymentEntry.objects.filter(
        order_id=OuterRef("order_id"),
        payment_external_id=OuterRef("payment_external_id"),
        kind__in=ENDS,
    )
    wishes = PaymentWish.objects.filter(
        Exists(ended), order_id__in=order_ids, status__in=[WishStatus.WANTED, WishStatus.FAILED]
    )
    for wish in wishes.select_for_update(of=("self",)).order_by("id"):
        entry = PaymentEntry.objects.filter(
            order_id=wish.order_id,
            payment_external_id=wish.payment_external_id,
            kind__in=ENDS,
        ).order_by("kind")[0]  # captured goes before voided: money that was taken is there
        kind = PaymentFactKind(entry.kind)
        if wish.status == WishStatus.FAILED:
            _let_go_of([wish])
        elif kind is FACT_OF[WishKind(wish.kind)]:
            _end(wish, WishStep.FINISH, reason=f"the payment is {kind}")
        else:
            _end(wish, WishStep.FAIL, reason=INSTEAD[kind])


def last_wish(order_id: int) -> PaymentWish | None:
    """The newest wish about an order's authorized money."""
    return PaymentWish.objects.filter(order_id=order_id).order_by("-number").first()


def _open_entries(order_id: int) -> QuerySet[PaymentEntry]:
    ended = PaymentEntry.objects.filter(
        order_id=OuterRef("order_id"),
        payment_external_id=OuterRef("payment_external_id"),
        kind__in=ENDS,
    )
    return PaymentEntry.objects.filter(
        ~Exists(ended),
        order_id=order_id,
        kind=PaymentFactKind.AUTHORIZED,
        counts=True,
        amount__gt=0,
    ).order_by("id")


def _can_capture(connection_id: int) -> bool:
    code = Connection.objects.values_list("platform", flat=True).get(id=connection_id)
    try:
        return platform(code).manifest.can("capture")
    except UnknownPlatform:
        return False


def _lock(wish_id: int) -> tuple[PaymentWish, Order]:
    order = lock_order(PaymentWish.objects.values_list("order_id", flat=True).get(id=wish_id))
    return PaymentWish.objects.select_for_update().get(id=wish_id), order


def _write_down(wish: PaymentWish, order: Order) -> Lease | None:
    call = _call(wish, order)
    return attempts.intend(
        merchant_id=wish.merchant_id,
        mode=order.mode,
        kind=Effect(wish.kind),
        connection_id=wish.connection_id,
        order_id=order.id,
        subject=(SUBJECT, wish.id),
        reference=call.reference,
        generation=wish.number,
        idempotency_key=call.idempotency_key,
        request={"amount": str(wish.amount), "currency": wish.currency},
    )


def _call(wish: PaymentWish, order: Order) -> WishCall:
    kind = WishKind(wish.kind)
    reference = f"{order.account}/{order.external_id}/{kind}/{wish.number}"
    is_cancelled = order.status == OrderStatus.CANCELLED
    return WishCall(
        kind=kind,
        connection_id=wish.connection_id,
        payment_external_id=wish.payment_external_id,
        amount=Money(wish.amount, wish.currency),
        reference=reference,
        # Travels as a header, where a shop's name in letters of its own cannot.
        idempotency_key=hashlib.sha256(f"{order.mode}:{reference}".encode()).hexdigest(),
        is_wanted=wish.status == WishStatus.WANTED
        and not (kind is WishKind.CAPTURE and is_cancelled),
    )


def _otherwise(fact: PaymentFact) -> str:
    return INSTEAD[fact.kind] + (f" ({fact.reason})" if fact.reason else "")


def _take_in(wish: PaymentWish, order: Order, fact: PaymentFact) -> None:
    """The fact comes into the ledger, once, and the order goes on as its money now says."""
    entry = PaymentEntry.objects.get(id=wish.authorized_id)
    changed = ledger.record_facts(
        [
            ledger.IncomingFact(
                fact=fact,
                merchant_id=wish.merchant_id,
                mode=wish.mode,
                account=entry.account,
                connection_id=entry.connection_id,
                is_from_gateway=entry.is_from_gateway,
                message_id=None,
                order_id=order.id,
            )
        ]
    )
    note_facts([order.id])
    storefront = Connection.objects.get(id=order.connection_id)
    policy = OrderPolicy.read(
        storefront.policy, live_since=storefront.live_since, is_live_mode=storefront.mode == "live"
    )
    review_orders(changed, policies={storefront.id: policy})


def _end(wish: PaymentWish, step: WishStep, *, reason: str) -> None:
    wish.ended_at = clock.now()
    wish.take(step, reason=reason)
    if step is WishStep.FINISH:
        obligations.meet_many([_promise(wish)])
    else:
        _let_go_of([wish])


def _let_go_of(wishes: "QuerySet[PaymentWish] | Sequence[PaymentWish]") -> None:
    keys = [_promise(wish) for wish in wishes]
    if keys:
        obligations.void_many(keys, reason="nothing is left to do for it")


def _promise(wish: PaymentWish) -> tuple[int, Owed, str, int]:
    return (wish.merchant_id, Owed(wish.kind), SUBJECT, wish.id)


def _tell_wanted(wish: PaymentWish) -> None:
    outbox.record(
        f"{wish.kind}.wanted",
        merchant_id=wish.merchant_id,
        mode=wish.mode,
        order_id=wish.order_id,
        subject=(SUBJECT, wish.id),
        data={"amount": str(wish.amount), "currency": wish.currency},
        reason=wish.reason,
    )


def _owe(wish: PaymentWish) -> None:
    obligations.open_many(
        [
            obligations.NewObligation(
                merchant_id=wish.merchant_id,
                mode=wish.mode,
                kind=Owed(wish.kind),
                subject_kind=SUBJECT,
                subject_id=wish.id,
                order_id=wish.order_id,
            )
        ]
    )
