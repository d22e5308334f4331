"""Orders that a program or a CSV file hands over."""

from collections.abc import Sequence

from ninja import Schema

from entrepot.api.caller import ApiRequest, Caller
from entrepot.api.errors import invalid
from entrepot.api.operations import operation
from entrepot.api.rest.orders import router
from entrepot.api.spreadsheet import CSV, read_csv
from entrepot.canon.orders import Mode
from entrepot.intake import handing_over
from entrepot.intake.new_orders import NewOrder
from entrepot.intake.order_files import COLUMNS, NEEDED, orders_of


class Taken(Schema):
    """What was stored; the order is there once its message is applied, mostly within a second."""

    message_id: int
    external_id: str
    order: str


class AllTaken(Schema):
    """What was stored of a file."""

    orders: int
    data: list[Taken]


@operation(
    router,
    "POST",
    path="/orders",
    scope="orders:write",
    answers=Taken,
    status=202,
    summary="Hand an order over",
)
def create_order(request: ApiRequest, asked: NewOrder) -> Taken:
    """Stored as a message and applied like every other: `GET /inbox/{message_id}` says how it went.

    `order` is where it will be found.
    """
    (taken,) = _hand_over(request.auth, [asked])
    return taken


@operation(
    router,
    "POST",
    path="/order-imports",
    scope="orders:write",
    answers=AllTaken,
    status=202,
    takes=CSV,
    summary="Hand orders over as CSV",
)
def import_orders(request: ApiRequest) -> AllTaken:
    """One row per line; rows of the same `external_id` are one order. All or nothing.

    UTF-8, or UTF-16 that begins with its mark; commas, semicolons or tabs divide.

    Needed columns: external_id, currency, payment, sku, title, quantity, unit_price. Further ones:
    number, placed_at, state, email, name, company, line1, line2, city, region, postal_code,
    country, phone, language, shipping_method, shipping_title, shipping_price, total, note,
    line_total. What is about the order stands in its first row, and may be repeated or left empty
    in the others.
    """
    orders = []
    for one in orders_of(read_csv(request.body, needed=NEEDED, known=COLUMNS)):
        if one.order is None:
            number, words = one.faults[0]
            raise invalid(f"line {number}: {words}")
        orders.append(one.order)
    taken = _hand_over(request.auth, orders)
    return AllTaken.model_construct(orders=len(taken), data=taken)


def _hand_over(caller: Caller, orders: Sequence[NewOrder]) -> list[Taken]:
    return [
        Taken.model_construct(
            message_id=one.message_id,
            external_id=one.external_id,
            order=f"/api/v1/orders/number:{one.number}",
        )
        for one in handing_over.hand_over(caller.merchant_id, orders, mode=Mode(caller.mode))
    ]
