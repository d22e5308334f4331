"""A storefront that signs its webhooks, in whichever hub Django was set up for."""

from entrepot.access.services import create_merchant
from entrepot.canon.orders import Mode
from entrepot.connections import services
from entrepot.connections.credentials import WEBHOOK_SIGNING
from entrepot.connections.models import Connection


def a_shop(secret: str) -> Connection:
    """A merchant with one shop; nobody listens at the shop's own address."""
    merchant = create_merchant(name="Benchmark", code="benchmark")
    connection = services.add_connection(
        merchant.id,
        platform="woocommerce",
        mode=Mode.LIVE,
        name="Shop",
        settings={
            "base_url": "http://127.0.0.1:9",
            "consumer_key": "ck_benchmark",
            "consumer_secret": "cs_benchmark",
        },
    )
    return services.rotate_secret(
        connection.id, merchant_id=merchant.id, name=WEBHOOK_SIGNING, text=secret
    )
