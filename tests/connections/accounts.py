"""Connections for tests: real platforms' manifests, invented accounts."""

import base64
import hashlib
import hmac
from typing import Any

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.canon.orders import Mode
from entrepot.connections import credentials, queries, services
from entrepot.connections.models import Connection

SHOP_SECRET = "wc-secret-ü-5e5e5e5e"


def a_shop(
    merchant: Merchant,
    *,
    base_url: str = "http://127.0.0.1:9/shop",
    name: str = "Nordlicht Läden",
    mode: Mode = Mode.LIVE,
    **more: Any,
) -> Connection:
    """A storefront that signs its deliveries with `SHOP_SECRET`."""
    connection = services.add_connection(
        merchant.id,
        platform="woocommerce",
        mode=mode,
        name=name,
        settings={
            "base_url": base_url,
            "consumer_key": "ck_" + "1" * 40,
            "consumer_secret": "cs_" + "2" * 40,
        },
        **more,
    )
    return services.rotate_secret(
        connection.id,
        merchant_id=merchant.id,
        name=credentials.WEBHOOK_SIGNING,
        text=SHOP_SECRET,
    )


def a_print_house(merchant: Merchant, *, mode: Mode = Mode.LIVE, **more: Any) -> Connection:
    """A provider whose callbacks carry no signature."""
    return services.add_connection(
        merchant.id,
        platform="prodigi",
        mode=mode,
        name="Druckerei",
        settings={"api_key": "key-73c2d1", "base_url": "http://127.0.0.1:9/v4.0"},
        **more,
    )


def a_gateway(merchant: Merchant, *, secret: str = "whsec_geheim_1", **more: Any) -> Connection:
    """A payment gateway with a signing secret made there."""
    return services.add_connection(
        merchant.id,
        platform="stripe",
        mode=more.pop("mode", Mode.TEST),
        name="Kasse",
        settings={"secret_key": "sk_test_kasse_1234567890", "webhook_secret": secret},
        **more,
    )


def signed_by_shop(body: bytes, *, secret: str = SHOP_SECRET, **headers: str) -> dict[str, str]:
    """Headers of a shop's delivery; further ones as keyword arguments, `_` for `-`."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    signature = base64.b64encode(digest).decode()
    return {
        "Content-Type": "application/json",
        "X-WC-Webhook-Topic": "order.updated",
        "X-WC-Webhook-Signature": signature,
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }


def fresh(connection: Connection) -> Connection:
    """The connection as it stands in the database."""
    with scope.merchant(connection.merchant_id):
        return Connection.objects.get(id=connection.id)


def secrets_in(connection: Connection) -> dict[str, str]:
    """All current secrets of a connection, in clear."""
    with scope.merchant(connection.merchant_id):
        opened = credentials.valid_credentials([connection.id]).get(connection.id, [])
        return credentials.newest_of(opened)


def events_of(connection: Connection) -> list[tuple[str, dict[str, Any], str]]:
    """Name, data and reason of every event of a connection, in order."""
    from entrepot.events.models import Event  # noqa: PLC0415 -- models need Django's apps

    with scope.merchant(connection.merchant_id):
        rows = Event.objects.filter(subject_kind="connection", subject_id=connection.id)
        return [(row.name, row.data, row.reason) for row in rows.order_by("id")]


def hook_path(connection: Connection) -> str:
    """The path of a connection's webhook address."""
    return "/hooks/" + queries.hook_url(connection).rpartition("/hooks/")[2]
