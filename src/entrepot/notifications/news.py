"""News inside the product: for customers (the documented interface) and for operators."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.db.models import QuerySet
from django.db.models.functions import Now

from entrepot.access import scope
from entrepot.customers.queries import customer_of
from entrepot.database import sql
from entrepot.notifications.models import Notification
from entrepot.notifications.speech import Speech
from entrepot.notifications.states import Kind
from entrepot.notifications.voices import voice_of
from entrepot.orders.models import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNotification:
    """News to tell inside the product. `customer_id` None: to the merchant's operators.

    One per (order, kind, fact, customer); `link` is a path of ours, or empty.
    """

    merchant_id: int
    mode: str
    kind: str
    fact: str
    title: str
    message: str
    order_id: int | None = None
    customer_id: int | None = None
    link: str = ""


_COLUMNS = {
    "merchant_id": "bigint",
    "mode": "text",
    "order_id": "bigint",
    "customer_id": "bigint",
    "kind": "text",
    "fact": "text",
    "title": "text",
    "message": "text",
    "link": "text",
}
_TELL = """
    INSERT INTO notifications_notification (
        merchant_id, mode, order_id, customer_id, kind, fact, title, message, link
    )
    SELECT merchant_id, mode, order_id, customer_id, kind, fact, title, message, link
    FROM {batch}
    ORDER BY n
    ON CONFLICT (merchant_id, order_id, kind, fact, customer_id) DO NOTHING
"""


_gathered: ContextVar[list[NewNotification] | None] = ContextVar(
    "entrepot_gathered_news", default=None
)


@contextmanager
def gathered() -> Iterator[None]:
    """Keep the news of a block with one statement, at its end."""
    mine: list[NewNotification] = []
    token = _gathered.set(mine)
    try:
        yield
    finally:
        _gathered.reset(token)
    tell(mine)


def tell(notifications: Iterable[NewNotification]) -> int:
    """Keep news, in the open scope; what was told already stays as it is.

    Returns how many are new, none yet in a `gathered` block.
    """
    gathering = _gathered.get()
    if gathering is not None:
        gathering.extend(notifications)
        return 0
    rows = [
        {name: getattr(notification, name) for name in _COLUMNS} for notification in notifications
    ]
    if not rows:
        return 0
    batch = sql.recordset(rows, _COLUMNS)
    return sql.run(_TELL.format(batch=batch.sql), [batch.parameter])


def tell_customer(order: Order, kind: Kind, *, fact: str) -> int:
    """Keep news for an order's customer in their own language, in the open scope.

    Returns 0 when the order has no known customer, or it was told already.
    """
    if order.customer_id is None:
        return 0
    customer = customer_of(order.customer_id)
    language = customer.language if customer is not None else ""
    speech = Speech.of(language or voice_of(order.connection_id).language)
    return tell(
        [
            NewNotification(
                merchant_id=order.merchant_id,
                mode=order.mode,
                kind=kind.value,
                fact=fact,
                title=speech.counted(f"headline.{kind.value}", 1),
                message=speech.phrase("order", number=order.number),
                order_id=order.id,
                customer_id=order.customer_id,
            )
        ]
    )


def mark_read(ids: Iterable[int], *, merchant_id: int, mode: str, customer_id: int | None) -> int:
    """Mark news as read; others' and read ones are passed over. Returns how many."""
    with scope.merchant(merchant_id):
        mine = _mine(merchant_id, mode, customer_id).filter(id__in=list(ids), read_at=None)
        return mine.update(read_at=Now())


def mark_all_read(*, merchant_id: int, mode: str, customer_id: int | None) -> int:
    """Mark everything as read. Returns how many were unread."""
    with scope.merchant(merchant_id):
        return _mine(merchant_id, mode, customer_id).filter(read_at=None).update(read_at=Now())


def remove(ids: Iterable[int], *, merchant_id: int, mode: str, customer_id: int | None) -> int:
    """Take news off the list; they stay in the record. Returns how many."""
    with scope.merchant(merchant_id):
        return (
            _mine(merchant_id, mode, customer_id).filter(id__in=list(ids)).update(removed_at=Now())
        )


def _mine(merchant_id: int, mode: str, customer_id: int | None) -> QuerySet[Notification]:
    return Notification.objects.filter(
        merchant_id=merchant_id, mode=mode, customer_id=customer_id, removed_at=None
    )
