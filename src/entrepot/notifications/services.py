"""Decides which mails a customer gets, and records what became of each.

A mail's row exists before anything leaves. Locks are taken in the order of the house: the order,
then the mail.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from entrepot.access import crypto, scope
from entrepot.attempts.queries import is_under_way
from entrepot.attempts.states import Kind as Effect
from entrepot.connections.models import Connection
from entrepot.connections.queries import connection_of
from entrepot.customers.queries import email_of, read_together
from entrepot.database import clock, saving
from entrepot.events import outbox
from entrepot.notifications import facts, policy
from entrepot.notifications.context import shipments_of
from entrepot.notifications.messages import OutgoingMail, message_id_of
from entrepot.notifications.models import Mail, MailStop
from entrepot.notifications.news import tell_customer
from entrepot.notifications.queries import RECIPIENT, recipient_of
from entrepot.notifications.rendering import render
from entrepot.notifications.states import GATHERED_WITH, IllegalStep, Kind, MailStatus, Step
from entrepot.notifications.voices import voice_of
from entrepot.obligations import services as obligations
from entrepot.obligations.states import Kind as ObligationKind
from entrepot.orders.models import Order
from entrepot.orders.services import lock_order, lock_orders
from entrepot.orders.states import FulfillmentStatus, OrderStatus

# What is fixed once a mail is about to leave.
CONTENT = ("language", "subject", "html", "text", "recipient_sealed", "message_id")
MEANWHILE_CANCELLED = "the order was cancelled before the mail left"


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Something a customer may want to know.

    `fact` names it (see facts.py), `happened_at` is when it became true outside. A person who acted
    may have chosen not to tell the customer.
    """

    kind: Kind
    fact: str
    happened_at: datetime
    tells_customer: bool = True


class CannotResend(Exception):
    """A mail was to be sent again that has not left, or may still arrive."""

    def __init__(self, mail: Mail) -> None:
        super().__init__(
            f"cannot send the {mail} again: it is {mail.status}."
            " Wait until it is known what became of it"
        )
        self.status = mail.status


def decide_mail(order_id: int, *, merchant_id: int, news: News) -> Mail | None:
    """Decide whether and when a customer gets a mail about some news.

    The same news again changes nothing. News within the gathering of a waiting mail of its kind
    joins that mail. A decision not to tell leaves a row with its reason, except for history, which
    leaves nothing; then None is returned.
    """
    with scope.merchant(merchant_id):
        order = lock_order(order_id)
        known = _mails_of(order)
        told = [mail for mail in known if mail.kind in GATHERED_WITH[news.kind]]
        for mail in told:
            if news.fact in mail.facts:
                return mail
        storefront = connection_of(order.connection_id)
        if policy.is_left_alone(order, storefront, happened_at=news.happened_at):
            return None
        kind = _kind_now(news.kind, order)
        if policy.is_news(order, news.happened_at, tells_customer=news.tells_customer):
            tell_customer(order, kind, fact=news.fact)
        why_not = policy.why_not(
            order,
            storefront,
            kind=kind,
            happened_at=news.happened_at,
            tells_customer=news.tells_customer,
        )
        if not why_not:
            for waiting in told:
                if waiting.status == MailStatus.WAITING and not waiting.message_id:
                    waiting.kind = kind
                    waiting.facts = [*waiting.facts, news.fact]
                    saving.save(waiting, "kind", "facts")
                    return waiting
        mail = _create(order, kind, [news.fact], why_not, storefront)
        known.append(mail)
        return mail


def decide_together(order_ids: Iterable[int]) -> None:
    """Lock and read ahead what `decide_mail` asks for, of several orders."""
    orders = lock_orders(order_ids, with_lines=False)
    mails: dict[int, list[Mail]] = {order.id: [] for order in orders}
    for mail in _unrepeated().filter(order_id__in=list(mails)):
        mails[mail.order_id].append(mail)
    scope.remember("mails", mails)
    scope.remember("released_at", {order.id: order.released_at for order in orders})
    read_together(customer_ids=[order.customer_id for order in orders])
    if orders:
        policy.read_stops(orders[0].merchant_id, list(mails))


def _mails_of(order: Order) -> list[Mail]:
    """The mails of a locked order, but for those that repeat one; locked, read once."""
    return scope.once("mails", order.id, read=lambda: list(_unrepeated().filter(order_id=order.id)))


