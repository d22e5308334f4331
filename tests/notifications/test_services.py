"""Which mails a customer gets (rule 16), when they leave, and what became of them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.database import sql
from entrepot.events.models import Event
from entrepot.notifications import attempting, configuring, facts, services
from entrepot.notifications.models import Mail
from entrepot.notifications.services import News
from entrepot.notifications.states import IllegalStep, Kind, MailStatus, Sender
from entrepot.obligations.models import Obligation
from entrepot.orders.models import Order
from tests.notifications.sales import Sale, make_sale, make_storefront, ship

NOW = timezone.now


def tell(sale: Sale, kind: Kind, fact: str, **changes: object) -> Mail | None:
    values: dict[str, object] = {"kind": kind, "fact": fact, "happened_at": NOW()}
    news = News(**(values | changes))  # type: ignore[arg-type]
    return services.decide_mail(sale.order.id, merchant_id=sale.merchant.id, news=news)


def mails(merchant: Merchant) -> list[tuple[str, str, list[str]]]:
    with scope.merchant(merchant.id):
        rows = Mail.objects.filter(merchant_id=merchant.id).order_by("id")
        return [(mail.kind, mail.status, mail.facts) for mail in rows]


def obligations(merchant: Merchant) -> list[tuple[str, str]]:
    with scope.merchant(merchant.id):
        rows = Obligation.objects.filter(merchant_id=merchant.id).order_by("id")
        return [(row.kind, row.end) for row in rows]


def test_a_confirmation_leaves_at_once_and_is_promised(merchant: Merchant) -> None:
    sale = make_sale(merchant)

    mail = tell(sale, Kind.CONFIRMATION, facts.RELEASED)

    assert mail is not None
    assert mail.send_after <= NOW()
    with scope.merchant(merchant.id):
        promise = Obligation.objects.get(merchant_id=merchant.id)
    assert (promise.kind, promise.subject_kind, promise.subject_id) == (
        "tell_customer",
        "mail",
        mail.id,
    )
    assert promise.due_at == mail.send_after + timedelta(minutes=5)


def test_the_same_news_twice_is_one_mail(merchant: Merchant) -> None:
    sale = make_sale(merchant)

    first = tell(sale, Kind.CONFIRMATION, facts.RELEASED)
    again = tell(sale, Kind.CONFIRMATION, facts.RELEASED)

    assert first == again
    assert mails(merchant) == [("confirmation", "waiting", ["released"])]


def test_facts_within_ten_minutes_become_one_mail(merchant: Merchant) -> None:
    sale = make_sale(merchant)
    ship(sale, 1, {0: 2}, tracking=("NP 1",))
    first = tell(sale, Kind.SHIPPED, facts.shipment(1))
    ship(sale, 2, {1: 3}, tracking=("NP 2",))

    second = tell(sale, Kind.SHIPPED, facts.shipment(2))

    assert first is not None
    assert second is not None
    assert first.kind == Kind.PARTLY_SHIPPED
    assert second.id == first.id
    assert mails(merchant) == [("shipped", "waiting", ["shipment:1", "shipment:2"])]
    wait = second.send_after - second.created_at
    assert timedelta(minutes=9, seconds=50) < wait < timedelta(minutes=10, seconds=10)
    assert tell(sale, Kind.SHIPPED, facts.shipment(1)) == first


def test_a_mail_that_may_gather_is_taken_up_only_when_that_is_over(merchant: Merchant) -> None:
    sale = make_sale(merchant)
    ship(sale, 1, {0: 2})

    mail = tell(sale, Kind.SHIPPED, facts.shipment(1))

    assert mail is not None
    with scope.system():
        ((runs_at,),) = sql.fetch(
            "SELECT execute_after FROM pgqueuer WHERE entrypoint = 'notifications.send_mail'"
        )
    assert abs(runs_at - mail.send_after) < timedelta(seconds=1)


def test_the_gathering_is_the_storefronts_policy(merchant: Merchant) -> None:
    with scope.merchant(merchant.id):
        quick = make_storefront(merchant, policy={"mail_gather_seconds": 2})
    sale = make_sale(merchant, storefront=quick)
    ship(sale, 1, {0: 2})

    mail = tell(sale, Kind.SHIPPED, facts.shipment(1))

    assert mail is not None
    assert mail.send_after - mail.created_at < timedelta(seconds=3)


def test_nothing_joins_a_mail_whose_content_stands(merchant: Merchant) -> None:
    sale = make_sale(merchant)
    ship(sale, 1, {0: 2})
    first = tell(sale, Kind.SHIPPED, facts.shipment(1))
    assert first is not None
    services.prepare(first.id, merchant_id=merchant.id)
    ship(sale, 2, {1: 3})

    tell(sale, Kind.SHIPPED, facts.shipment(2))

    assert mails(merchant) == [
        ("partly_shipped", "waiting", ["shipment:1"]),
        ("shipped", "waiting", ["shipment:2"]),
    ]


@pytest.mark.parametrize(
    ("_case", "order", "news", "reason"),
    [
        (
            "older than 48 hours",
            {},
            {"happened_at": NOW() - timedelta(hours=49)},
            "more than 48 hours ago",
        ),
        ("a person chose not to", {}, {"tells_customer": False}, "chose not to tell"),
        ("no e-mail address", {"email": ""}, {}, "the order has no e-mail address"),
        ("a marketplace's customer", {"channel": "bazaar"}, {}, "bazaar does not allow mail"),
    ],
)
def test_what_is_not_told_leaves_its_reason(
    merchant: Merchant,
    _case: str,
    order: dict[str, str],
    news: dict[str, object],
    reason: str,
) -> None:
    with scope.merchant(merchant.id):
        policy = {"marketplace_channels": ["bazaar", "souk"], "mailed_channels": ["souk"]}
        storefront = make_storefront(merchant, policy=policy)
    sale = make_sale(merchant, storefront=storefront, **order)

    mail = tell(sale, Kind.DELIVERED, facts.parcel(1, 1, news="delivered"), **news)

    assert mail is not None
    assert mail.status == MailStatus.SKIPPED
    assert reason in mail.reason
    assert obligations(merchant) == []
    with scope.merchant(merchant.id):
        event = Event.objects.get(merchant_id=merchant.id, name="notification.skipped")
    assert reason in event.reason


def test_a_marketplace_that_allows_mail_gets_it(merchant: Merchant) -> None:
    with scope.merchant(merchant.id):
        policy = {"marketplace_channels": ["bazaar", "souk"], "mailed_channels": ["souk"]}
        storefront = make_storefront(merchant, policy=policy)
    sale = make_sale(merchant, storefront=storefront, channel="souk")

    tell(sale, Kind.CONFIRMATION, facts.RELEASED)

    assert mails(merchant) == [("confirmation", "waiting", ["released"])]


@pytest.mark.parametrize("sender", [Sender.SHOP, Sender.NOBODY])
def test_each_kind_has_one_declared_sender(merchant: Merchant, sender: Sender) -> None:
    sale = make_sale(merchant)
    configuring.choose_sender(
        sale.storefront.id, Kind.CONFIRMATION, sender=sender, merchant_id=merchant.id, by="user:3"
    )

    tell(sale, Kind.CONFIRMATION, facts.RELEASED)
    tell(sale, Kind.REFUNDED, facts.refund("re_1"))

    assert [(kind, status) for kind, status, _ in mails(merchant)] == [
        ("confirmation", "skipped"),
        ("refunded", "waiting"),
    ]


def test_history_is_left_alone(merchant: Merchant) -> None:
    sale = make_sale(merchant, is_history=True)

    mail = tell(sale, Kind.DELIVERED, facts.parcel(1, 1, news="delivered"))

    assert mail is None
    assert mails(merchant) == []


def test_an_observing_storefront_shows_what_it_would_mail(merchant: Merchant) -> None:
    with scope.merchant(merchant.id):
        storefront = make_storefront(merchant, status="observing", live_since=None)
    sale = make_sale(merchant, storefront=storefront, is_history=True)

    fresh = tell(sale, Kind.CONFIRMATION, facts.RELEASED)
    old = tell(sale, Kind.REFUNDED, facts.refund("re_1"), happened_at=NOW() - timedelta(days=300))

    assert fresh is not None
    assert fresh.status == MailStatus.SKIPPED
    assert fresh.reason.startswith("observing")
    assert old is None


def test_content_is_fixed_once(merchant: Merchant) -> None:
    sale = make_sale(merchant)
    mail = tell(sale, Kind.CONFIRMATION, facts.RELEASED)
    assert mail is not None

    first = services.prepare(mail.id, merchant_id=merchant.id)
    with scope.merchant(merchant.id):
        Order.objects.filter(id=sale.order.id).update(number="something else")
    again = services.prepare(mail.id, merchant_id=merchant.id)

    assert first is not None
    assert first == again
    assert first.recipient == "mareike@example.org"
    assert "10482" in first.subject
    with scope.merchant(merchant.id):
        row = Mail.objects.get(id=mail.id)
    assert b"mareike" not in bytes(row.recipient_sealed)


def test_the_message_id_derives_from_the_sale(merchant: Merchant, other_merchant: Merchant) -> None:
    ids = []
    for owner in (merchant, other_merchant):  # two databases that know the same sale
        sale = make_sale(owner)
        mail = tell(sale, Kind.CONFIRMATION, facts.RELEASED)
        assert mail is not None
        outgoing = services.prepare(mail.id, merchant_id=owner.id)
        assert outgoing is not None
        ids.append(outgoing.message_id)

    assert ids[0] == ids[1]
    assert ids[0].startswith("<mail-")


def test_a_mail_that_nobody_wants_any_more_is_dropped(merchant: Merchant) -> None:
    sale = make_sale(merchant)
    mail = tell(sale, Kind.CONFIRMATION, facts.RELEASED)
    assert mail is not None
    with scope.merchant(merchant.id):
        Order.objects.filter(id=sale.order.id).update(units_cancelled=5)

    outgoing = services.prepare(mail.id, merchant_id=merchant.id)

    assert outgoing is None
    assert mails(merchant) == [("confirmation", "skipped", ["released"])]
    assert obligations(merchant) == [("tell_customer", "void")]


def test_a_sent_mail_meets_its_promise_once(merchant: Merchant) -> None:
    sale = make_sale(merchant)
    mail = tell(sale, Kind.CONFIRMATION, facts.RELEASED)
    assert mail is not None

    services.record_unknown(mail.id, merchant_id=merchant.id, why="no answer")
    for _ in range(2):
        services.record_sent(mail.id, merchant_id=merchant.id, esp_message_id="esp-1")

    assert mails(merchant) == [("confirmation", "sent", ["released"])]
    assert obligations(merchant) == [("tell_customer", "met")]
    with scope.merchant(merchant.id):
        names = list(
            Event.objects.filter(merchant_id=merchant.id, name__startswith="notification.")
            .order_by("id")
            .values_list("name", flat=True)
        )
    assert names == ["notification.wanted", "notification.became_unknown", "notification.sent"]


def test_a_refused_mail_stays_owed(merchant: Merchant) -> None:
    sale = make_sale(merchant)
    mail = tell(sale, Kind.CONFIRMATION, facts.RELEASED)
    assert mail is not None

    services.record_refused(mail.id, merchant_id=merchant.id, why="550 no such user")

    assert mails(merchant) == [("confirmation", "refused", ["released"])]
    assert obligations(merchant) == [("tell_customer", "")]


def test_resending_is_a_new_mail_that_refers_to_the_old(merchant: Merchant) -> None:
    sale = make_sale(merchant)
    old = tell(sale, Kind.CONFIRMATION, facts.RELEASED)
    assert old is not None
    with pytest.raises(services.CannotResend):
        services.resend(old.id, merchant_id=merchant.id, by="user:3", reason="too early")
    services.record_sent(old.id, merchant_id=merchant.id, esp_message_id="esp-1")

    new = services.resend(old.id, merchant_id=merchant.id, by="user:3", reason="lost in spam")
    again = services.resend(old.id, merchant_id=merchant.id, by="user:3", reason="impatient")

    assert new == again
    assert (new.resends_id, new.facts, new.kind) == (old.id, ["released"], "confirmation")
    first = services.prepare(new.id, merchant_id=merchant.id)
    assert first is not None
    with scope.merchant(merchant.id):
        assert Mail.objects.get(id=new.id).message_id != Mail.objects.get(id=old.id).message_id


def test_a_mail_that_may_have_arrived_is_never_resent(merchant: Merchant) -> None:
    sale = make_sale(merchant)
    mail = tell(sale, Kind.CONFIRMATION, facts.RELEASED)
    assert mail is not None
    services.record_unknown(mail.id, merchant_id=merchant.id, why="no answer")

    with pytest.raises(services.CannotResend):
        services.resend(mail.id, merchant_id=merchant.id, by="user:3", reason="to be safe")

    assert len(mails(merchant)) == 1


def test_a_customer_stops_the_mails_about_an_order(merchant: Merchant) -> None:
    sale = make_sale(merchant)
    other = make_sale(merchant, number="10500", email="ken@example.jp", name="山田 健")
    tell(sale, Kind.REFUNDED, facts.refund("re_1"))

    for _ in range(2):
        services.stop_mails(sale.order.id, merchant_id=merchant.id, by="customer:1")
    tell(sale, Kind.DELIVERED, facts.parcel(1, 1, news="delivered"))
    tell(other, Kind.CONFIRMATION, facts.RELEASED)

    assert [(kind, status) for kind, status, _ in mails(merchant)] == [
        ("refunded", "skipped"),
        ("delivered", "skipped"),
        ("confirmation", "waiting"),
    ]


def test_a_mail_that_could_not_leave_waits_and_can_be_dropped_one_that_may_have_left_not(
    merchant: Merchant,
) -> None:
    mail = tell(make_sale(merchant), Kind.CONFIRMATION, facts.RELEASED)
    assert mail is not None
    call = attempting.intend_mail(merchant.id, mail.id)
    assert isinstance(call, attempting.MailCall)
    with pytest.raises(IllegalStep):
        services.skip_mail(mail.id, merchant_id=merchant.id, by="user:3", reason="told by phone")

    attempting.record_not_sent(merchant.id, mail.id, lease=call.lease, message="nobody answers")
    services.skip_mail(mail.id, merchant_id=merchant.id, by="user:3", reason="told by phone")

    assert [status for _, status, _ in mails(merchant)] == ["skipped"]


def test_a_person_drops_a_mail_that_waits(merchant: Merchant) -> None:
    sale = make_sale(merchant)
    mail = tell(sale, Kind.REFUNDED, facts.refund("re_1"))
    assert mail is not None

    services.skip_mail(mail.id, merchant_id=merchant.id, by="user:3", reason="told by phone")

    assert mails(merchant) == [("refunded", "skipped", ["refund:re_1"])]
    with pytest.raises(IllegalStep):
        services.skip_mail(mail.id, merchant_id=merchant.id, by="user:3", reason="again")
