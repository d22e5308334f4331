"""One of everything that an address can name, all of one merchant, each with words of its own."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from entrepot.access import keys, scope
from entrepot.access.models import Membership
from entrepot.access.states import Role
from entrepot.attempts.models import Attempt
from entrepot.canon.money import Money
from entrepot.canon.orders import Mode as SaleMode
from entrepot.catalog.models import Mapping, Product, ShippingMap, Variant
from entrepot.connections import services as connections
from entrepot.connections.models import HistoryImport, WebhookRegistration
from entrepot.dashboard.models import SavedView
from entrepot.database.rows import Mode
from entrepot.deadletters.models import DeadLetter
from entrepot.fulfillment.models import FulfillmentOrder, Parcel, Shipment
from entrepot.inbox import sealing
from entrepot.inbox.models import InboxMessage, InboxWork, Refusal
from entrepot.monitoring.models import Alert
from entrepot.notifications.links import tracking_token
from entrepot.notifications.models import Mail, Notification, SandboxMail, Template
from entrepot.notifications.news import NewNotification, tell
from entrepot.obligations.models import DeadlineRule, Obligation
from entrepot.orders.models import Hold
from entrepot.payments import refunds
from entrepot.payments.models import Checkout
from tests.dashboard.scene import Scene, sell
from tests.dashboard.shares import share
from tests.dashboard.troubles import unknown, unmatched

CAUSE = "seemoewe-cause"


def things_of(shop: Scene) -> dict[str, object]:
    """What the first merchant has, by the name that a path, a query or a body gives it."""
    order = shop.order("10482")
    sold = sell(
        shop, "10482-B", customer="Mareike Süßkind", country="DE", total="50.00",
        currency="EUR", lines=[("PRT-LEU-5070", "Leuchtturm", 2)], placed=timedelta(0),
    )  # fmt: skip
    unknown(shop, "10482-B", share(shop, sold, status="submitted"))
    share(shop, sold, provider="hand", number=2)
    with scope.merchant(shop.merchant.id):
        made = {**_work(shop, order.id), **_settings(shop)}
        _read_from_platforms(shop)
        first_share = FulfillmentOrder.objects.filter(order_id=order.id).order_by("id")[0]
        made |= {
            "order_id": order.id,
            "key": order.reference,
            "orderId": order.id,
            "share_id": first_share.id,
            "attempt_id": Attempt.objects.order_by("id")[0].id,
            "message_id": InboxWork.objects.filter(is_parked=True).order_by("id")[0].message_id,
            "shipment_id": Shipment.objects.order_by("id")[0].id,
            "parcel_id": Parcel.objects.order_by("id")[0].id,
            "prodigi_order_id": first_share.external_id,
            "token": tracking_token(shop.merchant.id, order.id),
        }
    return {**made, "ids": made["letter_id"], "id": made["news_id"], **_plain(shop)}


def _work(shop: Scene, order_id: int) -> dict[str, object]:
    merchant_id = shop.merchant.id
    mine: dict[str, Any] = {"merchant_id": merchant_id, "mode": "live"}
    refund = refunds.want_refund(
        merchant_id, order_id, amount=Money.of("9.90", "EUR"), by="user:1", reason="Kratzer"
    )
    hold = Hold.objects.create(
        merchant_id=merchant_id, order_id=order_id, kind="person", reason="Seemöwe fragt"
    )
    letter = DeadLetter.objects.create(
        merchant_id=merchant_id, task="payments.refund", arguments={"order": "10482"},
        error="Seemöwe im Getriebe", fingerprint=CAUSE, tries=3,
    )  # fmt: skip
    obligation = Obligation.objects.create(
        **mine, kind="ship", subject_kind="order", subject_id=order_id, order_id=order_id,
        due_at=timezone.now() - timedelta(hours=1),
    )  # fmt: skip
    mail = Mail.objects.create(
        **mine,
        order_id=order_id,
        kind="confirmation",
        fact="walked",
        subject="Seemöwe grüßt",
        html="<p>Ein Gruß aus dem Möwennest</p>",
    )
    refusal = Refusal.objects.create(
        merchant_id=merchant_id, connection_id=shop.connections["shop"].id,
        check_failed="signature_wrong", status_code=401, beginning=b"", size=12,
        fingerprint=b"\x03" * 32, seen="Möwenschrei",
    )  # fmt: skip
    alert = Alert.objects.create(
        merchant_id=merchant_id, kind="silent_source", cause="shop", title="Seemöwe schweigt"
    )
    tell(
        [
            NewNotification(
                **mine, kind="shipped", fact="shipment:walk", title="Möwenpost unterwegs",
                message="…", order_id=order_id,
            )
        ]
    )  # fmt: skip
    payment = unmatched(shop, "pi_moewe_fremd", "41.70", method="Möwentaler")
    return {
        "payment_id": payment.id,
        "refund_id": refund.id,
        "hold_id": hold.id,
        "letter_id": letter.id,
        "cause": CAUSE,
        "obligation_id": obligation.id,
        "mail_id": mail.id,
        "refusal_id": refusal.id,
        "alert_id": alert.id,
        "news_id": Notification.objects.order_by("-id")[0].id,
    }


def _settings(shop: Scene) -> dict[str, object]:
    merchant_id = shop.merchant.id
    store = shop.connections["shop"].id
    pause = connections.pause_effects(
        merchant_id, mode=SaleMode.LIVE, flow="refunds", reason="Inventur im Möwennest", by="user:1"
    )
    checkout = Checkout.objects.create(
        merchant_id=merchant_id, mode="live", connection_id=shop.connections["pay"].id,
        reference="co_seemoewe_walk", currency="EUR", cart={"lines": []}, total="10.00",
        url="https://pay.example/moewenkasse",
    )  # fmt: skip
    template = Template.objects.create(
        merchant_id=merchant_id, storefront_id=store, kind="confirmation", language="de",
        subject="Moin aus der Möwengasse", html="<p>{{order_number}}</p>", text="{{order_number}}",
    )  # fmt: skip
    mapping = Mapping.objects.create(
        merchant_id=merchant_id, sku="PRT-LEU-5070", kind="by_hand", bin="Regal Möwe 4"
    )
    view = SavedView.objects.create(
        merchant_id=merchant_id, user_id=shop.people[Role.OPERATOR].id, name="Möwensicht",
        query="state=held&customer=Möwe", is_shared=True,
    )  # fmt: skip
    shipping = ShippingMap.objects.create(
        merchant_id=merchant_id, storefront_id=store, method_code="moewenpost",
        provider_connection_id=shop.connections["prodigi"].id, provider_method="Budget",
    )  # fmt: skip
    rule = DeadlineRule.objects.create(merchant_id=merchant_id, kind="submit", seconds=5400)
    issued = keys.create_api_key(
        merchant_id=merchant_id, name="Möwenwaage", scopes=["orders:read"], mode=Mode.LIVE
    )
    return {
        "pause_id": pause.id,
        "reference": checkout.reference,
        "template_id": template.id,
        "sku": mapping.sku,
        "view_id": view.id,
        "api_key_id": issued.key.id,
        "merchant_id": merchant_id,
        "membership_id": Membership.objects.order_by("id")[0].id,
        "rule_id": rule.id,
        "mapping_id": mapping.id,
        "shipping_map_id": shipping.id,
        "connection_id": store,
        "storefront_id": store,
        "store_id": store,
    }


def _read_from_platforms(shop: Scene) -> None:
    """What no address names alone, so that lists of it are not empty either."""
    mine = {"merchant_id": shop.merchant.id, "connection_id": shop.connections["shop"].id}
    HistoryImport.objects.create(**mine, flow="orders", last_error="Möwe über der Leitung")
    WebhookRegistration.objects.create(
        **mine, external_id="möwe-17", url="https://hub.example/hooks/möwe", topics=["order"]
    )
    product = Product.objects.create(
        **mine, external_id="möwe-4", title="Möwe im Wind, Poster", version=3
    )
    Variant.objects.create(
        **mine, product=product, external_id="möwe-41", sku="MÖWE-A2", title="A2, matt"
    )
    InboxMessage.objects.update(body=sealing.seal("Seemöwe fragt".encode()))
    SandboxMail.objects.create(
        merchant_id=shop.merchant.id, recipient="mareike@seemail.example",
        sender="moewe@seemoewe.example", subject="Moin, Möwenfreundin",
        html="<p>Die Möwe fliegt</p>",
    )  # fmt: skip


def _plain(shop: Scene) -> dict[str, object]:
    """Words of an address that are nobody's own, or the first merchant's by choice."""
    return {
        "name": "hold",
        "kind": "confirmation",
        "bucket": "overdue",
        "code": shop.merchant.code,
        "service": "mailgun",
        "customer": "mareike@seemail.example",
    }
