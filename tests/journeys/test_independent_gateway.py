"""What a server that is none of ours delivers, taken in by the hub from the edge to the ledger."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import httpx

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.canon.orders import Mode
from entrepot.config.asgi import edge_application
from entrepot.connections import services
from entrepot.connectors.stripe.tests.test_judges import SECRET, Mailbox, other_server
from entrepot.inbox.models import InboxMessage
from entrepot.inbox.services import open_body
from entrepot.orders.models import Order
from entrepot.payments import unmatched
from tests.serving import serve


def test_its_payments_become_unmatched_payments_and_never_orders(
    merchant: Merchant, run_jobs: Callable[..., int]
) -> None:
    mailbox = Mailbox()
    with (
        serve(edge_application, lifespan="on") as hub,
        serve(mailbox) as address,
        other_server() as server,
    ):
        gateway = services.add_connection(
            merchant.id,
            platform="stripe",
            mode=Mode.TEST,
            name="Kasse",
            settings={
                "base_url": str(server.base_url),
                "secret_key": "sk_test_other",
                "webhook_secret": SECRET,
            },
        )
        services.go_live(gateway.id, merchant_id=merchant.id)
        hook = {"url": f"{address}/", "secret": SECRET}
        server.post("/_config/webhooks/hub", json=hook).raise_for_status()
        for amount, currency in (("129900", "sek"), ("1840", "jpy")):
            form = {"amount": amount, "currency": currency, "payment_method": "pm_card_visa"}
            server.post("/v1/payment_intents", data={**form, "confirm": "true"}).raise_for_status()
        letters = [mailbox.letters.get(timeout=20) for _ in range(2)]
        answers = [
            httpx.post(f"{hub}/api/webhooks/stripe", content=one.body, headers=one.headers)
            for one in [*letters, letters[0]]  # one of them comes twice
        ]
        run_jobs(timedelta(minutes=1))

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    with scope.merchant(merchant.id):
        stored = InboxMessage.objects.filter(connection_id=gateway.id, source="webhook")
        found = unmatched.payments("test").order_by("amount")
        money = [(row.amount.normalize(), row.currency) for row in found]
        assert {bytes(one.body) for one in letters} == {open_body(one) for one in stored}
        assert Order.objects.count() == 0
    assert money == [(Decimal(1299), "SEK"), (Decimal(1840), "JPY")]
