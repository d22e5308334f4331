"""What mail services report afterwards reaches the mail, once; a complaint ends the mails."""

import json

import pytest
from django.conf import settings
from django.http import Http404
from django.test import Client, RequestFactory
from django.utils import timezone

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.notifications import facts, mail_services, services
from entrepot.notifications.models import Mail, MailEvent
from entrepot.notifications.services import News
from entrepot.notifications.states import Kind
from tests.cli.shell import run
from tests.notifications.sales import make_sale


def sent_mail(merchant: Merchant, reference: str) -> Mail:
    sale = make_sale(merchant)
    news = News(kind=Kind.CONFIRMATION, fact=facts.RELEASED, happened_at=timezone.now())
    mail = services.decide_mail(sale.order.id, merchant_id=merchant.id, news=news)
    assert mail is not None
    return services.record_sent(mail.id, merchant_id=merchant.id, esp_message_id=reference)


def report(event: dict[str, object], *, token: str = "") -> int:
    """Post one of Postmark's documented webhook bodies."""
    path = mail_services.webhook_url("postmark")
    body = json.dumps({"MessageID": "esp-1", "Recipient": "mareike@example.org", **event})
    request = RequestFactory().post(path, body, content_type="application/json")
    right = path.rstrip("/").rpartition("/")[2]
    return mail_services.receive(request, "postmark", token or right).status_code


DELIVERED: dict[str, object] = {
    "RecordType": "Delivery",
    "DeliveredAt": "2026-11-21T10:00:00Z",
    "Details": "smtp;250 2.0.0 OK",
}
BOUNCED: dict[str, object] = {
    "RecordType": "Bounce",
    "ID": 4323372036854775807,
    "Type": "HardBounce",
    "TypeCode": 1,
    "BouncedAt": "2026-11-21T11:00:00Z",
    "Details": "smtp;550 5.1.1 no such user",
}
COMPLAINED: dict[str, object] = {
    "RecordType": "SpamComplaint",
    "ID": 42,
    "Type": "SpamComplaint",
    "BouncedAt": "2026-11-21T12:00:00Z",
}


def state(merchant: Merchant) -> tuple[str, list[str]]:
    with scope.merchant(merchant.id):
        kinds = MailEvent.objects.order_by("id").values_list("kind", flat=True)
        return Mail.objects.get(merchant_id=merchant.id).status, list(kinds)


def test_a_delivery_is_recorded_once(merchant: Merchant) -> None:
    sent_mail(merchant, "esp-1")

    answers = [report(DELIVERED), report(DELIVERED)]

    assert answers == [200, 200]
    assert state(merchant) == ("delivered", ["delivered"])


def test_a_mail_service_needs_no_form_of_ours(merchant: Merchant) -> None:
    sent_mail(merchant, "esp-1")
    path = mail_services.webhook_url("postmark")
    body = json.dumps({"MessageID": "esp-1", "Recipient": "mareike@example.org", **DELIVERED})

    answer = Client(enforce_csrf_checks=True).post(path, body, content_type="application/json")

    assert answer.status_code == 200
    assert state(merchant) == ("delivered", ["delivered"])


def test_a_bounce_after_the_delivery_wins_whatever_comes_late(merchant: Merchant) -> None:
    mail = sent_mail(merchant, "esp-1")

    report(BOUNCED)
    report(DELIVERED)

    assert state(merchant) == ("bounced", ["bounced", "delivered"])
    with scope.merchant(merchant.id):
        assert "no such user" in Mail.objects.get(id=mail.id).reason


def test_a_complaint_stops_the_mails_about_the_order(merchant: Merchant) -> None:
    mail = sent_mail(merchant, "esp-1")
    report(COMPLAINED)

    news = News(kind=Kind.REFUNDED, fact=facts.refund("re_1"), happened_at=timezone.now())
    later = services.decide_mail(mail.order_id, merchant_id=merchant.id, news=news)

    assert later is not None
    assert (later.status, later.reason) == (
        "skipped",
        "the customer wants no mails about this order",
    )


def test_a_mail_of_another_system_is_passed_over(merchant: Merchant) -> None:
    sent_mail(merchant, "esp-2")

    assert report(DELIVERED) == 200

    assert state(merchant) == ("sent", [])


def test_a_guessed_address_finds_nothing(merchant: Merchant) -> None:
    sent_mail(merchant, "esp-1")

    with pytest.raises(Http404):
        report(DELIVERED, token="0" * 40)
    token = mail_services.webhook_url("pigeon").rstrip("/").rpartition("/")[2]
    request = RequestFactory().post("/", b"{}", content_type="application/json")
    with pytest.raises(Http404):
        mail_services.receive(request, "pigeon", token)

    assert state(merchant) == ("sent", [])


def test_the_command_prints_the_address_that_takes_what_the_service_says(
    merchant: Merchant,
) -> None:
    sent_mail(merchant, "esp-1")
    before = settings.EMAIL_BACKEND
    try:
        settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
        printed = run("mail-events")
    finally:
        settings.EMAIL_BACKEND = before

    assert (printed.code, printed.err) == (0, "")
    address = printed.out.strip()
    assert address.startswith(f"{settings.PUBLIC_URL}/mail-events/postmark/")
    body = json.dumps({"MessageID": "esp-1", "Recipient": "mareike@example.org", **DELIVERED})
    path = address.removeprefix(settings.PUBLIC_URL)
    taken = Client().post(path, body, content_type="application/json")
    assert taken.status_code == 200
    assert state(merchant) == ("delivered", ["delivered"])


def test_plain_smtp_reports_nothing(database: str) -> None:
    printed = run("mail-events")

    assert (printed.code, printed.out) == (1, "")
    assert "ENTREPOT_MAIL_SERVICE" in printed.err
