"""Payments that belong to no known order, as their cards and dialogs show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from entrepot.canon.money import Money
from entrepot.dashboard.wording import sentence
from entrepot.orders.models import Order
from entrepot.payments import unmatched
from entrepot.payments.models import PaymentEntry

SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class StrayPayment:
    """One payment. `ids` are the platform's words for it, `given_back` what went back of it."""

    id: int
    amount: Money
    given_back: Money | None
    method: str
    happened_at: datetime
    account: str
    ids: list[str]


def strays(mode: str, names: Mapping[int, str], *, only: int | None = None) -> list[StrayPayment]:
    """The unmatched payments, the oldest first, or the one that is asked for."""
    rows = unmatched.payments(mode)
    if only is not None:
        rows = rows.filter(id=only)
    return _shown(rows.order_by("happened_at", "id")[:SHOWN], names)


def page_of_strays(
    mode: str, names: Mapping[int, str], *, behind: StrayPayment | None, limit: int
) -> list[StrayPayment]:
    """So many unmatched payments behind one, in the order in which they became known."""
    rows = unmatched.payments(mode).filter(id__gt=behind.id if behind else 0)
    return _shown(rows.order_by("id")[:limit], names)


def _shown(rows: QuerySet[PaymentEntry], names: Mapping[int, str]) -> list[StrayPayment]:
    found = list(rows)
    back = unmatched.given_back(found)
    return [
        StrayPayment(
            id=row.id,
            amount=Money(row.amount, row.currency),
            given_back=Money(back[row.id], row.currency) if row.id in back else None,
            method=method_of(row),
            happened_at=row.happened_at,
            account=account_of(row, names),
            ids=list(dict.fromkeys(filter(None, [row.payment_external_id, row.external_id]))),
        )
        for row in found
    ]


def method_of(row: PaymentEntry) -> str:
    """How it was paid: "Card ending 4242"; empty where nobody said."""
    method = sentence(row.method)
    if not row.card_last4:
        return method
    card = f"Card ending {row.card_last4}"
    return card if method in {"", "Card"} else f"{method}, {card.lower()}"


def account_of(row: PaymentEntry, names: Mapping[int, str]) -> str:
    """At which account it was taken, by the connection's name and the platform's own."""
    own = row.account.partition(":")[2] or row.account
    name = names.get(row.connection_id, "")
    return f"{name} ({own})" if name else own


def payment_named(word: str, mode: str) -> int | None:
    """The unmatched payment that the platform calls so, by the payment's id or the capture's."""
    rows = unmatched.payments(mode).filter(Q(payment_external_id=word) | Q(external_id=word))
    return rows.order_by("-id").values_list("id", flat=True).first()


def orders_named(word: str, mode: str) -> QuerySet[Order]:
    """The orders of a mode with that number, reference or external id, the newest first."""
    name = word.strip().lstrip("#")
    named = Q(number=word) | Q(number=name) | Q(reference=name.upper()) | Q(external_id=name)
    return Order.objects.filter(named, mode=mode).order_by("-id")
