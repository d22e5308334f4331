"""Mails, what was said of them, and what may be edited, for pages and for the REST interface."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet

from entrepot.access import crypto
from entrepot.connections.models import Connection
from entrepot.notifications.models import Mail, MailEvent, Notification, SandboxMail, SenderChoice
from entrepot.notifications.policy import DEFAULT_SENDER
from entrepot.notifications.rendering import RenderedMail, render, words_for
from entrepot.notifications.states import Kind, MailStatus, Sender
from entrepot.notifications.templates import Words
from entrepot.orders.models import Order

RECIPIENT = "mail-recipient"


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderOf:
    """Who sends a kind of message for a storefront, and whether somebody declared it."""

    kind: Kind
    sender: Sender
    is_declared: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationState:
    """Mails and news of a merchant since an instant, for health."""

    by_status: dict[MailStatus, int]
    waiting_since: datetime | None
    unread_by_operators: int


def mails(merchant_id: int, mode: str) -> QuerySet[Mail]:
    """All mails, the newest first; page by `id`."""
    return Mail.objects.filter(merchant_id=merchant_id, mode=mode).order_by("-id")


def mails_of_order(merchant_id: int, order_id: int) -> QuerySet[Mail]:
    """The mails about one order, the newest first."""
    return Mail.objects.filter(merchant_id=merchant_id, order_id=order_id).order_by("-id")


def events_of(mail_ids: Iterable[int], *, merchant_id: int) -> QuerySet[MailEvent]:
    """What the mail service said of these mails, in the order in which it happened."""
    return MailEvent.objects.filter(merchant_id=merchant_id, mail_id__in=list(mail_ids)).order_by(
        "happened_at", "id"
    )


def recipient_of(mail: Mail) -> str:
    """The address that a mail goes or went to, in the clear; "" while it waits."""
    sealed = bytes(mail.recipient_sealed)
    return crypto.decrypt(RECIPIENT, sealed).decode() if sealed else ""


def sandbox_mails(merchant_id: int) -> QuerySet[SandboxMail]:
    """The mailbox page: what the sandbox kept, the newest first."""
    return SandboxMail.objects.filter(merchant_id=merchant_id).order_by("-id")


def senders(storefront: Connection) -> list[SenderOf]:
    """Who sends each kind of message for a storefront."""
    declared = dict(
        SenderChoice.objects.filter(
            merchant_id=storefront.merchant_id, storefront_id=storefront.id
        ).values_list("kind", "sender")
    )
    return [
        SenderOf(
            kind=kind,
            sender=Sender(declared.get(kind.value, DEFAULT_SENDER)),
            is_declared=kind.value in declared,
        )
        for kind in Kind
    ]


def words_to_edit(kind: Kind, *, merchant_id: int, storefront_id: int, language: str) -> Words:
    """The words that apply now, to begin an edit with."""
    return words_for(kind, merchant_id=merchant_id, storefront_id=storefront_id, language=language)


def preview(
    order_id: int,
    kind: Kind,
    *,
    merchant_id: int,
    language: str = "",
    draft: Words | None = None,
) -> RenderedMail:
    """A mail as a real order's customer would get it now; nothing is written or sent.

    Raises:
        Order.DoesNotExist: it is not this merchant's.
    """
    order = Order.objects.get(merchant_id=merchant_id, id=order_id)
    return render(
        order,
        kind,
        facts=[],
        storefront_id=order.connection_id,
        merchant_id=merchant_id,
        language=language,
        draft=draft,
    )


def news_of_customer(merchant_id: int, customer_id: int) -> QuerySet[Notification]:
    """A customer's notifications that were not removed, the newest first."""
    return Notification.objects.filter(
        merchant_id=merchant_id, customer_id=customer_id, removed_at=None
    ).order_by("-id")


def news_of_operators(merchant_id: int, mode: str) -> QuerySet[Notification]:
    """The operators' notifications that were not removed, the newest first."""
    return Notification.objects.filter(
        merchant_id=merchant_id, mode=mode, customer_id=None, removed_at=None
    ).order_by("-id")


def unread_count(merchant_id: int, *, customer_id: int | None) -> int:
    """How much of it nobody has read; `customer_id` None is the operators'."""
    return Notification.objects.filter(
        merchant_id=merchant_id, customer_id=customer_id, removed_at=None, read_at=None
    ).count()


def notification_state(merchant_id: int, mode: str, *, since: datetime) -> NotificationState:
    """Mails by status since an instant, what waits, and what operators have not read."""
    recent = Mail.objects.filter(merchant_id=merchant_id, mode=mode, created_at__gte=since)
    counted = dict(recent.values_list("status").annotate(n=Count("id")).order_by())
    oldest = (
        Mail.objects.filter(merchant_id=merchant_id, mode=mode, status=MailStatus.WAITING)
        .order_by("send_after")
        .values_list("send_after", flat=True)
        .first()
    )
    return NotificationState(
        by_status={status: counted.get(status.value, 0) for status in MailStatus},
        waiting_since=oldest,
        unread_by_operators=unread_count(merchant_id, customer_id=None),
    )
