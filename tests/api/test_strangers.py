"""Another merchant's key walks every operation and finds nothing of the first's."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from entrepot.access import scope
from entrepot.access.permissions import SCOPES
from entrepot.attempts.models import Attempt
from entrepot.canon.money import Money
from entrepot.canon.orders import Mode
from entrepot.connections import services as connections
from entrepot.deadletters.models import DeadLetter
from entrepot.events.models import Event
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.inbox.models import InboxMessage, InboxWork
from entrepot.monitoring.models import Alert
from entrepot.notifications.models import Mail
from entrepot.obligations.models import Obligation
from entrepot.orders.models import Hold
from entrepot.payments import refunds
from entrepot.payments.models import Checkout
from tests.api.calling import Caller, caller
from tests.api.walking import PARAMETER, filled, operations
from tests.dashboard.scene import Scene, sell, share, unknown

# Lists that say the same to everybody, and readings that are the asker's own.
OWN = {"list_platforms", "get_health"}
DOCUMENTED = (
    ("GET", "/api/orders/management", None),
    ("PATCH", "/api/orders/management", {"order_id": "10482", "notes": "Fremder"}),
    ("GET", "/api/orders/10482/status", None),
    ("POST", "/api/orders/10482/status", None),
    ("GET", "/api/dropship/prodigi?order_id=10482", None),
    ("POST", "/api/dropship/prodigi", {"order_id": "10482"}),
    ("GET", "/api/notifications", None),
    ("PATCH", "/api/notifications", {"markAllAsRead": True}),
    ("DELETE", "/api/notifications", {"all": True}),
    ("GET", "/api/admin/health", None),
    ("POST", "/api/admin/health", {"action": "process_pending_retries"}),
)
# Words that only the first merchant's things hold.
MARKS = ("10482", "mareike", "Seemöwe", "Leuchtturm", "Möwengasse", "shop.example", "Inventur")


@pytest.fixture
def things(shop_day: Scene) -> dict[str, object]:
    """One of everything that a path can name, all of the first merchant."""
    merchant_id = shop_day.merchant.id
    order = shop_day.order("10482")
    sold = sell(
        shop_day, "10482-B", customer="Mareike Süßkind", country="DE", total="50.00",
        currency="EUR", lines=[("PRT-LEU-5070", "Leuchtturm", 2)], placed=timedelta(0),
    )  # fmt: skip
    unknown(shop_day, "10482-B", share(shop_day, sold, status="submitted"))
    with scope.merchant(merchant_id):
        now = timezone.now()
        mine: dict[str, Any] = {"merchant_id": merchant_id, "mode": "live"}
        refund = refunds.want_refund(
            merchant_id, order.id, amount=Money.of("9.90", "EUR"), by="user:1", reason="Kratzer"
        )
        hold = Hold.objects.create(
            merchant_id=merchant_id, order=order, kind="person", reason="Seemöwe fragt"
        )
        checkout = Checkout.objects.create(
            **mine, connection_id=shop_day.connections["pay"].id, reference="co_seemoewe",
            currency="EUR", cart={"lines": []}, total="10.00",
        )  # fmt: skip
        alert = Alert.objects.create(
            merchant_id=merchant_id, kind="silent_source", cause="shop", title="Seemöwe schweigt"
        )
        pause = connections.pause_effects(
            merchant_id, mode=Mode.LIVE, flow="refunds", reason="Inventur", by="user:1"
        )
        letter = DeadLetter.objects.create(
            merchant_id=merchant_id, task="payments.refund", arguments={"order": "10482"},
            error="Seemöwe", fingerprint="f", tries=3,
        )  # fmt: skip
        obligation = Obligation.objects.create(
            **mine, kind="ship", subject_kind="order", subject_id=order.id, order_id=order.id,
            due_at=now - timedelta(hours=1),
        )  # fmt: skip
        mail = Mail.objects.create(
            **mine, order_id=order.id, kind="confirmation", fact="walked", subject="Seemöwe"
        )
        message = InboxMessage.objects.order_by("id").first()
        first_share = FulfillmentOrder.objects.filter(order_id=order.id).first()
        attempt = Attempt.objects.order_by("id").first()
    assert message is not None
    assert first_share is not None
    assert attempt is not None
    return {
        "key": f"id:{order.id}",
        "sku": "PRT-LEU-5070",
        "reference": checkout.reference,
        "connection_id": shop_day.connections["shop"].id,
        "share_id": first_share.id,
        "hold_id": hold.id,
        "refund_id": refund.id,
        "pause_id": pause.id,
        "message_id": message.id,
        "attempt_id": attempt.id,
        "obligation_id": obligation.id,
        "mail_id": mail.id,
        "alert_id": alert.id,
        "letter_id": letter.id,
    }


def test_every_path_has_a_thing_to_ask_for(things: dict[str, object]) -> None:
    named = {name for one in operations() for name in PARAMETER.findall(one.path)}

    assert named - set(things) == set()


def test_the_owner_finds_each_of_these_things(machine: Caller, things: dict[str, object]) -> None:
    for operation in (one for one in operations() if one.is_reading):
        answer = machine.get(filled(operation.path, things))
        missing_body = operation.name == "get_body"  # the scene's message was never sealed
        assert answer.status == 200 or missing_body, (operation.name, answer.text)


@pytest.mark.parametrize("who", ["another merchant", "the other mode"])
def test_a_stranger_finds_nothing_and_changes_nothing(
    stranger: Caller, test_machine: Caller, shop_day: Scene, things: dict[str, object], who: str
) -> None:
    asking = stranger if who == "another merchant" else test_machine
    before = _state(shop_day)

    for operation in operations():
        if operation.name in OWN:
            continue
        if who == "the other mode" and operation.name in OF_BOTH_MODES:
            continue
        answer = asking.send(operation.method, filled(operation.path, things), operation.body)
        named = PARAMETER.search(operation.path) is not None
        if named and operation.name != "put_mapping":
            assert answer.status in {404, 409, 422}, (operation.name, answer.text)
        _says_nothing(operation.name, answer.text, who)

    ids = [value for value in things.values() if isinstance(value, int)]
    for path in ("inbox/replay", "inbox/discard", "dead-letters/replay", "dead-letters/discard"):
        if who == "the other mode" and path.startswith("dead"):
            continue
        answer = asking.post(f"/api/v1/{path}", {"ids": ids, "reason": "fremd"})
        assert (answer.status, answer.body) == (200, {"changed": 0}), path
    assert _state(shop_day) == before


def test_a_stranger_finds_nothing_by_the_documented_calls(
    stranger: Caller, shop_day: Scene, things: dict[str, object]
) -> None:
    before = _state(shop_day)

    for method, path, body in DOCUMENTED:
        address, _, query = path.partition("?")
        asked = dict([query.split("=")]) if query else None
        answer = stranger.send(method, address, body, query=asked)
        assert answer.status in {200, 404}, (method, path, answer.text)
        _says_nothing(path, answer.text, "another merchant")

    assert _state(shop_day) == before


def test_a_key_of_one_scope_reads_only_what_that_scope_is_for(shop_day: Scene) -> None:
    for scope_name in sorted(SCOPES):
        holder = caller(shop_day.merchant, scopes=[scope_name])
        for operation in (one for one in operations() if one.is_reading):
            answer = holder.get(filled(operation.path))
            expected = operation.scope == scope_name
            assert (answer.status != 403) is expected or answer.body.get("scope") == (
                "personal_data:read"
            ), (scope_name, operation.name)


# The catalogue and given-up work belong to the merchant, whatever the mode.
OF_BOTH_MODES = {
    "list_mappings", "export_mappings", "get_mapping", "put_mapping", "import_mappings",
    "list_shipping_maps", "put_shipping_map", "list_letters", "replay_letters", "discard_letters",
    "list_alerts", "acknowledge_alert", "read_news", "create_order", "pause_effects",
    "list_connections",
}  # fmt: skip


def _says_nothing(name: str, text: str, who: str) -> None:
    told = [mark for mark in MARKS if mark in text]
    quoted = {"10482"} if "'10482'" in text or "10482" in name else set()
    assert not set(told) - quoted, (who, name, told)


def _state(shop: Scene) -> tuple[int, ...]:
    """Everything of the first merchant that a write would change."""
    with scope.merchant(shop.merchant.id):
        return (
            Event.objects.count(),
            Hold.objects.filter(lifted_at=None).count(),
            InboxWork.objects.count(),
            Obligation.objects.filter(end="").count(),
            DeadLetter.objects.filter(status="waiting").count(),
            Attempt.objects.filter(status="unknown").count(),
            Mail.objects.count(),
            Alert.objects.filter(acknowledged_at=None).count(),
        )
