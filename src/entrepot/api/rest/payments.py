"""Payments that belong to no known order, as a list for programs that match them."""

from datetime import datetime
from typing import Literal

from ninja import Query, Router, Schema

from entrepot.api.caller import ApiRequest
from entrepot.api.operations import operation
from entrepot.api.paging import Listed, Paged, page_of
from entrepot.api.rest.order_parts import shaped
from entrepot.api.rest.shapes import MoneyShape
from entrepot.payments import unmatched

router = Router(tags=["payments"])


class UnmatchedPaymentShape(Schema):
    """A captured payment that no known order names; `external_id` is that of the capture."""

    id: int
    connection_id: int
    account: str
    external_id: str
    payment_external_id: str
    checkout_reference: str
    amount: MoneyShape
    method: str
    card_last4: str
    happened_at: datetime
    learned_at: datetime


class PaymentFilter(Paged):
    """Which payments. Those of an order are told with their order."""

    unmatched: Literal["true"] = "true"


@operation(
    router,
    "GET",
    "/payments",
    scope="payments:read",
    answers=Listed[UnmatchedPaymentShape],
    summary="List unmatched payments",
)
def list_payments(
    request: ApiRequest, asked: Query[PaymentFilter]
) -> Listed[UnmatchedPaymentShape]:
    """Money that came for no known order and waits for a person, the newest first.

    What was matched or dismissed is not listed, nor what a checkout of the hub brought while its
    order may still follow.
    """
    caller = request.auth
    rows = unmatched.payments(caller.mode).filter(merchant_id=caller.merchant_id)
    found, follows = page_of(rows, asked)
    return Listed[UnmatchedPaymentShape].model_construct(
        data=[
            shaped(UnmatchedPaymentShape, row, amount=MoneyShape.of(row.amount, row.currency))
            for row in found
        ],
        next=follows,
    )
