"""From an event to a mail in the mailbox, through the queue, the protocol and the mail service."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.attempts.models import Attempt
from entrepot.connections.models import Connection, EffectPause
from entrepot.events import outbox
from entrepot.fulfillment.models import Parcel
from entrepot.notifications import queries, sending
from entrepot.notifications.models import Mail, SandboxMail
from entrepot.obligations.models import Obligation
from entrepot.payments.models import Refund
from entrepot.tasks import deciding
from tests.notifications.post_office import PostOffice, post_office
from tests.notifications.sales import Sale, make_sale, make_storefront, refund, ship

RunJobs = Callable[..., int]
MANY_MAILS = {"mail_gather_seconds": 0}


@pytest.fixture
def office() -> Iterator[PostOffice]:
    """A mail server that the settings point to."""
    names = ("EMAIL_BACKEND", "EMAIL_HOST", "EMAIL_PORT", "SANDBOX")
    before = {name: getattr(settings, name) for name in names}
    with post_office() as office:
        settings.EMAIL_BACKEND = sending.SMTP
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", office.port
        settings.SANDBOX = False
        yield office
    for name, value in before.items():
        setattr(settings, name, value)


def sale_in(merchant: Merchant, mode: str, **changes: object) -> Sale:
    with scope.merchant(merchant.id):
        storefront = make_storefront(merchant, mode=mode, policy=MANY_MAILS)
    return make_sale(merchant, storefront=storefront, **changes)  # type: ignore[arg-type]


def happen(sale: Sale, name: str, subject: tuple[str, int] | None = None, **data: object) -> None:
    with scope.merchant(sale.merchant.id):
        outbox.record(
            name,
            merchant_id=sale.merchant.id,
            mode=sale.order.mode,
            order_id=sale.order.id,
            subject=subject,
            data=data,
        )


def mailbox(merchant: Merchant) -> list[str]:
    with scope.merchant(merchant.id):
        return [mail.subject for mail in SandboxMail.objects.order_by("id")]


def statuses(merchant: Merchant) -> list[tuple[str, str, str]]:
    """(kind, status of the mail, status of its attempt) of every mail."""
    with scope.merchant(merchant.id):
        tried = dict(Attempt.objects.filter(kind="mail").values_list("subject_id", "status"))
        return [
            (mail.kind, mail.status, tried.get(mail.id, "")) for mail in Mail.objects.order_by("id")
        ]


def test_a_released_order_is_confirmed_once(merchant: Merchant, run_jobs: RunJobs) -> None:
    sale = sale_in(merchant, "test")

    for _ in range(2):
        happen(sale, "order.released", by="paid")
        run_jobs()

    assert mailbox(merchant) == ["Wir haben deine Bestellung 10482"]
    assert statuses(merchant) == [("confirmation", "sent", "accepted")]
    with scope.merchant(merchant.id):
        promise = Obligation.objects.get(merchant_id=merchant.id, kind="tell_customer")
    assert promise.end == "met"


def test_each_fact_that_a_customer_cares_about_is_told(
    merchant: Merchant, run_jobs: RunJobs
) -> None:
    sale = sale_in(merchant, "test", language="en", name="Zoë")
    shipment = ship(sale, 1, {0: 2, 1: 3}, tracking=("NP 1",), delivered_at=timezone.now())
    with scope.merchant(merchant.id):
        parcel = Parcel.objects.get(shipment=shipment)
    entry = refund(sale, "re_1", "21.80")

    happen(sale, "shipment.recorded", ("shipment", shipment.id))
    happen(sale, "parcel.exception", ("parcel", parcel.id))
    happen(sale, "parcel.presumed_delivered", ("parcel", parcel.id))
    happen(sale, "parcel.delivered", ("parcel", parcel.id))
    happen(sale, "payment.refunded", ("payment_entry", entry.id), amount="21.80", currency="EUR")
    happen(sale, "order.cancelled", by="shop")
    run_jobs()

    assert sorted(kind for kind, _, _ in statuses(merchant)) == [
        "cancelled",
        "delivered",
        "exception",
        "refunded",
        "shipped",
    ]
    assert len(mailbox(merchant)) == 5
    with scope.merchant(merchant.id):
        news = queries.news_of_customer(merchant.id, sale.customer.id)
        titles = {item.title for item in news}
        unread = queries.unread_count(merchant.id, customer_id=sale.customer.id)
    assert "Your parcel is on its way" in titles
    assert unread == 5


def test_what_a_person_did_is_told_only_if_chosen(merchant: Merchant, run_jobs: RunJobs) -> None:
    sale = sale_in(merchant, "test")
    entry = refund(sale, "re_9", "58.00")
    with scope.merchant(merchant.id):
        Refund.objects.create(
            merchant_id=merchant.id,
            mode="test",
            order_id=sale.order.id,
            connection_id=sale.storefront.id,
            payment_external_id="pay_1",
            number=1,
            amount=entry.amount,
            currency=entry.currency,
            reason="broken",
            external_id="re_9",
            wanted_by="user:3",
        )

    happen(sale, "payment.refunded", ("payment_entry", entry.id), amount="21.80", currency="EUR")
    happen(sale, "order.lines_cancelled", by="user:3")
    happen(sale, "order.cancelled", by="user:3", tells_customer=True)
    run_jobs()

    assert mailbox(merchant) == ["Deine Bestellung ist storniert: Bestellung 10482"] or mailbox(
        merchant
    ) == ["Ein Teil deiner Bestellung ist storniert: Bestellung 10482"]
    assert sorted(statuses(merchant)) == [
        ("cancelled", "sent", "accepted"),
        ("cancelled", "skipped", ""),
        ("refunded", "skipped", ""),
    ]


def test_a_lost_answer_is_asked_about_and_never_sent_again(
    merchant: Merchant, run_jobs: RunJobs, office: PostOffice
) -> None:
    office.hangs_up_at = "content"
    sale = sale_in(merchant, "live")
    happen(sale, "order.released", by="paid")

    run_jobs()
    office.hangs_up_at = ""
    with scope.merchant(merchant.id):
        Attempt.objects.update(next_ask_at=timezone.now())
    run_jobs(timedelta(hours=1))

    assert statuses(merchant) == [("confirmation", "unknown", "unknown")]
    assert office.taken == []
    with scope.merchant(merchant.id):
        attempt = Attempt.objects.get()
        assert attempt.needs_person
        assert "decide whether it arrived" in attempt.message


def test_a_person_who_knows_that_it_never_left_lets_it_leave(
    merchant: Merchant, run_jobs: RunJobs, office: PostOffice
) -> None:
    office.hangs_up_at = "content"
    sale = sale_in(merchant, "live")
    happen(sale, "order.released", by="paid")
    run_jobs()
    office.hangs_up_at = ""

    with scope.merchant(merchant.id):
        attempt = Attempt.objects.get()
        deciding.decide(
            merchant.id, attempt.id, happened=False, by="user:3", reason="not in the server's log"
        )
    run_jobs()

    assert len(office.taken) == 1
    assert statuses(merchant) == [("confirmation", "sent", "accepted")]


def test_a_person_who_knows_that_it_arrived_ends_it(
    merchant: Merchant, run_jobs: RunJobs, office: PostOffice
) -> None:
    office.hangs_up_at = "content"
    sale = sale_in(merchant, "live")
    happen(sale, "order.released", by="paid")
    run_jobs()
    office.hangs_up_at = ""

    with scope.merchant(merchant.id):
        attempt = Attempt.objects.get()
        deciding.decide(merchant.id, attempt.id, happened=True, by="user:3", reason="she has it")
    run_jobs()

    assert office.taken == []
    assert statuses(merchant) == [("confirmation", "sent", "accepted")]
    with scope.merchant(merchant.id):
        assert Obligation.objects.get(kind="tell_customer").end == "met"


def test_a_busy_server_gets_the_same_mail_later(
    merchant: Merchant, run_jobs: RunJobs, office: PostOffice
) -> None:
    office.answers["RCPT"] = "451 later"
    sale = sale_in(merchant, "live")
    happen(sale, "order.released", by="paid")
    run_jobs()
    assert statuses(merchant) == [("confirmation", "waiting", "not_sent")]

    office.answers.clear()
    run_jobs(timedelta(hours=1))

    assert len(office.taken) == 1
    assert statuses(merchant) == [("confirmation", "sent", "accepted")]


def test_a_refused_address_stays_owed(
    merchant: Merchant, run_jobs: RunJobs, office: PostOffice
) -> None:
    office.answers["RCPT"] = "550 no such user"
    sale = sale_in(merchant, "live")
    happen(sale, "order.released", by="paid")

    run_jobs()

    assert statuses(merchant) == [("confirmation", "refused", "rejected")]
    with scope.merchant(merchant.id):
        assert Obligation.objects.get(kind="tell_customer").end == ""


def test_a_paused_storefront_mails_nothing_and_loses_nothing(
    merchant: Merchant, run_jobs: RunJobs
) -> None:
    sale = sale_in(merchant, "test")
    set_status(sale, "paused")
    happen(sale, "order.released", by="paid")
    run_jobs()
    assert mailbox(merchant) == []

    set_status(sale, "live")
    run_jobs(timedelta(hours=1))

    assert len(mailbox(merchant)) == 1


def test_the_fuse_stops_mails_that_run_away(
    merchant: Merchant, run_jobs: RunJobs, office: PostOffice
) -> None:
    sale = sale_in(merchant, "live")
    with scope.merchant(merchant.id):
        Connection.objects.filter(id=sale.storefront.id).update(
            policy={"mail_gather_seconds": 0, "hourly_ceilings": {"mails": 2}}
        )
    first = [sale, make_sale(merchant, number="N-1", storefront=sale.storefront)]
    for one in first:
        happen(one, "order.released", by="paid")
    run_jobs()
    assert len(office.taken) == 2

    for n in range(2, 5):
        third = make_sale(merchant, number=f"N-{n}", storefront=sale.storefront)
        happen(third, "order.released", by="paid")
    run_jobs()

    assert len(office.taken) == 2
    with scope.merchant(merchant.id):
        pauses = EffectPause.objects.filter(merchant_id=merchant.id, resumed_at=None)
        assert [(pause.flow, pause.is_fuse) for pause in pauses] == [("mails", True)]
        assert Mail.objects.filter(status="waiting").count() == 3


def set_status(sale: Sale, status: str) -> None:
    with scope.merchant(sale.merchant.id):
        Connection.objects.filter(id=sale.storefront.id).update(status=status)
