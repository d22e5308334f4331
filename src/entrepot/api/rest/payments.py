"""Payments that belong to no known order, as a list for programs that match them."""

from datetime import datetime
from typing import Annotated, Literal

from django.db.models import QuerySet
from django.http import HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from entrepot.api.caller import ApiRequest, Caller
from entrepot.api.errors import not_found
from entrepot.api.finding import found_order
from entrepot.api.operations import operation
from entrepot.api.paging import Id, Listed, Paged, page_of
from entrepot.api.rest.order_parts import shaped
from entrepot.api.rest.order_reading import order_of
from entrepot.api.rest.order_shapes import OrderShape
from entrepot.api.rest.shapes import Because, MoneyShape
from entrepot.api.spreadsheet import CSV, EXPORTED
from entrepot.canon.money import Money
from entrepot.canon.payments import PaymentFactKind
from entrepot.intake.given import Word
from entrepot.intake.tables import as_csv
from entrepot.payments import unmatched
from entrepot.payments.models import PaymentEntry

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


class DismissedPaymentShape(UnmatchedPaymentShape):
    """A payment of which somebody decided that it needs nothing."""

    dismissed_at: datetime


class Match(Because):
    """The order that was paid, by its reference, its number or its integer."""

    order: Annotated[Word, Field(min_length=1)]


class PaymentFilter(Paged):
    """Which payments. Those of an order are told with their order."""

    unmatched: Literal["true"] = "true"


@operation(
    router,
    "GET",
    path="/payments",
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
    found, follows = page_of(_unmatched(request.auth), asked)
    return Listed[UnmatchedPaymentShape].model_construct(
        data=[
            shaped(UnmatchedPaymentShape, row, amount=MoneyShape.of(row.amount, row.currency))
            for row in found
        ],
        next=follows,
    )


@operation(
    router,
    "POST",
    path="/payments/{payment_id}/match",
    scope="orders:write",
    answers=OrderShape,
    summary="Match an unmatched payment to an order",
)
def match_payment(request: ApiRequest, payment_id: Id, asked: Match) -> OrderShape:
    """The order has the money, and starts if it waited for it; what is told of it later follows.

    Again changes nothing. 409 when the payment belongs to another order.
    """
    caller, payment = request.auth, _payment(request.auth, payment_id)
    order = found_order(caller, asked.order)
    matched = unmatched.match_payment(
        caller.merchant_id, payment.id, order_id=order.id, by=caller.actor, reason=asked.reason
    )
    return order_of(matched, caller)


@operation(
    router,
    "POST",
    path="/payments/{payment_id}/dismiss",
    scope="orders:write",
    answers=DismissedPaymentShape,
    summary="Dismiss an unmatched payment",
)
def dismiss_payment(request: ApiRequest, payment_id: Id, asked: Because) -> DismissedPaymentShape:
    """It needs nothing: no order of the hub's is paid with it. Moves no money.

    Again changes nothing. 409 when it belongs to an order; should one come that names it, the
    payment is that order's all the same.
    """
    caller, payment = request.auth, _payment(request.auth, payment_id)
    row = unmatched.dismiss_payment(
        caller.merchant_id, payment.id, by=caller.actor, reason=asked.reason
    )
    return shaped(DismissedPaymentShape, row, amount=MoneyShape.of(row.amount, row.currency))


@operation(
    router,
    "GET",
    path="/payments.csv",
    scope="payments:read",
    answers=str,
    media=CSV,
    summary="Export unmatched payments as CSV",
)
def export_payments(request: ApiRequest, asked: Query[PaymentFilter]) -> HttpResponse:
    """The same list as CSV, at most 10,000 payments; safe to open in a spreadsheet."""
    found, _ = page_of(_unmatched(request.auth), asked.model_copy(update={"limit": EXPORTED}))
    head = (
        "id", "happened_at", "amount", "currency", "account", "external_id",
        "payment_external_id", "checkout_reference", "method", "card_last4",
    )  # fmt: skip
    return as_csv(
        "unmatched-payments",
        head,
        rows=(
            (
                row.id,
                row.happened_at,
                Money(row.amount, row.currency).rounded().amount,
                row.currency,
                row.account,
                row.external_id,
                row.payment_external_id,
                row.checkout_reference,
                row.method,
                row.card_last4,
            )
            for row in found
        ),
    )


def _payment(caller: Caller, payment_id: int) -> PaymentEntry:
    """A captured payment of the caller's, whatever became of it since it was listed."""
    mine = PaymentEntry.objects.filter(merchant_id=caller.merchant_id, mode=caller.mode)
    found = mine.filter(id=payment_id, kind=PaymentFactKind.CAPTURED).first()
    if found is None:
        raise not_found(f"payment {payment_id}")
    return found


def _unmatched(caller: Caller) -> QuerySet[PaymentEntry]:
    return unmatched.payments(caller.mode).filter(merchant_id=caller.merchant_id)
