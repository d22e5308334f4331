"""Jobs that decide about mails and let them leave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from entrepot.access import scope
from entrepot.attempts import services as attempts
from entrepot.attempts.leases import Lease
from entrepot.attempts.models import Attempt
from entrepot.attempts.states import Kind
from entrepot.connect.errors import Misconfigured, Unavailable
from entrepot.connect.manifest import Effect
from entrepot.database import saving
from entrepot.events import outbox
from entrepot.events.models import Event
from entrepot.notifications import attempting, hearing, news, sending, services
from entrepot.notifications.attempting import MailCall, Wait
from entrepot.notifications.messages import OutgoingMail
from entrepot.notifications.sending import Delivered
from entrepot.obligations import services as obligations
from entrepot.tasks import asking
from entrepot.tasks.calls import CALLS_AT_ONCE
from entrepot.tasks.effects import Intended, carry_out_together
from entrepot.tasks.registry import Outcomes, Work, batch_task
from entrepot.tasks.retry import Snooze

# A wrong password does not repair itself within seconds; meanwhile everything waits.
AFTER_MISCONFIGURED = timedelta(minutes=15)
# When a worker dies, somebody is asked about each mail that was leaving: so few leave at a time.
LEAVING_AT_ONCE = 5
# The mailbox is written in one transaction: what is not there was never taken.
MAILBOX_EFFECT = Effect(
    guarantee="exactly_once", lookup_proves_absence=True, remembers_key=False, settle_seconds=1
)


@batch_task("notifications.decide_mail", at_once=50, side_by_side=1)
def decide_mail(merchant_id: int, batch: Sequence[Work]) -> Outcomes:
    """Decide whether events are told to their orders' customers."""
    mine = [work for work in batch if work.args["order_id"] is not None]
    with scope.merchant(merchant_id), obligations.gathered(), saving.together(len(mine)):
        services.decide_together(work.args["order_id"] for work in mine)
        events = {
            event.id: event
            for event in Event.objects.filter(
                merchant_id=merchant_id, id__in=[work.args["event_id"] for work in mine]
            )
        }
        hearing.read_together(list(events.values()))
        with news.gathered():
            for work in mine:
                with outbox.because(cause=work.cause):
                    heard = hearing.news_of(events[work.args["event_id"]])
                    if heard is not None:
                        services.decide_mail(
                            work.args["order_id"], merchant_id=merchant_id, news=heard
                        )
    return [None] * len(batch)


@batch_task("notifications.send_mail", at_once=CALLS_AT_ONCE)
def send_mail(merchant_id: int, batch: Sequence[Work]) -> Outcomes:
    """Let mails leave, each once."""
    outcomes: dict[int, Exception | None] = {}
    effects: dict[int, Intended[Delivered]] = {}
    for number, decided in _intend(merchant_id, batch).items():
        if isinstance(decided, Wait):
            outcomes[number] = Snooze(decided.until, decided.reason)
        elif decided is not None:
            effects[number] = _sending(merchant_id, decided, batch[number])
    numbers = list(effects)
    for start in range(0, len(numbers), LEAVING_AT_ONCE):
        turn = {number: effects[number] for number in numbers[start : start + LEAVING_AT_ONCE]}
        if start:  # the others took their time, and somebody may have pressed Stop meanwhile
            outcomes |= _take_back_stopped(merchant_id, turn)
        leaving = {number: effect for number, effect in turn.items() if number not in outcomes}
        ended = carry_out_together(
            merchant_id,
            list(leaving.values()),
            lock_together=lambda mail_ids: attempting.lock_together(merchant_id, mail_ids),
        )
        outcomes |= dict(zip(leaving, ended, strict=True))
    return [outcomes.get(number) for number in range(len(batch))]


def _take_back_stopped(
    merchant_id: int, turn: Mapping[int, Intended[Delivered]]
) -> dict[int, Exception]:
    """What the jobs are told of those mails that may not leave any more; by place in the batch."""
    leases = {effect.subject_id: effect.lease for effect in turn.values()}
    waits = attempting.take_back_stopped(merchant_id, leases)
    return {
        number: Snooze(waits[effect.subject_id].until, waits[effect.subject_id].reason)
        for number, effect in turn.items()
        if effect.subject_id in waits
    }


def _intend(merchant_id: int, batch: Sequence[Work]) -> dict[int, MailCall | Wait | None]:
    """Decide about all mails in one transaction; by place in the batch."""
    with scope.merchant(merchant_id), saving.together(len(batch)):
        mail_ids = [work.args["subject_id"] for work in batch]
        attempting.intend_together(merchant_id, mail_ids)
        decided = {}
        for number, work in enumerate(batch):
            with outbox.because(cause=work.cause):
                decided[number] = attempting.intend_mail(merchant_id, mail_ids[number])
        return decided


def _sending(merchant_id: int, decided: MailCall, work: Work) -> Intended[Delivered]:
    return Intended(
        subject_id=decided.mail.mail_id,
        connection_id=None,  # the mail service is the installation's, not the storefront's
        lease=decided.lease,
        call=lambda lease: _deliver(decided.mail, lease),
        recorder=MailRecorder(merchant_id, decided.mail.mail_id),
        cause=work.cause,
    )


@dataclass(frozen=True, slots=True)
class MailRecorder:
    """How a mail's endings are recorded."""

    merchant_id: int
    mail_id: int

    def accepted(self, lease: Lease, answer: Delivered) -> None:
        """The mail service has it."""
        attempting.record_accepted(self.merchant_id, self.mail_id, lease=lease, answer=answer)

    def refused(self, lease: Lease, *, code: str, message: str, fault: str) -> None:
        """The mail service refused it."""
        attempting.record_refused(
            self.merchant_id, self.mail_id, lease=lease, code=code, message=message
        )

    def not_sent(self, lease: Lease, *, message: str) -> None:
        """Nothing left."""
        attempting.record_not_sent(self.merchant_id, self.mail_id, lease=lease, message=message)

    def unknown(self, lease: Lease, *, message: str) -> None:
        """It may have left."""
        attempting.record_unknown(self.merchant_id, self.mail_id, lease=lease, message=message)


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


def _deliver(mail: OutgoingMail, lease: Lease) -> Delivered:
    try:
        return sending.deliver(mail, before_send=lease.check)
    except Misconfigured as error:
        raise Unavailable(str(error), retry_after=AFTER_MISCONFIGURED) from error


asking.ASKERS[Kind.MAIL] = ask_mail
