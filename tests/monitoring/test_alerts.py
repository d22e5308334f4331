"""Alerts: once per cause, counted, told grouped by mail and webhook, with their recovery."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.connect.addresses import check_address
from entrepot.connect.errors import Misconfigured, Unavailable
from entrepot.connections.models import Connection, Cursor, EffectPause
from entrepot.deadletters import services as deadletters
from entrepot.deadletters.services import NewDeadLetter
from entrepot.events.models import Event
from entrepot.monitoring import alerts, services, telling
from entrepot.monitoring.models import Alert, Installation
from entrepot.monitoring.services import Finding
from entrepot.notifications import queries as notifications
from entrepot.notifications.models import SandboxMail
from entrepot.obligations import services as obligations
from entrepot.obligations.services import NewObligation
from entrepot.obligations.states import Kind
from entrepot.tasks.alerts import watch
from tests.notifications.sales import make_storefront


@pytest.fixture
def addresses() -> Iterator[None]:
    """Alerts are mailed to the mailbox; the rest of the settings is put back."""
    names = ("ALERT_MAIL", "ALERT_WEBHOOK_URL", "EMAIL_BACKEND", "ALLOW_PRIVATE_ADDRESSES")
    before = {name: getattr(settings, name) for name in names}
    settings.ALERT_MAIL = "ops@example.org, nacht@example.org"
    settings.ALERT_WEBHOOK_URL = ""
    settings.EMAIL_BACKEND = "entrepot.notifications.mailbox.MailboxBackend"
    settings.ALLOW_PRIVATE_ADDRESSES = True
    yield
    for name, value in before.items():
        setattr(settings, name, value)


@contextmanager
def receiver(status: int = 200) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A place that takes alerts over HTTP: its address and what it got."""
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Keep quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/alerts", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def open_alerts(merchant: Merchant) -> list[tuple[str, int]]:
    with scope.merchant(merchant.id):
        return list(
            Alert.objects.filter(recovered_at=None).order_by("-id").values_list("kind", "count")
        )


def found(merchant: Merchant, cause: str, *, count: int = 2) -> Finding:
    return Finding(
        merchant_id=merchant.id, kind="stock", cause=cause, title="Stock differs", count=count
    )


def stand(*findings: Finding) -> tuple[int, int]:
    """Say what stands now; how many alerts were raised and how many are over."""
    return services.keep_standing(findings, kinds=["stock"])


def overdue(merchant: Merchant, *subjects: int) -> None:
    late = timezone.now() - timedelta(minutes=21)
    with scope.merchant(merchant.id):
        obligations.open_many(
            NewObligation(
                merchant_id=merchant.id,
                mode="live",
                kind=Kind.WRITE_BACK,
                subject_kind="shipment",
                subject_id=subject,
                due_at=late,
            )
            for subject in subjects
        )


def mails() -> list[tuple[str, str]]:
    with scope.system():
        rows = SandboxMail.objects.filter(recipient="ops@example.org").order_by("id")
        return [(mail.subject, mail.text) for mail in rows]


def test_an_alert_is_raised_once_per_cause_and_counted(merchant: Merchant) -> None:
    mug, cup = found(merchant, "sku:MUG-1", count=3), found(merchant, "sku:カップ", count=2)

    told = [stand(mug), stand(mug, cup), stand(cup), stand(cup), stand(replace(mug, title="Again"))]

    assert told == [(1, 0), (1, 0), (0, 1), (0, 0), (1, 1)]
    assert open_alerts(merchant) == [("stock", 3)]

    with scope.merchant(merchant.id):
        names = list(
            Event.objects.filter(merchant_id=merchant.id, name__startswith="alert.")
            .order_by("id")
            .values_list("name", flat=True)
        )
    assert Counter(names) == {"alert.raised": 3, "alert.recovered": 2}


