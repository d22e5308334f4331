"""What a machine may do with an order; each is a service's, with its own refusals."""

from typing import Annotated

from ninja import Router, Schema
from pydantic import Field

from entrepot.api.caller import ApiRequest
from entrepot.api.errors import invalid, not_found
from entrepot.api.finding import found_order
from entrepot.api.operations import operation
from entrepot.api.paging import Id
from entrepot.api.rest.order_parts import refund_shape, shaped, wish_shape
from entrepot.api.rest.order_reading import order_of
from entrepot.api.rest.order_shapes import NoteShape, OrderShape, PaymentWishShape, RefundShape
from entrepot.api.rest.shapes import AddressShape, Because, Body, MoneyShape, Units
from entrepot.deadletters import services as deadletters
from entrepot.deadletters.queries import waiting_of_order
from entrepot.intake.given import Reason, Text, Word
from entrepot.monitoring.erasure import erase_customer_of
from entrepot.orders import services
from entrepot.orders.models import Hold, Line, Order
from entrepot.payments import authorizations, refunds
from entrepot.payments.models import Refund
from entrepot.payments.states import WishKind
from entrepot.tasks import going_on, queue

router = Router(tags=["order actions"])
MOST_LINES = 500


class LineUnits(Body):
    """How many units of a line."""

    line_id: Id
    quantity: Units


class Cancellation(Because):
    """What to cancel; everything that has not left when no units are told.

    Refund, restock and telling the customer are choices of their own.
    """

    units: Annotated[list[LineUnits], Field(max_length=MOST_LINES)] = []
    tell_customer: bool = False


class RefundWish(Body):
    """Money to give back where it was taken. `units` says what it pays for."""

    amount: MoneyShape
    reason: Reason
    units: Annotated[list[LineUnits], Field(max_length=MOST_LINES)] = []
    restock: bool = False
    tell_customer: bool = False


class Readdress(Because):
    """Where to send it instead."""

    address: AddressShape


class Written(Body):
    """What to keep for colleagues."""

    text: Annotated[Text, Field(min_length=1)]


class TagChange(Body):
    """Words to add and to take away."""

    add: Annotated[list[Word], Field(max_length=50)] = []
    remove: Annotated[list[Word], Field(max_length=50)] = []


class ErasureShape(Schema):
    """What went of a customer: the orders that lost their person, and rows by kind."""

    customer_id: int
    orders: list[str]
    counts: dict[str, int]


class Going(Schema):
    """How many jobs go on at once."""

    jobs: int


@operation(
    router,
    "POST",
    path="/orders/{key}/hold",
    scope="orders:write",
    answers=OrderShape,
    summary="Hold an order",
)
def hold_order(request: ApiRequest, key: str, asked: Because) -> OrderShape:
    """Nothing of it goes on until somebody lifts the hold; a second time changes nothing."""
    order = found_order(request.auth, key)
    caller = request.auth
    services.hold_order(caller.merchant_id, order.id, by=caller.actor, reason=asked.reason)
    return _again(request, order)


@operation(
    router,
    "POST",
    path="/orders/{key}/holds/{hold_id}/lift",
    scope="orders:write",
    answers=OrderShape,
    summary="Lift a hold",
)
def lift_hold(request: ApiRequest, key: str, hold_id: Id, asked: Because) -> OrderShape:
    """The order goes on by itself when none is left."""
    order = found_order(request.auth, key)
    if not Hold.objects.filter(order_id=order.id, id=hold_id).exists():
        raise not_found(f"hold {hold_id} of order {order.number}")
    caller = request.auth
    services.lift_hold(caller.merchant_id, hold_id, by=caller.actor, reason=asked.reason)
    return _again(request, order)


@operation(
    router,
    "POST",
    path="/orders/{key}/release",
    scope="orders:write",
    answers=OrderShape,
    summary="Release an order",
)
def release_order(request: ApiRequest, key: str, asked: Because) -> OrderShape:
    """Work on it starts, paid or not; also for an order of before go-live."""
    order = found_order(request.auth, key)
    caller = request.auth
    services.release_order(caller.merchant_id, order.id, by=caller.actor, reason=asked.reason)
    return _again(request, order)