def _unrepeated() -> QuerySet[Mail]:
    return Mail.objects.select_for_update().filter(resends_id=None).order_by("id")


def prepare(mail_id: int, *, merchant_id: int) -> OutgoingMail | None:
    """Fix the content of a mail that is about to leave; None when it is not wanted any more.

    The first call renders and stores it; later calls return what was stored, so that every try
    sends the same. Nothing joins the mail from then on.
    """
    with scope.merchant(merchant_id):
        order_id = Mail.objects.values_list("order_id", flat=True).get(
            merchant_id=merchant_id, id=mail_id
        )
        order = lock_order(order_id)
        mail = Mail.objects.select_for_update().get(merchant_id=merchant_id, id=mail_id)
        return fix(order, mail)


def fix(order: Order, mail: Mail) -> OutgoingMail | None:
    """Fix the content of a locked mail; see `prepare`."""
    if mail.status not in {MailStatus.WAITING, MailStatus.UNKNOWN}:
        return None
    if not mail.message_id:
        if why_not := _why_not_any_more(order, mail):
            _skip(mail, why_not)
            return None
        _fix_content(order, mail)
    return OutgoingMail.of(mail, recipient=recipient_of(mail), voice=voice_of(order.connection_id))


def record_sent(mail_id: int, *, merchant_id: int, esp_message_id: str) -> Mail:
    """Record that the mail service took the mail. Repeating it changes nothing."""
    with scope.merchant(merchant_id):
        mail = _locked(mail_id, merchant_id)
        mark_sent(mail, esp_message_id=esp_message_id)
    return mail


def mark_sent(mail: Mail, *, esp_message_id: str) -> None:
    """Record that the mail service took a locked mail; see `record_sent`."""
    if mail.status in Step.SEND.sources:
        mail.esp_message_id = esp_message_id
        mail.sent_at = clock.now()
        mail.take(Step.SEND, "esp_message_id", "sent_at")
        obligations.meet_many([_promise(mail)])


def record_unknown(mail_id: int, *, merchant_id: int, why: str) -> Mail:
    """Record that the mail service may have taken the mail. Repeating it changes nothing."""
    return _end(mail_id, merchant_id, Step.LOSE, why)


def record_refused(mail_id: int, *, merchant_id: int, why: str) -> Mail:
    """Record that the mail service refused the mail; the promise stays open for a person.

    Repeating it changes nothing.
    """
    return _end(mail_id, merchant_id, Step.REFUSE, why)


def skip_mail(mail_id: int, *, merchant_id: int, by: str, reason: str) -> Mail:
    """Drop a mail that waits, as a person's decision.

    Raises:
        IllegalStep: it does not wait any more, or is about to leave.
    """
    with scope.merchant(merchant_id), outbox.because(actor=by):
        mail = _locked(mail_id, merchant_id)
        if is_under_way(Effect.MAIL, "mail", subject_id=mail_id):
            raise IllegalStep(mail, Step.SKIP, "on its way")
        _skip(mail, reason)
    return mail


def resend(mail_id: int, *, merchant_id: int, by: str, reason: str) -> Mail:
    """Send a mail again as a new one that refers to the old; its content is rendered afresh.

    Asked again while that one still waits, the waiting one is returned.

    Raises:
        CannotResend: the old one waits, or nobody knows whether it arrived.
    """
    with scope.merchant(merchant_id), outbox.because(actor=by):
        old = Mail.objects.get(merchant_id=merchant_id, id=mail_id)
        order = Order.objects.select_for_update().get(merchant_id=merchant_id, id=old.order_id)
        old.refresh_from_db()
        if old.status in {MailStatus.WAITING, MailStatus.UNKNOWN}:
            raise CannotResend(old)
        again = Mail.objects.filter(merchant_id=merchant_id, resends_id=old.id)
        if waiting := again.filter(status=MailStatus.WAITING).first():
            return waiting
        number = again.count() + 1
        mail = Mail.objects.create(
            merchant_id=merchant_id,
            mode=order.mode,
            order_id=order.id,
            kind=old.kind,
            fact=f"resend:{number}:{old.fact}",
            facts=old.facts,
            reason=reason,
            resends_id=old.id,
        )
        mail.refresh_from_db()
        _want(mail, reason=reason)
    return mail


