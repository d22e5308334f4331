"""What is answered before Django: webhooks and live events tell a stranger nothing either."""

import json
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from django.conf import settings
from django.test import Client

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.config import asgi
from entrepot.connect import registry
from entrepot.inbox.models import InboxMessage
from tests.connections.accounts import a_shop, hook_path, signed_by_shop
from tests.dashboard.scene import Scene, sell
from tests.dashboard.test_live import opened, read_until
from tests.serving import serve
from tests.strangers.marks import state_of, told

# Every path that never reaches Django, and what shows here that it tells a stranger nothing.
KNOWN = {"/hooks/", "/api/webhooks/", "/events/stream", "/healthz", "/readyz"}
# Refused deliveries are kept for the connection's own people, and counted.
KEPT = {"inbox_refusal", "connections_connection", "event"}


@pytest.fixture
def site(database: str) -> Iterator[str]:
    with serve(asgi.application, lifespan="on") as address:
        yield address


def test_every_raw_path_is_known_to_the_walk() -> None:
    others = object()
    raw = {"/hooks/x", "/api/webhooks/x", "/events/stream", "/healthz", "/readyz"}

    assert {*asgi.WEBHOOK_PATHS, asgi.LIVE_PATH} <= KNOWN
    assert all(asgi._chosen(path, asgi._django) is not asgi._django for path in raw)
    assert asgi._chosen("/orders/", others) is others  # type: ignore[arg-type]


def test_a_strange_signature_brings_nothing_to_the_first_merchant(
    site: str,
    scene: Scene,
    things: dict[str, object],
    words: set[str],
    other_merchant: Merchant,
) -> None:
    theirs = a_shop(other_merchant, name="桜のお店")
    body = json.dumps({"id": 10482, "number": "10482", "total": "1.00"}).encode()
    signed = signed_by_shop(body, X_WC_Webhook_Delivery_ID="strange-1")
    before = state_of(scene.merchant.id)
    messages = _messages(scene)

    with httpx.Client(base_url=site, timeout=30, trust_env=False) as client:
        answers = [
            client.post(hook_path(connection), content=body, headers=signed)
            for connection in scene.connections.values()
        ]
        answers += [
            client.post(f"/api/webhooks/{alias}", content=body, headers=signed)
            for alias in sorted(_aliases())
        ]
        own = client.post(hook_path(theirs), content=body, headers=signed)
        health = [client.get(path) for path in ("/healthz", "/readyz")]

    # The print house signs nothing: a body there is a hint to read again, and says nothing itself.
    odd = [one for one in answers if one.status_code not in {400, 401, 404} and not _is_hint(one)]
    assert [(one.status_code, str(one.url), one.text) for one in odd] == []
    assert own.status_code == 200
    assert [told(one.text, words, asked="10482") for one in [*answers, *health]] == [
        [] for _ in [*answers, *health]
    ]
    changed = {name for name, rows in state_of(scene.merchant.id).items() if rows != before[name]}
    assert changed <= KEPT | HINTED
    assert all(message.is_hint for message in _messages(scene) if message not in messages)
    with scope.merchant(other_merchant.id):
        assert [row.merchant_id for row in InboxMessage.objects.all()] == [other_merchant.id]


def test_live_events_of_another_merchant_are_not_heard(
    site: str, scene: Scene, strange_person: Client
) -> None:
    assert settings.SESSION_COOKIE_NAME in strange_person.cookies

    with opened(site, strange_person) as strange:
        read_until(strange, b"retry: 5000")
        client = Client()
        client.force_login(next(iter(scene.people.values())), backend=BACKEND)
        with opened(site, client) as own:
            read_until(own, b"retry: 5000")
            sell(
                scene, "90001", customer="Zoë Ryś", country="BE", total="31.00", currency="EUR",
                lines=[("A-1", "Affiche", 3)], placed=timedelta(minutes=1),
            )  # fmt: skip
            heard = read_until(own, b'"orders": 1')
        strange.setblocking(False)
        with pytest.raises(BlockingIOError):
            strange.recv(4096)

    assert b"event: news" in heard


BACKEND = "django.contrib.auth.backends.ModelBackend"
# A hint is stored as work: the order is read again at the platform.
HINTED = {"inbox_message", "inbox_seen", "inbox_work"}


def _aliases() -> set[str]:
    return {
        alias
        for platform in registry.platforms().values()
        for alias in platform.manifest.webhook_aliases
    }


def _is_hint(answer: httpx.Response) -> bool:
    return answer.status_code == 200 and answer.json()["status"] in {"stored", "duplicate", "pong"}


def _messages(scene: Scene) -> list[InboxMessage]:
    with scope.merchant(scene.merchant.id):
        return list(InboxMessage.objects.order_by("id"))
