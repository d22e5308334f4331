"""A stop is a stop at once, also for mails that had been decided to leave by then."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.utils import timezone

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.attempts.models import Attempt
from entrepot.connections.models import EffectPause
from entrepot.notifications import facts, services
from entrepot.notifications.models import Mail
from entrepot.notifications.states import Kind
from entrepot.tasks.mail import LEAVING_AT_ONCE, send_mail
from entrepot.tasks.registry import Work
from entrepot.tasks.retry import Snooze
from tests.notifications.sales import make_sale, make_storefront
from tests.notifications.stopping import StoppingBackend

MORE = 7


@pytest.fixture
def service() -> Iterator[type[StoppingBackend]]:
    """The mail service that the settings name."""
    before = settings.EMAIL_BACKEND, settings.SANDBOX
    settings.EMAIL_BACKEND = "tests.notifications.stopping.StoppingBackend"
    settings.SANDBOX = False
    yield StoppingBackend
    settings.EMAIL_BACKEND, settings.SANDBOX = before
    StoppingBackend.taken.clear()
    StoppingBackend.merchant_ids.clear()


def confirmations(merchant: Merchant, count: int) -> list[Work]:
    """The jobs of mails that may leave."""
    with scope.merchant(merchant.id):
        shop = make_storefront(merchant, policy={"mail_gather_seconds": 0})
    works = []
    for number in range(count):
        sale = make_sale(merchant, number=f"N-{number}", storefront=shop)
        news = services.News(
            kind=Kind.CONFIRMATION, fact=facts.RELEASED, happened_at=timezone.now()
        )
        mail = services.decide_mail(sale.order.id, merchant_id=merchant.id, news=news)
        assert mail is not None
        works.append(Work({"order_id": sale.order.id, "subject_id": mail.id}, ""))
    return works


def test_mails_whose_turn_has_not_come_stay_when_somebody_presses_stop(
    merchant: Merchant, service: type[StoppingBackend]
) -> None:
    works = confirmations(merchant, LEAVING_AT_ONCE + MORE)
    service.merchant_ids.append(merchant.id)

    ended = send_mail(merchant.id, works)

    assert len(service.taken) == LEAVING_AT_ONCE
    assert [isinstance(one, Snooze) for one in ended] == [False] * LEAVING_AT_ONCE + [True] * MORE
    with scope.merchant(merchant.id):
        statuses = list(Mail.objects.order_by("id").values_list("status", flat=True))
        tried = list(Attempt.objects.order_by("id").values_list("status", flat=True))
    assert statuses == ["sent"] * LEAVING_AT_ONCE + ["waiting"] * MORE
    assert tried == ["accepted"] * LEAVING_AT_ONCE + ["not_sent"] * MORE


def test_what_was_stopped_leaves_once_when_it_goes_on(
    merchant: Merchant, service: type[StoppingBackend]
) -> None:
    works = confirmations(merchant, LEAVING_AT_ONCE + MORE)
    service.merchant_ids.append(merchant.id)
    send_mail(merchant.id, works)

    service.merchant_ids.clear()
    with scope.merchant(merchant.id):
        EffectPause.objects.update(resumed_at=timezone.now())
    again = send_mail(merchant.id, works)

    assert again == [None] * len(works)
    assert len(service.taken) == len(works)
