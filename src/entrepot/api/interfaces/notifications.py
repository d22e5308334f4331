"""`/api/notifications`: news for a customer, or for the merchant's operators."""

from django.db.models import QuerySet
from ninja import Query, Router, Schema

from entrepot.api.caller import ApiRequest, Caller
from entrepot.api.customer_tokens import NO_CUSTOMER, KeyOrCustomer
from entrepot.api.errors import invalid
from entrepot.api.interfaces.bodies import ReadMarks, Removal
from entrepot.api.interfaces.shapes import NotificationRow, notification_row
from entrepot.api.operations import operation
from entrepot.api.paging import Id, Paged, page_of
from entrepot.notifications import news, queries
from entrepot.notifications.models import Notification

router = Router(tags=["documented"])
MOST_AT_ONCE = 5000


class NotificationQuery(Paged):
    """Which news."""

    unread_only: bool = False


class NotificationList(Schema):
    """A page of news, and how much of all of it is unread."""

    notifications: list[NotificationRow]
    unread_count: int
    next_cursor: str | None


class RemovalQuery(Schema):
    """One to take off the list, in the address."""

    id: Id | None = None
    notification_id: Id | None = None


class Changed(Schema):
    """How many were changed."""

    success: bool
    updated: int
    unread_count: int


@operation(
    router,
    "GET",
    path="/notifications",
    scope="notifications:read",
    answers=NotificationList,
    summary="Get user notifications",
    auth=KeyOrCustomer,
)
def get_notifications(request: ApiRequest, asked: Query[NotificationQuery]) -> NotificationList:
    """A customer's own, the newest first; with an API key those of the operators."""
    rows = _mine(request.auth)
    unread = rows.filter(read_at=None)
    found, follows = page_of(unread if asked.unread_only else rows, asked)
    return NotificationList.model_construct(
        notifications=[notification_row(row) for row in found],
        unread_count=unread.count(),
        next_cursor=follows,
    )


@operation(
    router,
    "PATCH",
    path="/notifications",
    scope="notifications:write",
    answers=Changed,
    summary="Mark notifications as read",
    auth=KeyOrCustomer,
)
def mark_notifications(request: ApiRequest, asked: ReadMarks) -> Changed:
    """Those that are named, or all of them."""
    caller = request.auth
    ids = _chosen(caller, asked.ids, everything=asked.everything)
    marked = news.mark_read(
        ids, merchant_id=caller.merchant_id, mode=caller.mode, customer_id=_owner(caller)
    )
    return _changed(caller, marked)


@operation(
    router,
    "DELETE",
    path="/notifications",
    scope="notifications:write",
    answers=Changed,
    summary="Delete notifications",
    auth=KeyOrCustomer,
)
def delete_notifications(
    request: ApiRequest, named: Query[RemovalQuery], asked: Removal | None = None
) -> Changed:
    """Takes them off the list; they stay in the record. Named in the address or in the body."""
    caller = request.auth
    wanted = asked or Removal()
    ids = [*wanted.ids, *(one for one in (named.id, named.notification_id) if one is not None)]
    chosen = _chosen(caller, ids, everything=wanted.everything)
    removed = news.remove(
        chosen, merchant_id=caller.merchant_id, mode=caller.mode, customer_id=_owner(caller)
    )
    return _changed(caller, removed)


def _mine(caller: Caller) -> QuerySet[Notification]:
    if not caller.is_customer:
        return queries.news_of_operators(caller.merchant_id, caller.mode)
    # Nobody's number is 0: an order without a known customer has no news of a customer.
    rows = queries.news_of_customer(caller.merchant_id, caller.customer_id or NO_CUSTOMER)
    rows = rows.filter(mode=caller.mode)
    return rows if caller.order_id is None else rows.filter(order_id=caller.order_id)


def _owner(caller: Caller) -> int | None:
    """Whose news: a customer's, or (None) the operators'."""
    return (caller.customer_id or NO_CUSTOMER) if caller.is_customer else None


def _chosen(caller: Caller, ids: list[int], *, everything: bool) -> list[int]:
    """The ids of the caller's own news among those that were named."""
    if not ids and not everything:
        raise invalid("name notification_ids, or all of them")
    rows = _mine(caller)
    rows = rows if everything else rows.filter(id__in=ids)
    return list(rows.values_list("id", flat=True)[:MOST_AT_ONCE])


def _changed(caller: Caller, updated: int) -> Changed:
    unread = _mine(caller).filter(read_at=None).count()
    return Changed.model_construct(success=True, updated=updated, unread_count=unread)
