"""`/api/dropship/prodigi`: hand an order to the print house, and see what became of it."""

from django.utils import timezone
from ninja import Query, Router, Schema

from entrepot.access import scope as access_scope
from entrepot.api.caller import ApiRequest
from entrepot.api.errors import Problem, invalid, not_found
from entrepot.api.finding import found_order
from entrepot.api.interfaces.bodies import DropshipOrder
from entrepot.api.interfaces.shapes import DropshipRow, dropship_rows
from entrepot.api.operations import operation
from entrepot.connections.models import Connection
from entrepot.fulfillment import planning
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.references import share_reference
from entrepot.fulfillment.requesting import share_of_sale
from entrepot.fulfillment.states import Status
from entrepot.intake.given import Word
from entrepot.orders.models import Hold, Order
from entrepot.tasks import going_on, queue, submission
from entrepot.tasks.retry import Snooze

router = Router(tags=["documented"])
PLATFORM = "prodigi"


class DropshipAnswer(Schema):
    """What the print house has of an order.

    `already_exists` is true when it had it before; `scheduled_at` when the cooling-off time runs.
    """

    success: bool
    already_exists: bool
    message: str
    prodigi_order_id: str
    reference: str
    status: str
    scheduled_at: str | None
    dropship_orders: list[DropshipRow]


class DropshipQuery(Schema):
    """Which order, by ours or by the print house's name."""

    order_id: Word = ""
    prodigi_order_id: Word = ""


@operation(
    router,
    "POST",
    path="/dropship/prodigi",
    scope="orders:write",
    answers=DropshipAnswer,
    summary="Create Prodigi order",
    calls_outside=True,
)
def create_dropship_order(request: ApiRequest, asked: DropshipOrder) -> DropshipAnswer:
    """Hands the order over now, once: what the print house has already is answered as it is.

    `force_sync` reads it again there; it never makes a second order. Held or cooling-off orders are
    not forced.
    """
    caller = request.auth
    with access_scope.merchant(caller.merchant_id):
        order = found_order(caller, asked.order_id)
    planning.plan_order(caller.merchant_id, order.id)
    with access_scope.merchant(caller.merchant_id):
        order.refresh_from_db()
        shares, _ = _at_house(order)
        known = [share for share in shares if share.external_id]
        if not shares:
            raise Problem(409, _why_nothing(order))
        if known and asked.force_sync:
            queue.defer(going_on.rereads_of(order))
    if known:
        with access_scope.merchant(caller.merchant_id):
            return _answer(order, "the print house has it already", already_exists=True)
    waits = [_hand_over(caller.merchant_id, share) for share in shares]
    with access_scope.merchant(caller.merchant_id):
        order.refresh_from_db()
        return _after(order, waits)


@operation(
    router,
    "GET",
    path="/dropship/prodigi",
    scope="orders:read",
    answers=DropshipAnswer,
    summary="Get Prodigi order status",
)
def get_dropship_order(request: ApiRequest, asked: Query[DropshipQuery]) -> DropshipAnswer:
    """By `order_id`, or by `prodigi_order_id`."""
    caller = request.auth
    if asked.order_id:
        order = found_order(caller, asked.order_id)
    elif asked.prodigi_order_id:
        share = FulfillmentOrder.objects.filter(
            merchant_id=caller.merchant_id, mode=caller.mode, external_id=asked.prodigi_order_id
        ).first()
        if share is None:
            raise not_found(f"order {asked.prodigi_order_id!r} of the print house")
        order = Order.objects.get(id=share.order_id)
    else:
        raise invalid("order_id or prodigi_order_id is needed")
    shares, _ = _at_house(order)
    if not shares:
        raise not_found(f"order of the print house for order {order.number}")
    return _answer(order, "as it is known", already_exists=bool(shares[-1].external_id))


def shares_of(order: Order) -> tuple[list[FulfillmentOrder], dict[int, str]]:
    """An order's shares, and the reference under which each provider knows its own."""
    shares = list(FulfillmentOrder.objects.filter(order_id=order.id).order_by("share"))
    references = {
        share.id: share_reference(**share_of_sale(share, order))
        for share in shares
        if not share.is_by_hand
    }
    return shares, references


def _at_house(order: Order) -> tuple[list[FulfillmentOrder], dict[int, str]]:
    shares, references = shares_of(order)
    houses = set(Connection.objects.filter(platform=PLATFORM).values_list("id", flat=True))
    mine = [
        share
        for share in shares
        if share.connection_id in houses and share.status != Status.CANCELLED
    ]
    return mine, references


def _hand_over(merchant_id: int, share: FulfillmentOrder) -> Snooze | None:
    """Try once what the share's own job would do anyway; when it has to wait, that job waits."""
    try:
        submission.submit_now(merchant_id, share.id)
    except Snooze as wait:
        return wait
    return None


def _after(order: Order, waits: list[Snooze | None]) -> DropshipAnswer:
    shares, _ = _at_house(order)
    if any(share.external_id for share in shares):
        return _answer(order, "handed over", already_exists=False)
    until = max((wait.until for wait in waits if wait is not None), default=None)
    if until is not None:
        answer = _answer(order, "it waits", already_exists=False)
        answer.scheduled_at = max(until, timezone.now()).isoformat()
        answer.message = f"it is handed over after {answer.scheduled_at}"
        return answer
    if any(share.status == Status.SUBMITTED for share in shares):
        told = "handed over; nobody knows yet whether it arrived, it is being asked"
        return _answer(order, told, already_exists=False)
    raise Problem(409, _why_nothing(order))


def _answer(order: Order, message: str, *, already_exists: bool) -> DropshipAnswer:
    shares, references = _at_house(order)
    newest = shares[-1]
    return DropshipAnswer.model_construct(
        success=True,
        already_exists=already_exists,
        message=message,
        prodigi_order_id=newest.external_id,
        reference=references.get(newest.id, ""),
        status=newest.status,
        scheduled_at=None,
        dropship_orders=dropship_rows(shares, references),
    )


def _why_nothing(order: Order) -> str:
    reasons = list(
        Hold.objects.filter(order_id=order.id, lifted_at=None)
        .order_by("id")
        .values_list("reason", flat=True)
    )
    if reasons:
        return f"order {order.number} is held: {'; '.join(reasons)}"
    if order.released_at is None:
        return f"order {order.number} is not released yet: it is {order.payment_status}"
    if order.status != "open":
        return f"order {order.number} is {order.status}"
    return f"nothing of order {order.number} goes to the print house now"
