"""Who tells the customer what: one declared sender per storefront and kind, and the limits of it.

Of a storefront's `policy` these keys are read here: `mail_gather_seconds` (600: how long later news
may join a mail), `marketplace_channels` (channels whose customers belong to a marketplace) and
`mailed_channels` (those of them where the marketplace allows mail).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from entrepot.access import scope
from entrepot.access.queries import unsure_before
from entrepot.connections.models import Connection
from entrepot.connections.states import Status as ConnectionStatus
from entrepot.customers.queries import email_of
from entrepot.database import clock
from entrepot.notifications.models import MailStop, SenderChoice
from entrepot.notifications.states import Kind, Sender
from entrepot.orders.models import Order

OLDEST_NEWS = timedelta(hours=48)
GATHER_SECONDS = 600
DEFAULT_SENDER = Sender.HUB
STOPPED = "the customer wants no mails about this order"
NO_ADDRESS = "the order has no e-mail address"
MAYBE_TOLD = "it happened before this hub was restored, so the customer may have been told already"


def gathering(storefront: Connection) -> timedelta:
    """How long later news may join a mail that waits."""
    return timedelta(seconds=int(storefront.policy.get("mail_gather_seconds", GATHER_SECONDS)))


def is_left_alone(order: Order, storefront: Connection, *, happened_at: datetime) -> bool:
    """Whether nothing is even noted: history, but for what an observing storefront would mail."""
    would_be_shown = storefront.status == ConnectionStatus.OBSERVING and not _is_old(happened_at)
    return order.is_history and not would_be_shown


def is_news(order: Order, happened_at: datetime, *, tells_customer: bool) -> bool:
    """Whether a customer sees it inside the product, whoever sends the mail."""
    return tells_customer and not order.is_history and not _is_old(happened_at)


def why_not(
    order: Order,
    storefront: Connection,
    *,
    kind: Kind,
    happened_at: datetime,
    tells_customer: bool,
) -> str:
    """The reason why the hub does not tell the customer, or "" when it does."""
    if not tells_customer:
        return "whoever did it chose not to tell the customer"
    if order.is_history:
        return "observing: nothing is mailed until somebody goes live"
    if _is_old(happened_at):
        return f"it happened on {happened_at:%Y-%m-%d}, more than 48 hours ago"
    if _may_have_been_told(order, kind, happened_at):
        return MAYBE_TOLD
    sender = sender_of(storefront, kind)
    if sender != Sender.HUB:
        return f"for this storefront {sender.value} tells the customer about it"
    if not _may_mail(order.channel, storefront):
        return f"the marketplace {order.channel} does not allow mail to its customers"
    if has_stopped(order):
        return STOPPED
    return "" if email_of(order.customer_id) else NO_ADDRESS


def has_stopped(order: Order) -> bool:
    """Whether the customer wants no mails about an order."""
    return scope.once(
        "mail_stop",
        order.id,
        read=lambda: MailStop.objects.filter(
            merchant_id=order.merchant_id, order_id=order.id
        ).exists(),
    )


def read_stops(merchant_id: int, order_ids: Sequence[int]) -> None:
    """Read for several orders at once whether their customers want no mails."""
    stops = MailStop.objects.filter(merchant_id=merchant_id, order_id__in=order_ids)
    stopped = set(stops.values_list("order_id", flat=True))
    scope.remember("mail_stop", {order_id: order_id in stopped for order_id in order_ids})


def sender_of(storefront: Connection, kind: Kind) -> Sender:
    """Who tells the customers of a storefront about a kind of news; the hub unless declared."""
    choices = scope.once("senders", storefront.id, read=lambda: _choices_of(storefront))
    return Sender(choices.get(kind, DEFAULT_SENDER))


def _choices_of(storefront: Connection) -> dict[str, str]:
    """Who was declared to tell the customers of a storefront, by kind."""
    rows = SenderChoice.objects.filter(
        merchant_id=storefront.merchant_id, storefront_id=storefront.id
    )
    return dict(rows.values_list("kind", "sender"))


def _may_have_been_told(order: Order, kind: Kind, happened_at: datetime) -> bool:
    """Whether another copy of the hub, which worked until a restore, may have sent a mail of it."""
    before = unsure_before(order.merchant_id)
    if before is None:
        return False
    if kind == Kind.CONFIRMATION and order.first_seen_at >= before:
        return order.placed_at < before  # released here is not when it was sold
    if kind == Kind.CANCELLED and order.source_cancelled_at is not None:
        return order.source_cancelled_at < before
    return happened_at < before


def _may_mail(channel: str, storefront: Connection) -> bool:
    if channel not in storefront.policy.get("marketplace_channels", ()):
        return True
    return channel in storefront.policy.get("mailed_channels", ())


def _is_old(happened_at: datetime) -> bool:
    return clock.now() - happened_at > OLDEST_NEWS
