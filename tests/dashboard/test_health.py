"""Health: what alerts, what every part of the hub is like, and that nothing leaves after a copy."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from entrepot.access import scope
from entrepot.access.states import Role
from entrepot.connections.models import Connection
from entrepot.monitoring import installation
from entrepot.monitoring.models import Alert, Installation
from entrepot.monitoring.services import INSTALLATION, Finding, keep_standing
from entrepot.tasks.health import health_of
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene
from tests.dashboard.test_inbox import page_of


def shown(client: Client, path: str = "/health/") -> str:
    """What a page says, without its marks."""
    return re.sub(r"(<[^>]+>|\s)+", " ", page_of(client, path))


def installed(*, backed_up: timedelta | None = None, paused: str = "") -> None:
    """An installation of three days ago; `backed_up` is how long ago."""
    now = timezone.now()
    with scope.system():
        Installation.objects.update_or_create(
            id=1,
            defaults={
                "identity": "5e0c9b4e-7a0e-4f6a-9f2a-27b1c7f2f001",
                "host": "werkstatt",
                "public_url": "https://hub.example",
                "effects_paused_reason": paused,
                "started_at": now - timedelta(days=3),
                "last_backup_at": now - backed_up if backed_up else None,
            },
        )
    installation.forget()


def test_every_part_that_an_operator_answers_for_is_on_one_page(
    scene: Scene, sign_in: SignIn
) -> None:
    installed(backed_up=timedelta(hours=3))
    with scope.merchant(scene.merchant.id):
        Connection.objects.filter(id=scene.connections["shop"].id).update(
            status="misconfigured", status_reason="401 for the consumer key"
        )

    page = shown(sign_in(scene))

    assert re.search(r"Last backup 3 h ago Within the day", page)
    assert re.search(r"Database [\d.]+ ms Healthy PostgreSQL \d+", page)
    assert re.search(r"Inbox live (In time|Late) ", page)
    assert re.search(r"Misconfigured Answers ", page)
    assert "Seemöwe Shop is misconfigured" in page.partition("Alerts")[0]
    assert re.search(r"Imported \d", page)
    assert "Unknown outcomes" in page
    assert "Mails, 24 hours" in page


@pytest.mark.parametrize(
    ("backed_up", "said"),
    [
        (timedelta(hours=23), "Within the day"),
        (timedelta(hours=25), "More than a day: run entrepot backup"),
        (None, "never More than a day"),
    ],
)
def test_a_backup_that_is_missing_is_said_and_degrades_the_hub(
    empty_scene: Scene, sign_in: SignIn, backed_up: timedelta | None, said: str
) -> None:
    installed(backed_up=backed_up)

    page = shown(sign_in(empty_scene))

    health = health_of(empty_scene.merchant.id, "live")
    assert said in page
    assert health.backup.is_late == ("Within the day" not in said)
    assert (health.verdict == "healthy") is not health.backup.is_late


def test_an_alert_is_shown_until_it_is_over_and_says_who_has_seen_it(
    scene: Scene, sign_in: SignIn
) -> None:
    shop = scene.connections["shop"]
    silent = Finding(
        merchant_id=scene.merchant.id,
        kind="source_silent",
        cause=f"connection:{shop.id}",
        title="Nothing has come from Möwenladen",
        detail="The last useful message came 2026-11-26 04:30 UTC.",
        connection_id=shop.id,
    )
    ours = Finding(
        merchant_id=INSTALLATION,
        kind="no_backup",
        cause="installation",
        title="No backup for 24 hours",
        detail="The last one: never. Run a backup.",
    )
    kinds = ["source_silent", "no_backup"]
    keep_standing([silent, ours], kinds=kinds)
    with scope.merchant(scene.merchant.id):
        alert = Alert.objects.get(kind="source_silent")
    client = sign_in(scene)

    before = page_of(client, "/health/")
    answer = client.post(f"/health/alerts/{alert.id}/seen/")
    seen = page_of(client, "/health/")
    keep_standing([], kinds=kinds)
    after = page_of(client, "/health/")

    where = f'<a class="strong" href="/connections/{shop.id}/" dir="auto">Nothing has come from'
    assert where in before
    assert "Of the whole installation" in before
    assert before.count("Mark as seen</button>") == 1
    assert answer.status_code == 302
    assert "Seen by" in seen
    assert "Mark as seen</button>" not in seen
    assert "No alerts" in after
    assert "Nothing has come from Möwenladen" in after.partition("Over lately")[2]


def test_the_verdict_says_what_it_follows_from(empty_scene: Scene, sign_in: SignIn) -> None:
    installed(backed_up=timedelta(hours=30))

    page = shown(sign_in(empty_scene)).partition("Alerts")[0]

    assert "Degraded the last backup is late" in page


def test_only_who_may_act_on_health_marks_alerts(scene: Scene, sign_in: SignIn) -> None:
    keep_standing(
        [Finding(merchant_id=scene.merchant.id, kind="x", cause="y", title="Stille")], kinds=["x"]
    )
    with scope.merchant(scene.merchant.id):
        alert = Alert.objects.get(kind="x")
    viewer = sign_in(scene, Role.VIEWER)

    page = page_of(viewer, "/health/")
    answer = viewer.post(f"/health/alerts/{alert.id}/seen/")

    assert "Stille" in page
    assert "Mark as seen</button>" not in page
    assert answer.status_code == 403
    with scope.merchant(scene.merchant.id):
        assert Alert.objects.get(id=alert.id).acknowledged_at is None


@pytest.mark.parametrize("path", ["/", "/orders/", "/health/", "/attention/"])
def test_every_page_says_that_nothing_leaves_a_copy_and_what_ends_that(
    scene: Scene, sign_in: SignIn, path: str
) -> None:
    installed(paused="the data folder is a copy: the original may still run")

    page = shown(sign_in(scene), path)

    assert "Nothing leaves this installation" in page
    assert "the data folder is a copy: the original may still run" in page
    assert "entrepot reconcile" in page
    installed()
    assert "Nothing leaves this installation" not in shown(sign_in(scene), path)