@operation(
    router,
    "POST",
    path="/orders/{key}/cancel",
    scope="orders:write",
    answers=OrderShape,
    summary="Cancel what has not left",
)
def cancel_order(request: ApiRequest, key: str, asked: Cancellation) -> OrderShape:
    """Unsent work is withdrawn at once; a provider that has it is asked to stop and may refuse."""
    order = found_order(request.auth, key)
    services.cancel_units(
        request.auth.merchant_id,
        order.id,
        by=request.auth.actor,
        reason=asked.reason,
        units=_units(order, asked.units) or None,
        tells_customer=asked.tell_customer,
    )
    return _again(request, order)


@operation(
    router,
    "POST",
    path="/orders/{key}/refunds",
    scope="refunds:write",
    answers=RefundShape,
    status=202,
    summary="Refund money",
)
def refund_order(request: ApiRequest, key: str, asked: RefundWish) -> RefundShape:
    """Issued where the payment was taken, after a look-up, once; read the order for its end."""
    order = found_order(request.auth, key)
    refund = refunds.want_refund(
        request.auth.merchant_id,
        order.id,
        amount=asked.amount.value(),
        by=request.auth.actor,
        reason=asked.reason,
        units=_units(order, asked.units),
        restocks=asked.restock,
        tells_customer=asked.tell_customer,
    )
    refund.refresh_from_db()
    return refund_shape(refund)


@operation(
    router,
    "POST",
    path="/refunds/{refund_id}/retry",
    scope="refunds:write",
    answers=RefundShape,
    status=202,
    summary="Want a failed refund again",
)
def retry_refund(request: ApiRequest, refund_id: Id, asked: Because) -> RefundShape:
    """A new generation of the same refund."""
    caller = request.auth
    known = Refund.objects.filter(
        id=refund_id, merchant_id=caller.merchant_id, mode=caller.mode
    ).exists()
    if not known:
        raise not_found(f"refund {refund_id}")
    refund = refunds.try_again(caller.merchant_id, refund_id, by=caller.actor, reason=asked.reason)
    return refund_shape(refund)


@operation(
    router,
    "POST",
    path="/orders/{key}/captures",
    scope="payments:write",
    answers=PaymentWishShape,
    status=202,
    summary="Capture an authorized payment",
)
def capture_payment(request: ApiRequest, key: str, asked: Because) -> PaymentWishShape:
    """All that is authorized, at its gateway, after a look-up, once; read the order for its end.

    The same wish, while it is wanted, is one wish.
    """
    return _wished(request, key, WishKind.CAPTURE, asked)


@operation(
    router,
    "POST",
    path="/orders/{key}/voids",
    scope="payments:write",
    answers=PaymentWishShape,
    status=202,
    summary="Void an authorized payment",
)
def void_payment(request: ApiRequest, key: str, asked: Because) -> PaymentWishShape:
    """Let go of all that is authorized, at its gateway, after a look-up, once.

    The order stays as it is: cancelling it is a choice of its own.
    """
    return _wished(request, key, WishKind.VOID, asked)


@operation(
    router,
    "PUT",
    path="/orders/{key}/address",
    scope="orders:write",
    answers=OrderShape,
    summary="Send an order elsewhere",
)
def change_address(request: ApiRequest, key: str, asked: Readdress) -> OrderShape:
    """Free until submission, then a request with the provider's answer.

    What the customer typed is kept beside.
    """
    order = found_order(request.auth, key)
    services.change_address(
        request.auth.merchant_id,
        order.id,
        address=asked.address.value(),
        by=request.auth.actor,
        reason=asked.reason,
    )
    return _again(request, order)


