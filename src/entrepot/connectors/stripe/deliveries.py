"""Events of a simulated Stripe on their way out: whom they go to, signed with which secrets."""

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import msgspec

from entrepot.connect.simulator import Delivery
from entrepot.connectors.stripe.ledger import Ledger
from entrepot.connectors.stripe.wire import Thing

# How long Stripe waits between tries: about three days in live mode, three tries in test mode.
LIVE_RETRIES = tuple(
    timedelta(minutes=minutes) for minutes in (5, 30, 120, 300, 600, 720, 720, 720, 720)
)
TEST_RETRIES = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2))
HEADER = "Stripe-Signature"


class Deliveries:
    """The webhook endpoints' secrets, and the events that are sent to them."""

    def __init__(self, ledger: Ledger, *, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._now = now
        self._secrets: dict[str, list[tuple[str, datetime | None]]] = {}
        self._in_flight: dict[int, str] = {}

    def new_secret(self, endpoint_id: str) -> str:
        """The secret of an endpoint that was just made."""
        secret = self._ledger.new_id("whsec_", length=32)
        self._secrets[endpoint_id] = [(secret, None)]
        return secret

    def roll_secret(self, endpoint_id: str, *, overlap: timedelta) -> str:
        """A new secret; the old ones sign beside it until the overlap is over."""
        until = self._now() + overlap
        old = [(secret, ends or until) for secret, ends in self._secrets[endpoint_id]]
        secret = self._ledger.new_id("whsec_", length=32)
        self._secrets[endpoint_id] = [(secret, None), *old]
        return secret

    def adopt(self, endpoint: Thing, *, secret: str) -> None:
        """Enter an endpoint that was made in the dashboard, with a secret that is known already."""
        self._ledger.keep(endpoint)
        self._secrets[endpoint["id"]] = [(secret, None)]

    def of_event(self, event: Thing) -> list[Delivery]:
        """One delivery per endpoint that wants it, in the version of the endpoint."""
        wanted = [
            endpoint
            for endpoint in self._ledger.books["webhook_endpoints"].values()
            if endpoint["livemode"] == event["livemode"]
            and endpoint["status"] == "enabled"
            and ({"*", event["type"]} & set(endpoint["enabled_events"]))
        ]
        event["pending_webhooks"] = len(wanted)
        return [self._delivery(endpoint, event) for endpoint in wanted]

    def sign(self, delivery: Delivery) -> bool:
        """Sign for this try; False when the endpoint is gone meanwhile."""
        endpoint_id = delivery.headers[HEADER]
        if endpoint_id not in self._ledger.books["webhook_endpoints"]:
            return False
        self._in_flight[id(delivery)] = endpoint_id
        delivery.headers[HEADER] = self.signature(endpoint_id, delivery.body)
        return True

    def returned(self, delivery: Delivery) -> None:
        """A try is over; the next is signed anew."""
        endpoint_id = self._in_flight.pop(id(delivery), "")
        delivery.headers[HEADER] = endpoint_id or delivery.headers[HEADER]

    def signature(self, endpoint_id: str, body: bytes) -> str:
        """The Stripe-Signature header: a v1 for each secret in force, and a v0 as a decoy."""
        now = self._now()
        seconds = int(now.timestamp())
        signed = b"%d." % seconds + body
        marks = [
            hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
            for secret, ends in self._secrets[endpoint_id]
            if ends is None or ends > now
        ]
        decoy = hashlib.sha256(signed).hexdigest()
        return ",".join([f"t={seconds}", *(f"v1={mark}" for mark in marks), f"v0={decoy}"])

    def _delivery(self, endpoint: Thing, event: Thing) -> Delivery:
        shown = {**event, "api_version": endpoint["api_version"] or event["api_version"]}
        body = msgspec.json.format(msgspec.json.encode(shown), indent=2)
        return Delivery(
            url=endpoint["url"],
            body=body,
            headers={
                "Content-Type": "application/json; charset=utf-8",
                "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
                HEADER: endpoint["id"],  # until it is signed, whose it is
            },
            due_at=self._now(),
            retry_after=LIVE_RETRIES if event["livemode"] else TEST_RETRIES,
            on_result=partial(_count_down, event),
        )


def _count_down(event: Thing, status: int) -> None:
    if 200 <= status < 300:
        event["pending_webhooks"] -= 1