def test_a_person_acknowledges_their_own_alerts(
    merchant: Merchant, other_merchant: Merchant
) -> None:
    stand(found(merchant, "sku:1"))
    with scope.merchant(merchant.id):
        alert_id = Alert.objects.get().id

    with pytest.raises(Alert.DoesNotExist):
        services.acknowledge(alert_id, merchant_id=other_merchant.id, by="user:9")
    services.acknowledge(alert_id, merchant_id=merchant.id, by="user:1")
    again = services.acknowledge(alert_id, merchant_id=merchant.id, by="user:2")

    assert again.acknowledged_by == "user:1"


def test_every_source_is_watched(merchant: Merchant, other_merchant: Merchant) -> None:
    now = timezone.now()
    overdue(merchant, 1, 2)
    deadletters.bury(
        NewDeadLetter(
            merchant_id=merchant.id, task="x.y", arguments={}, error="KeyError: 1", tries=3
        )
    )
    with scope.merchant(merchant.id):
        make_storefront(merchant, status="misconfigured", status_reason="401", name="Käse & Co")
        make_storefront(merchant, status="paused")
        make_storefront(merchant, last_useful_at=now - timedelta(hours=25), refused_in_a_row=3)
        make_storefront(
            merchant,
            last_useful_at=now - timedelta(hours=25),
            policy={"silent_after_hours": 0},
            refused_in_a_row=2,
        )
        make_storefront(merchant, live_since=now - timedelta(hours=25), name="nie gesprochen")
        make_storefront(merchant, live_since=now - timedelta(hours=23))
        for platform in ("prodigi", "direct"):  # these are asked, and do not speak by themselves
            make_storefront(merchant, platform=platform, last_useful_at=now - timedelta(hours=25))
        unread = make_storefront(merchant, last_useful_at=now)
        Cursor.objects.create(
            merchant_id=merchant.id,
            connection=unread,
            flow="orders",
            failed_in_a_row=4,
            last_error="503",
        )
        EffectPause.objects.create(
            merchant_id=merchant.id, mode="live", flow="mails", reason="70", is_fuse=True
        )
        EffectPause.objects.create(
            merchant_id=merchant.id, mode="live", flow="mails", reason="a person did", paused_by="x"
        )
    with scope.merchant(other_merchant.id):
        make_storefront(other_merchant, last_useful_at=now)

    with scope.system():
        found = alerts.standing(now)

    assert sorted((finding.kind, finding.count) for finding in found) == [
        ("connection_misconfigured", 1),
        ("connection_paused", 1),
        ("dead_letters", 1),
        ("fuse_blown", 1),
        ("obligations_overdue", 2),
        ("source_silent", 1),
        ("source_silent", 1),
        ("source_unreadable", 4),
        ("webhooks_refused", 3),
    ]
    assert {finding.merchant_id for finding in found} == {merchant.id}
    assert {finding.kind for finding in found} <= set(alerts.KINDS)


@pytest.mark.usefixtures("merchant")
def test_a_day_without_a_backup_and_paused_effects_concern_the_installation() -> None:
    now = timezone.now()
    before, settings.SANDBOX = settings.SANDBOX, False
    with scope.system():
        Installation.objects.create(
            id=1,
            identity="0f0e0d0c-0b0a-4908-8706-050403020100",
            host="a",
            public_url="https://hub.example",
            effects_paused_reason="moved",
            started_at=now - timedelta(hours=30),
        )
        found = {finding.kind: finding for finding in alerts.standing(now)}
        Installation.objects.update(last_backup_at=now - timedelta(hours=2))
        later = {finding.kind for finding in alerts.standing(now)}
    settings.SANDBOX = before

    assert set(found) == {"no_backup", "effects_paused"}
    assert found["no_backup"].merchant_id == services.INSTALLATION
    assert later == {"effects_paused"}