def stop_mails(order_id: int, *, merchant_id: int, by: str) -> None:
    """Send no more mails about an order, as its customer wishes. Repeating it changes nothing."""
    with scope.merchant(merchant_id), outbox.because(actor=by):
        Order.objects.select_for_update().get(merchant_id=merchant_id, id=order_id)
        MailStop.objects.get_or_create(merchant_id=merchant_id, order_id=order_id)
        waiting = Mail.objects.select_for_update().filter(
            merchant_id=merchant_id, order_id=order_id, status=MailStatus.WAITING, message_id=""
        )
        for mail in waiting.order_by("id"):
            _skip(mail, policy.STOPPED)


def _kind_now(kind: Kind, order: Order) -> Kind:
    """Whether a shipment is a part or the rest is known by the order, not by the shipment."""
    if kind not in GATHERED_WITH[Kind.SHIPPED]:
        return kind
    is_whole = order.fulfillment_status in {FulfillmentStatus.SHIPPED, FulfillmentStatus.DELIVERED}
    return Kind.SHIPPED if is_whole else Kind.PARTLY_SHIPPED


def _create(
    order: Order, kind: Kind, told: Sequence[str], why_not: str, storefront: Connection
) -> Mail:
    wait = timedelta(0) if kind == Kind.CONFIRMATION else policy.gathering(storefront)
    mail = Mail(
        merchant_id=order.merchant_id,
        mode=order.mode,
        order_id=order.id,
        kind=kind,
        fact=told[0],
        facts=list(told),
        status=MailStatus.SKIPPED if why_not else MailStatus.WAITING,
        reason=why_not,
        send_after=clock.now() + wait,
    )
    saving.insert(mail)
    if why_not:
        _record("notification.skipped", mail, reason=why_not)
    else:
        _want(mail, reason="")
    return mail


def _want(mail: Mail, *, reason: str) -> None:
    _record("notification.wanted", mail, reason=reason, not_before=mail.send_after.isoformat())
    obligations.open_many(
        [
            obligations.NewObligation(
                merchant_id=mail.merchant_id,
                mode=mail.mode,
                kind=ObligationKind.TELL_CUSTOMER,
                subject_kind="mail",
                subject_id=mail.id,
                order_id=mail.order_id,
                counts_from=mail.send_after,
            )
        ]
    )


def _why_not_any_more(order: Order, mail: Mail) -> str:
    if not email_of(order.customer_id):
        return policy.NO_ADDRESS
    if policy.has_stopped(order):
        return policy.STOPPED
    if mail.kind == Kind.CONFIRMATION and order.status == OrderStatus.CANCELLED:
        return MEANWHILE_CANCELLED
    numbers = facts.read(mail.facts).shipments
    if numbers and not any(one.number in numbers for one in shipments_of(order.id)):
        return "the shipment turned out not to exist"
    return ""


def _fix_content(order: Order, mail: Mail) -> None:
    rendered = render(
        order,
        Kind(mail.kind),
        facts=mail.facts,
        storefront_id=order.connection_id,
        merchant_id=order.merchant_id,
    )
    mail.language = rendered.language
    mail.subject = rendered.subject
    mail.html = rendered.html
    mail.text = rendered.text
    mail.recipient_sealed = crypto.encrypt(RECIPIENT, email_of(order.customer_id).encode())
    mail.message_id = message_id_of(order, mail, sender_email=rendered.sender_email)
    saving.save(mail, *CONTENT)


def _locked(mail_id: int, merchant_id: int) -> Mail:
    return Mail.objects.select_for_update().get(merchant_id=merchant_id, id=mail_id)


def _end(mail_id: int, merchant_id: int, step: Step, why: str) -> Mail:
    with scope.merchant(merchant_id):
        mail = _locked(mail_id, merchant_id)
        if mail.status in step.sources:
            mail.take(step, reason=why)
    return mail


def _skip(mail: Mail, reason: str) -> None:
    mail.take(Step.SKIP, reason=reason)
    obligations.void_many([_promise(mail)], reason=reason)


def _promise(mail: Mail) -> obligations.Key:
    return (mail.merchant_id, ObligationKind.TELL_CUSTOMER.value, "mail", mail.id)


def _record(name: str, mail: Mail, *, reason: str, **data: object) -> None:
    outbox.record(
        name,
        merchant_id=mail.merchant_id,
        mode=mail.mode,
        order_id=mail.order_id,
        subject=("mail", mail.id),
        data={"kind": mail.kind, "fact": mail.fact, **data},
        reason=reason,
    )
