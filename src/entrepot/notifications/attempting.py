"""Lets a mail leave, exactly once in effect: decided and recorded here, called in tasks/.

Locks are taken in the order of the house: the order, the mail, the attempt.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.access import scope
from entrepot.attempts import queries as attempted
from entrepot.attempts import services as attempts
from entrepot.attempts.leases import Lease
from entrepot.attempts.models import Attempt
from entrepot.attempts.rates import fuse
from entrepot.attempts.states import Kind as Effect
from entrepot.attempts.states import LeaseLost
from entrepot.attempts.states import Status as AttemptStatus
from entrepot.canon.orders import Mode
from entrepot.connect.haste import hurried
from entrepot.connections.effects import flow_allowed
from entrepot.connections.models import Connection
from entrepot.connections.queries import connection_of
from entrepot.connections.states import EffectFlow
from entrepot.connections.states import Status as ConnectionStatus
from entrepot.customers.queries import read_together
from entrepot.database import clock, reading
from entrepot.notifications import context, policy, services
from entrepot.notifications.messages import OutgoingMail
from entrepot.notifications.models import Mail
from entrepot.notifications.sending import Delivered
from entrepot.notifications.states import MailStatus
from entrepot.obligations import services as obligations
from entrepot.obligations.states import Kind as Owed
from entrepot.orders.models import Order
from entrepot.orders.services import lock_order, lock_orders

LOOK_AGAIN = hurried(timedelta(minutes=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Not yet: when to look again, and why."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailCall:
    """A mail that is written down and may leave now by the hand of the lease's holder."""

    lease: Lease
    mail: OutgoingMail


def intend_mail(merchant_id: int, mail_id: int) -> MailCall | Wait | None:
    """Decide whether a mail leaves now, fix its content, and write the attempt down.

    None when there is nothing to do: it has left, is on its way, or is not wanted any more.
    """
    with scope.merchant(merchant_id):
        mail, order = _lock(merchant_id, mail_id)
        if mail.status not in {MailStatus.WAITING, MailStatus.UNKNOWN}:
            return None
        if mail.send_after > clock.now():
            return Wait(until=mail.send_after, reason="more news may join the mail")
        storefront = connection_of(order.connection_id)
        if why_not := _why_not_now(storefront):
            return Wait(until=clock.now() + LOOK_AGAIN, reason=why_not)
        outgoing = services.fix(order, mail)
        if outgoing is None:
            return None
        lease = attempts.intend(
            merchant_id=merchant_id,
            mode=mail.mode,
            kind=Effect.MAIL,
            connection_id=storefront.id,
            order_id=order.id,
            subject=("mail", mail_id),
            reference=outgoing.reference,
            generation=1,
            idempotency_key=outgoing.message_id,
            fingerprint=outgoing.fingerprint,
            request={"kind": mail.kind, "facts": mail.facts},
        )
        if lease is None:
            _follow(mail, outgoing)
            return None
        return MailCall(lease=lease, mail=outgoing)


def lock_together(
    merchant_id: int, mail_ids: Sequence[int], *, with_lines: bool = False
) -> list[Order]:
    """Lock the orders of several mails, then the mails, each in key order; read them ahead."""
    mails = Mail.objects.filter(merchant_id=merchant_id, id__in=mail_ids)
    orders = lock_orders(mails.values_list("order_id", flat=True), with_lines=with_lines)
    scope.keep_ahead("mail", {mail.id: mail for mail in reading.locked(Mail, mail_ids)})
    return orders


def intend_together(merchant_id: int, mail_ids: Sequence[int]) -> None:
    """Lock and read ahead what `intend_mail` asks for, of several mails."""
    orders = lock_together(merchant_id, mail_ids, with_lines=True)
    attempted.read_together(Effect.MAIL, "mail", subject_ids=mail_ids)
    read_together(
        address_ids=[order.address_id for order in orders],
        customer_ids=[order.customer_id for order in orders],
    )
    policy.read_stops(merchant_id, [order.id for order in orders])
    context.read_together(orders)


