"""Judged by others: an independent fake server of Stripe's API, and Stripe's own client."""

import queue
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import stripe

from entrepot.canon.messages import Ignored
from entrepot.canon.money import Money
from entrepot.canon.orders import Mode
from entrepot.canon.payments import PaymentFact, PaymentFactKind
from entrepot.connect.http import Http
from entrepot.connect.ports import Account, Secrets
from entrepot.connect.registry import platform
from entrepot.connect.simulator import Receive, Send
from entrepot.connect.webhook import Refused, WebhookRequest
from entrepot.connectors.stripe import client as stripe_client
from entrepot.connectors.stripe import webhook
from entrepot.connectors.stripe.client import Client
from entrepot.connectors.stripe.fields import API_VERSION
from entrepot.connectors.stripe.simulator import StripeSimulator
from entrepot.connectors.stripe.tests.conftest import COLOGNE, normalized
from tests.serving import serve

SECRET = "whsec_of_the_other_server"
# Its own command binds to a port that somebody has to guess, and keeps its books in a file.
START = """
import socket
from aiohttp import web
from localstripe import resources
from localstripe.server import app
resources.Store.dump_to_disk = lambda self: None
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
web.run_app(app, sock=listening, print=None)
"""


@contextmanager
def other_server() -> Iterator[httpx.Client]:
    """The independent fake server, as a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", START], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", auth=("sk_test_other", ""), trust_env=False
        ) as client:
            yield client
    finally:
        process.terminate()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


class Mailbox:
    """Takes webhooks and keeps them."""

    def __init__(self) -> None:
        self.letters: queue.Queue[WebhookRequest] = queue.Queue()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        self.letters.put(WebhookRequest(body=body, headers=headers))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def test_an_independent_servers_payments_are_believed_and_belong_to_nobody() -> None:
    mailbox = Mailbox()
    account = Account(mode=Mode.TEST, settings={"secret_key": "sk_test_other"})
    with serve(mailbox) as address, other_server() as server:
        hook = {"url": f"{address}/hooks/1", "secret": SECRET}
        server.post("/_config/webhooks/hub", json=hook).raise_for_status()
        form = {
            "amount": "129900",
            "currency": "sek",
            "payment_method": "pm_card_visa",
            "confirm": "true",
            "metadata[order_id]": "1043",
        }
        payment = server.post("/v1/payment_intents", data=form).raise_for_status().json()
        letter = mailbox.letters.get(timeout=20)
        reader = Client(Http(str(server.base_url)), account)
        read_again = reader.read_payment(payment["id"])
    now = datetime.now(UTC)  # noqa: TID251 -- the other server signs with the real clock

    verified = webhook.verify(letter, Secrets(signing=("whsec_new", SECRET)), now=now)
    (fact,) = normalized(letter.body, account)

    assert verified.topic == "payment_intent.succeeded"
    assert verified.dedupe_key.startswith("evt_")
    assert isinstance(fact, PaymentFact)
    assert (fact.kind, fact.external_id) == (PaymentFactKind.CAPTURED, payment["id"])
    assert fact.amount == Money.of("1299.00", "SEK")
    assert fact.checkout_reference == ""
    assert fact.match_ids == (payment["id"], payment["latest_charge"]["id"], "1043")
    assert [(found.kind, found.amount) for found in read_again] == [(fact.kind, fact.amount)]
    with pytest.raises(Refused):
        webhook.verify(letter, Secrets(signing=("whsec_wrong",)), now=now)


def test_an_independent_servers_other_events_are_ignored_or_read() -> None:
    mailbox = Mailbox()
    account = Account(mode=Mode.TEST, settings={})
    with serve(mailbox) as address, other_server() as server:
        hook = {"url": f"{address}/hooks/1", "secret": SECRET}
        server.post("/_config/webhooks/hub", json=hook).raise_for_status()
        server.post("/v1/customers", data={"name": "Åsa Ögren"}).raise_for_status()
        declined = {
            "amount": "4900",
            "currency": "eur",
            "payment_method": "pm_card_chargeCustomerFail",
            "confirm": "true",
        }
        assert server.post("/v1/payment_intents", data=declined).status_code == 402
        letters = [mailbox.letters.get(timeout=20) for _ in range(2)]
    items = [normalized(letter.body, account)[0] for letter in letters]

    (ignored,) = [item for item in items if isinstance(item, Ignored)]
    (failed,) = [item for item in items if isinstance(item, PaymentFact)]

    assert ignored.reason == "customer.created: not about a payment"
    assert (failed.kind, failed.amount) == (PaymentFactKind.FAILED, Money.of("49.00", "EUR"))


def test_stripes_own_client_can_work_with_the_simulator(
    account: Account, simulator: StripeSimulator
) -> None:
    sdk = stripe.StripeClient(
        "sk_test_sdk",
        stripe_version=API_VERSION,
        base_addresses={"api": str(account.settings["base_url"])},
        max_network_retries=0,
    )
    opened = sdk.v1.checkout.sessions.create(
        params={
            "mode": "payment",
            "success_url": "https://butik.example/tack",
            "line_items": [
                {
                    "quantity": 3,
                    "price_data": {
                        "currency": "sek",
                        "unit_amount": 14900,
                        "product_data": {"name": "Räksmörgås", "metadata": {"sku": "RÄK-1"}},
                    },
                }
            ],
            "shipping_address_collection": {"allowed_countries": ["SE", "DE"]},
        }
    )
    simulator.customer_pays(opened.id, address=COLOGNE)
    read = sdk.v1.checkout.sessions.retrieve(
        opened.id, params={"expand": ["line_items", "payment_intent"]}
    )
    refund = sdk.v1.refunds.create(params={"payment_intent": read["payment_intent"]["id"]})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.refunds.create(params={"payment_intent": read["payment_intent"]["id"]})
    with pytest.raises(stripe.InvalidRequestError, match="No such payment_intent"):
        sdk.v1.payment_intents.retrieve("pi_unknown")

    assert (read.status, read.payment_status, read.amount_total) == ("complete", "paid", 44700)
    assert read["line_items"]["data"][0]["quantity"] == 3
    assert (refund.status, refund.amount) == ("succeeded", 44700)
    assert refused.value.code == "charge_already_refunded"
    assert [event.type for event in sdk.v1.events.list(params={"limit": 2}).data] == [
        "refund.created",
        "charge.refunded",
    ]


def test_the_manifest_says_what_the_code_does() -> None:
    manifest = platform("stripe").manifest

    assert manifest.api_version == API_VERSION
    assert manifest.topics == webhook.TOPICS
    assert manifest.overlap_seconds == stripe_client.OVERLAP.total_seconds()
    assert manifest.webhook_aliases == ("stripe",)
    assert manifest.environment == {
        "secret_key": "STRIPE_SECRET_KEY",
        "webhook_secret": "STRIPE_WEBHOOK_SECRET",
    }
    assert stripe_client.base_url(Account(mode=Mode.LIVE, settings={})) == (
        manifest.setting("base_url").default
    )
