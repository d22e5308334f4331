"""Jobs that decide about mails and let them leave."""

from dataclasses import dataclass
from datetime import timedelta

from entrepot.access import scope
from entrepot.attempts import services as attempts
from entrepot.attempts.models import Attempt
from entrepot.attempts.services import Lease
from entrepot.attempts.states import Kind
from entrepot.connect.errors import Misconfigured, Unavailable
from entrepot.connect.manifest import Effect
from entrepot.events.models import Event
from entrepot.notifications import attempting, sending, services
from entrepot.notifications.attempting import Wait
from entrepot.notifications.hearing import news_of
from entrepot.notifications.messages import OutgoingMail
from entrepot.notifications.sending import Delivered
from entrepot.tasks import asking
from entrepot.tasks.effects import carry_out
from entrepot.tasks.registry import task
from entrepot.tasks.retry import Snooze

# A wrong password does not repair itself within seconds; meanwhile everything waits.
AFTER_MISCONFIGURED = timedelta(minutes=15)
# The mailbox is written in one transaction: what is not there was never taken.
MAILBOX_EFFECT = Effect(
    guarantee="exactly_once", lookup_proves_absence=True, remembers_key=False, settle_seconds=1
)


@task("notifications.decide_mail")
def decide_mail(*, merchant_id: int, order_id: int | None, event_id: int, **_: object) -> None:
    """Decide whether an event is told to the order's customer."""
    if order_id is None:
        return
    with scope.merchant(merchant_id):
        news = news_of(Event.objects.get(merchant_id=merchant_id, id=event_id))
        if news is not None:
            services.decide_mail(order_id, merchant_id=merchant_id, news=news)


@task("notifications.send_mail")
def send_mail(*, merchant_id: int, subject_id: int, **_: object) -> None:
    """Let one mail leave, once."""
    decided = attempting.intend_mail(merchant_id, subject_id)
    if isinstance(decided, Wait):
        raise Snooze(decided.until, decided.reason)
    if decided is None:
        return
    carry_out(
        merchant_id=merchant_id,
        connection_id=None,  # the mail service is the installation's, not the storefront's
        lease=decided.lease,
        call=lambda: _deliver(decided.mail),
        recorder=MailRecorder(merchant_id, subject_id),
    )


@dataclass(frozen=True, slots=True)
class MailRecorder:
    """How a mail's endings are recorded."""

    merchant_id: int
    mail_id: int

    def accepted(self, lease: Lease, answer: Delivered) -> None:
        """The mail service has it."""
        attempting.record_accepted(self.merchant_id, self.mail_id, lease, answer)

    def refused(self, lease: Lease, *, code: str, message: str, fault: str) -> None:
        """The mail service refused it."""
        attempting.record_refused(self.merchant_id, self.mail_id, lease, code=code, message=message)

    def not_sent(self, lease: Lease, *, message: str) -> None:
        """Nothing left."""
        attempting.record_not_sent(self.merchant_id, self.mail_id, lease, message=message)

    def unknown(self, lease: Lease, *, message: str) -> None:
        """It may have left."""
        attempting.record_unknown(self.merchant_id, self.mail_id, lease, message=message)


def ask_mail(attempt: Attempt, lease: Lease) -> None:
    """Look an unknown mail up where that is possible, else ask a person."""
    mail = attempting.outgoing_of(attempt.merchant_id, attempt.subject_id)
    if mail is None or not sending.can_find(mail.mode):
        with scope.merchant(attempt.merchant_id):
            attempts.ask_a_person(
                lease, message="a mail service cannot be asked: please decide whether it arrived"
            )
        return
    found = sending.find(mail)
    if found is not None:
        MailRecorder(attempt.merchant_id, mail.mail_id).accepted(lease, found)
        return
    with scope.merchant(attempt.merchant_id):
        after, is_proved = attempts.found_nothing(lease, effect=MAILBOX_EFFECT)
        if is_proved:
            asking.after_not_sent(after)


def _deliver(mail: OutgoingMail) -> Delivered:
    try:
        return sending.deliver(mail)
    except Misconfigured as error:
        raise Unavailable(str(error), retry_after=AFTER_MISCONFIGURED) from error


asking.ASKERS[Kind.MAIL] = ask_mail