@pytest.mark.usefixtures("addresses")
def test_alerts_are_told_once_grouped_and_so_is_their_end(
    merchant: Merchant, other_merchant: Merchant
) -> None:
    overdue(merchant, 1, 2, 3)
    with scope.merchant(other_merchant.id):
        make_storefront(other_merchant, status="paused", name="さくら")

    told = [watch(), watch()]

    assert told == [2, 0]
    ((subject, text),) = mails()
    assert subject == "[Entrepot] 2 alerts"
    assert "Nordlicht Keramik\n\n- Overdue: 3 promises to write back" in text
    assert "喫茶 さくら\n\n- さくら is paused" in text

    with scope.merchant(merchant.id):
        obligations.meet_many([(merchant.id, "write_back", "shipment", n) for n in (1, 2, 3)])
    told = [watch(), watch()]

    assert told == [1, 0]
    assert mails()[1][0] == "[Entrepot] Over: Overdue: 3 promises to write back"
    assert open_alerts(merchant) == []
    assert len(open_alerts(other_merchant)) == 1
    with scope.merchant(merchant.id):
        (inside,) = notifications.news_of_operators(merchant.id, "live")
    assert inside.title == "Overdue: 3 promises to write back"


@pytest.mark.usefixtures("addresses")
def test_what_recovers_before_anybody_heard_of_it_is_not_told(merchant: Merchant) -> None:
    stand(found(merchant, "sku:1"))
    stand()

    assert telling.tell() == 0
    assert mails() == []


@pytest.mark.usefixtures("addresses")
def test_a_webhook_gets_the_same_as_json(merchant: Merchant) -> None:
    overdue(merchant, 1)
    with receiver() as (url, got):
        settings.ALERT_WEBHOOK_URL = url
        watch()

    (body,) = got
    assert str(body["text"]).startswith("Overdue: 1 promise to write back\n")
    (alert,) = body["alerts"]
    assert (alert["merchant"], alert["kind"], alert["count"], alert["recovered_at"]) == (
        "Nordlicht Keramik",
        "obligations_overdue",
        1,
        None,
    )
    assert len(mails()) == 1


@pytest.mark.usefixtures("addresses")
def test_only_when_every_way_fails_is_it_told_again(merchant: Merchant) -> None:
    overdue(merchant, 1)
    with receiver(status=500) as (url, got):
        settings.ALERT_WEBHOOK_URL = url
        settings.ALERT_MAIL = ""
        with pytest.raises(Unavailable):
            watch()

        settings.ALERT_MAIL = "ops@example.org"
        told = watch()

    assert told == 1
    assert len(got) == 2
    assert len(mails()) == 1


def test_a_webhook_inside_the_network_is_refused_unless_allowed() -> None:
    for url in ("http://127.0.0.1:9/x", "http://10.0.0.8/", "ftp://example.org", "nonsense"):
        with pytest.raises(Misconfigured):
            check_address(url, allow_private=False)
    check_address("http://127.0.0.1:9/x", allow_private=True)


def test_a_connections_state_is_told_while_it_lasts(merchant: Merchant) -> None:
    with scope.merchant(merchant.id):
        storefront = make_storefront(
            merchant, status="misconfigured", status_reason="401", last_useful_at=timezone.now()
        )
    watch()
    assert open_alerts(merchant) == [("connection_misconfigured", 1)]

    with scope.merchant(merchant.id):
        Connection.objects.filter(id=storefront.id).update(status="live")
    watch()

    assert open_alerts(merchant) == []


@pytest.mark.parametrize(("mode", "before"), [("live", ""), ("test", "/test")])
def test_what_is_wrong_with_a_connection_is_told_on_the_side_of_its_mode(
    merchant: Merchant, addresses: None, mode: str, before: str
) -> None:
    with scope.merchant(merchant.id):
        shop = make_storefront(merchant, mode=mode, status="misconfigured")

    watch()

    with scope.merchant(merchant.id):
        news = {
            side: list(
                notifications.news_of_operators(merchant.id, side).values_list("link", flat=True)
            )
            for side in ("live", "test")
        }
        raised = list(Event.objects.filter(name="alert.raised").values_list("mode", flat=True))
    other = "test" if mode == "live" else "live"
    assert news == {mode: [f"{before}/connections/{shop.id}/"], other: []}
    assert raised == [mode]