def take_back_stopped(merchant_id: int, leases: Mapping[int, Lease]) -> dict[int, Wait]:
    """Of mails that wait for their turn to leave, by id, take back those that were stopped since.

    They go on waiting; one whose attempt passed into other hands is left to these.
    """
    with scope.merchant(merchant_id):
        of = {lease.attempt_id: mail_id for mail_id, lease in leases.items()}
        rows = Attempt.objects.filter(id__in=list(of)).values_list("id", "connection_id")
        shops = {attempt_id: shop_id for attempt_id, shop_id in rows if shop_id is not None}
        reasons = {id_: _why_stopped(connection_of(id_)) for id_ in set(shops.values())}
        stopped = {
            of[attempt_id]: reasons[id_] for attempt_id, id_ in shops.items() if reasons[id_]
        }
        if not stopped:
            return {}
        lock_together(merchant_id, list(stopped))
        until, taken_back = clock.now() + LOOK_AGAIN, {}
        for mail_id, reason in sorted(stopped.items()):
            with suppress(LeaseLost):
                attempts.stop(leases[mail_id], message=reason)
                taken_back[mail_id] = Wait(until=until, reason=reason)
        return taken_back


def outgoing_of(merchant_id: int, mail_id: int) -> OutgoingMail | None:
    """A mail as it left or will leave, to look it up by; None when it is settled."""
    return services.prepare(mail_id, merchant_id=merchant_id)


def record_accepted(merchant_id: int, mail_id: int, *, lease: Lease, answer: Delivered) -> Mail:
    """Record that the mail service has it. Raises LeaseLost."""
    with scope.merchant(merchant_id):
        mail, _ = _lock(merchant_id, mail_id)
        attempts.accept(
            lease, outcome={"external_id": answer.reference}, message="the mail service took it"
        )
        services.mark_sent(mail, esp_message_id=answer.reference)
    return mail


def record_refused(
    merchant_id: int, mail_id: int, *, lease: Lease, code: str, message: str
) -> Mail:
    """Record a proven refusal; the promise stays open for a person. Raises LeaseLost."""
    with scope.merchant(merchant_id):
        _lock(merchant_id, mail_id)
        mail = services.record_refused(mail_id, merchant_id=merchant_id, why=message)
        attempts.reject(lease, outcome={"code": code}, message=message)
    return mail


def record_not_sent(merchant_id: int, mail_id: int, *, lease: Lease, message: str) -> Mail:
    """Record that, provably, nothing left; the mail goes on waiting. Raises LeaseLost."""
    with scope.merchant(merchant_id):
        mail, _ = _lock(merchant_id, mail_id)
        attempts.stop(lease, message=message)
    return mail


def record_unknown(merchant_id: int, mail_id: int, *, lease: Lease, message: str) -> Mail:
    """Record that it may have left, and promise to find out. Raises LeaseLost."""
    with scope.merchant(merchant_id):
        mail, _ = _lock(merchant_id, mail_id)
        services.record_unknown(mail_id, merchant_id=merchant_id, why=message)
        attempt = attempts.lose(lease, message=message)
        obligations.open_many(
            [
                obligations.NewObligation(
                    merchant_id=merchant_id,
                    mode=mail.mode,
                    kind=Owed.RESOLVE,
                    subject_kind="attempt",
                    subject_id=attempt.id,
                    order_id=mail.order_id,
                )
            ]
        )
    return mail


def _lock(merchant_id: int, mail_id: int) -> tuple[Mail, Order]:
    ahead: Mail | None = scope.taken_ahead("mail", mail_id)
    if ahead is not None:
        return ahead, lock_order(ahead.order_id)
    mine = Mail.objects.filter(merchant_id=merchant_id)
    order_id = mine.values_list("order_id", flat=True).get(id=mail_id)
    order = lock_order(order_id)
    return mine.select_for_update().get(id=mail_id), order


def _why_not_now(storefront: Connection) -> str:
    return _why_stopped(storefront) or fuse(storefront, EffectFlow.MAILS, kind=Effect.MAIL).reason


def _why_stopped(storefront: Connection) -> str:
    if storefront.status in {ConnectionStatus.PAUSED, ConnectionStatus.OBSERVING}:
        return f"{storefront.name} is {storefront.status}"
    return flow_allowed(
        storefront.merchant_id,
        mode=Mode(storefront.mode),
        flow=EffectFlow.MAILS,
        connection_id=storefront.id,
    ).reason


def _follow(mail: Mail, outgoing: OutgoingMail) -> None:
    """Bring a mail in line with its attempt, where a person decided what had become of it."""
    attempt = Attempt.objects.filter(
        merchant_id=mail.merchant_id, kind=Effect.MAIL, reference=outgoing.reference
    ).first()
    if attempt is not None and attempt.status == AttemptStatus.ACCEPTED:
        services.record_sent(
            mail.id,
            merchant_id=mail.merchant_id,
            esp_message_id=str(attempt.outcome.get("external_id", "")),
        )