@operation(
    router,
    "POST",
    path="/orders/{key}/notes",
    scope="orders:write",
    answers=NoteShape,
    status=201,
    summary="Add a note",
)
def add_note(request: ApiRequest, key: str, asked: Written) -> NoteShape:
    """For colleagues; no customer sees it."""
    order = found_order(request.auth, key)
    caller = request.auth
    note = services.add_note(caller.merchant_id, order.id, by=caller.actor, text=asked.text)
    note.refresh_from_db()
    return shaped(NoteShape, note)


@operation(
    router,
    "PATCH",
    path="/orders/{key}/tags",
    scope="orders:write",
    answers=OrderShape,
    summary="Change tags",
)
def change_tags(request: ApiRequest, key: str, asked: TagChange) -> OrderShape:
    """Free words on an order."""
    order = found_order(request.auth, key)
    services.change_tags(
        request.auth.merchant_id,
        order.id,
        by=request.auth.actor,
        added=asked.add,
        removed=asked.remove,
    )
    return _again(request, order)


@operation(
    router,
    "POST",
    path="/orders/{key}/retry",
    scope="orders:write",
    answers=Going,
    status=202,
    summary="Go on with an order now",
)
def retry_order(request: ApiRequest, key: str, asked: Because) -> Going:
    """Carries on what is left at once, given-up work too. Unknown attempts are asked about."""
    order = found_order(request.auth, key)
    jobs = [*going_on.jobs_left(order), *going_on.questions_of(order)]
    queue.defer(jobs)
    caller = request.auth
    letters = waiting_of_order(caller.merchant_id, order.id).values_list("id", flat=True)
    replayed = 0
    if letters:
        replayed = deadletters.replay(
            letters, merchant_id=caller.merchant_id, by=caller.actor, reason=asked.reason
        )
    return Going(jobs=len(jobs) + replayed)


@operation(
    router,
    "POST",
    path="/orders/{key}/refresh",
    scope="orders:write",
    answers=Going,
    status=202,
    summary="Read an order again",
)
def refresh_order(request: ApiRequest, key: str) -> Going:
    """At its storefront, its providers and its carriers; nothing is sent or changed there."""
    order = found_order(request.auth, key)
    jobs = [*going_on.rereads_of(order), *going_on.questions_of(order)]
    queue.defer(jobs)
    return Going(jobs=len(jobs))


@operation(
    router,
    "POST",
    path="/orders/{key}/erasures",
    scope="personal_data:erase",
    answers=ErasureShape,
    summary="Erase an order's customer",
)
def erase_customer(request: ApiRequest, key: str, asked: Because) -> ErasureShape:
    """In all of their orders, for good; refused while one of these is not done.

    Sums, statuses and the journal stay. The shop and the providers erase what they know themselves.
    """
    order, caller = found_order(request.auth, key), request.auth
    erased = erase_customer_of(
        order.id, merchant_id=caller.merchant_id, by=caller.actor, reason=asked.reason
    )
    return ErasureShape(
        customer_id=erased.customer_id, orders=list(erased.numbers), counts=erased.counts
    )


def _wished(request: ApiRequest, key: str, kind: WishKind, asked: Because) -> PaymentWishShape:
    caller = request.auth
    order = found_order(caller, key)
    wish = authorizations.want(
        caller.merchant_id, order.id, kind=kind, by=caller.actor, reason=asked.reason
    )
    wish.refresh_from_db()
    return wish_shape(wish)


def _again(request: ApiRequest, order: Order) -> OrderShape:
    order.refresh_from_db()
    return order_of(order, request.auth)


def _units(order: Order, asked: list[LineUnits]) -> dict[int, int]:
    units = {one.line_id: one.quantity for one in asked}
    if len(units) < len(asked):
        raise invalid("units: a line is named twice")
    known = Line.objects.filter(order_id=order.id, id__in=units).values_list("id", flat=True)
    if missing := sorted(set(units) - set(known)):
        raise invalid(f"units: order {order.number} has no line {missing[0]}")
    return units
