"""Our requests and the simulator's answers, judged by Stripe's own OpenAPI description.

Schemas that are marked `x-stub` there are cut short and allow anything.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import pytest
from openapi_schema_validator import OAS31Validator

from entrepot.canon.messages import Flow
from entrepot.canon.money import Money
from entrepot.canon.orders import Mode
from entrepot.connect.errors import Conflict, Rejected
from entrepot.connect.http import Http
from entrepot.connect.ports import Account
from entrepot.connect.simulator import Clock, Receive, Send
from entrepot.connectors.stripe import wire
from entrepot.connectors.stripe.client import Client
from entrepot.connectors.stripe.fields import API_VERSION
from entrepot.connectors.stripe.simulator import StripeSimulator
from entrepot.connectors.stripe.tests.conftest import COLOGNE, cart, expire, refund_of
from entrepot.connectors.stripe.webhook import TOPICS
from tests.serving import serve
from tests.specs import require

# Called by us, and not in the part of the description that is kept.
UNDESCRIBED = {"/v1/account", "/v1/coupons", "/v1/disputes", "/v1/reviews/{id}"}


@dataclass
class Exchanged:
    """One call and its answer."""

    method: str
    path: str
    sent: list[tuple[str, str]]
    status: int
    answered: Any


@dataclass
class Recorder:
    """Stands before the simulator and writes down what passes."""

    application: StripeSimulator
    exchanged: list[Exchanged] = field(default_factory=list)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        sent, answered, status = bytearray(), bytearray(), 0

        async def received() -> dict[str, Any]:
            message = await receive()
            sent.extend(message.get("body", b""))
            return message

        async def answering(message: dict[str, Any]) -> None:
            nonlocal status
            status = message.get("status", status)
            answered.extend(message.get("body", b""))
            await send(message)

        await self.application(scope, received, answering)
        pairs = parse_qsl((scope["query_string"] or bytes(sent)).decode(), keep_blank_values=True)
        self.exchanged.append(
            Exchanged(scope["method"], scope["path"], pairs, status, json.loads(bytes(answered)))
        )


@cache
def specification() -> dict[str, Any]:
    path = require("openapi/stripe/stripe-2023-10-16.subset.json")
    loaded: dict[str, Any] = with_nulls(json.loads(path.read_text()))
    return loaded


def with_nulls(schema: Any) -> Any:
    """OpenAPI's `nullable`, which stands beside `anyOf` too, in the words of JSON Schema."""
    if isinstance(schema, list):
        return [with_nulls(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: with_nulls(part) for name, part in schema.items()}
    if inner.get("nullable") is True:
        if "anyOf" in inner:
            inner["anyOf"] = [*inner["anyOf"], {"type": "null"}]
        if "type" in inner:
            inner["type"] = [inner["type"], "null"]
        if "enum" in inner:
            inner["enum"] = [*inner["enum"], None]
    return inner


@cache
def validator(reference: str) -> OAS31Validator:
    return OAS31Validator(
        {"allOf": [{"$ref": reference}], "components": specification()["components"]}
    )


def faults_of(value: Any, schema: dict[str, Any]) -> list[str]:
    checks = OAS31Validator({"allOf": [schema], "components": specification()["components"]})
    return [f"{error.json_path}: {error.message[:200]}" for error in checks.iter_errors(value)]


def operation_of(call: Exchanged) -> dict[str, Any] | None:
    for pattern, operations in specification()["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), call.path):
            found: dict[str, Any] | None = operations.get(call.method.lower())
            return found
    return None


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        found: dict[str, Any] = specification()["components"]["schemas"][name]
        return found
    return schema


def typed(value: Any, schema: dict[str, Any]) -> Any:
    """A form's texts as the schema's types, where they can be; unknown names raise."""
    schema = resolved(schema)
    for choice in schema.get("anyOf", ()):
        try:
            candidate = typed(value, choice)
        except (TypeError, KeyError):
            continue
        if not faults_of(candidate, choice):
            return candidate
    kinds = schema.get("type")
    match kinds[0] if isinstance(kinds, list) else kinds:
        case "integer" if re.fullmatch(r"-?\d+", str(value)):
            return int(value)
        case "boolean" if value in ("true", "false"):
            return value == "true"
        case "array":
            if not isinstance(value, list):
                raise TypeError(value)
            return [typed(part, schema["items"]) for part in value]
        case "object" if "properties" in schema:
            return {name: typed(part, schema["properties"][name]) for name, part in value.items()}
        case _:
            return value


def request_faults(call: Exchanged, operation: dict[str, Any]) -> list[str]:
    sent = wire.unbracket(call.sent)
    if call.method == "GET":
        properties = {p["name"]: p["schema"] for p in operation["parameters"] if p["in"] == "query"}
        schema: dict[str, Any] = {"type": "object", "properties": properties}
    else:
        content = operation.get("requestBody", {}).get("content", {})
        schema = resolved(content["application/x-www-form-urlencoded"]["schema"])
    try:
        return faults_of(typed(sent, schema), schema)
    except KeyError as error:
        return [f"{call.path}: unknown parameter {error}"]


def answer_faults(call: Exchanged, operation: dict[str, Any]) -> list[str]:
    code = "200" if call.status == 200 else "default"
    schema = operation["responses"][code]["content"]["application/json"]["schema"]
    return faults_of(call.answered, schema)


@contextmanager
def recorded(simulator: StripeSimulator) -> Iterator[tuple[Recorder, Callable[..., Client]]]:
    recorder = Recorder(simulator)
    with serve(recorder) as address:

        def client(**settings: Any) -> Client:
            values = {"base_url": address, "secret_key": "sk_test_1", "collect_phone": True}
            return Client(Http(address), Account(mode=Mode.TEST, settings={**values, **settings}))

        yield recorder, client


def a_day_at_the_till(
    simulator: StripeSimulator, clock: Clock, client_with: Callable[..., Client]
) -> None:
    """Every call that we make, refusals among them."""
    client = client_with(automatic_tax=True)
    client.ping()
    (hook,) = client.subscribe(url="https://hub.example/hooks/7", secret="")
    simulator.books["webhook_endpoints"][hook.external_id]["status"] = "disabled"
    client.subscribe(url="https://hub.example/hooks/7", secret=hook.secret)
    client.subscriptions()
    simulator.add_endpoint("https://hub.example/hooks/8", secret="whsec_8")
    ends = clock.now() + timedelta(hours=3)
    first = client.open_checkout(
        cart(discount=Money.of("25", "EUR"), email="greta@kundin.example", expires_at=ends)
    )
    client.find_checkout(cart(expires_at=ends))
    simulator.customer_pays(first.external_id, address=COLOGNE, card="4000000000009235")
    payment = simulator.books["sessions"][first.external_id]["payment_intent"]
    client.refund(refund_of(payment, "20", reason="duplicate"))
    client.refund(refund_of(payment, "30", "E-REFUND-2", reason="arrived broken"))
    client.find_refund(refund_of(payment, "20"))
    simulator.fail_refund(next(iter(simulator.books["refunds"])))
    simulator.dispute(payment, amount=1000)
    with pytest.raises(Rejected):
        client.refund(refund_of(payment, "1", "E-REFUND-3"))
    for flow, external_id in ((Flow.CHECKOUTS, first.external_id), (Flow.PAYMENTS, payment)):
        assert client.fetch(flow, external_id) is not None
    client.fetch(Flow.PAYMENTS, "ch_unknown")
    plain = client_with(allow_promotion_codes=True, collect_phone=False)
    second = plain.open_checkout(cart("E-CART-2", "JPY", metadata=(("shop", "B"),)))
    simulator.customer_pays(second.external_id, address=COLOGNE, method="sepa_debit")
    client.fetch(Flow.CHECKOUTS, second.external_id)
    third = client.open_checkout(cart("E-CART-3", lines=cart().lines * 6)).external_id
    client.fetch(Flow.CHECKOUTS, third)
    expire(client, third)
    with pytest.raises(Rejected):
        expire(client, third)
    manual = client_with(capture="manual")
    for reference, act in (("E-CART-4", "capture"), ("E-CART-5", "void")):
        opened = manual.open_checkout(cart(reference)).external_id
        simulator.customer_pays(opened, address=COLOGNE)
        held = simulator.books["sessions"][opened]["payment_intent"]
        if act == "capture":
            manual.capture(held, amount=Money.of("1", "EUR"), idempotency_key=f"key of {held}")
        else:
            manual.void(held, idempotency_key=f"key of {held}")
        with pytest.raises(Conflict):
            manual.void(held, idempotency_key=f"another of {held}")
    simulator.pay_outside(500, "sek", card="4000000000000002")
    client.pull(Flow.PAYMENTS, cursor="", since=clock.now() - timedelta(hours=1), limit=100)
    client.unsubscribe(hook.external_id)


def test_what_we_send_and_what_is_answered_is_as_stripe_describes_it(
    simulator: StripeSimulator, clock: Clock
) -> None:
    with recorded(simulator) as (recorder, client_with):
        a_day_at_the_till(simulator, clock, client_with)

    faults, undescribed, described = [], set(), set()
    for call in recorder.exchanged:
        operation = operation_of(call)
        if operation is None:
            undescribed.add(re.sub(r"prv_\w+", "{id}", call.path))
            continue
        described.add((call.method, re.sub(r"(cs|pi|ch|re|we)_\w+", "{id}", call.path)))
        found = request_faults(call, operation) + answer_faults(call, operation)
        faults += [f"{call.method} {call.path} {call.status}: {fault}" for fault in found]

    assert faults == []
    assert undescribed == UNDESCRIBED
    assert described == {
        ("GET", "/v1/charges/{id}"),
        ("GET", "/v1/checkout/sessions"),
        ("GET", "/v1/checkout/sessions/{id}"),
        ("GET", "/v1/checkout/sessions/{id}/line_items"),
        ("GET", "/v1/events"),
        ("GET", "/v1/payment_intents/{id}"),
        ("GET", "/v1/refunds"),
        ("GET", "/v1/webhook_endpoints"),
        ("POST", "/v1/checkout/sessions"),
        ("POST", "/v1/checkout/sessions/{id}/expire"),
        ("POST", "/v1/payment_intents/{id}/cancel"),
        ("POST", "/v1/payment_intents/{id}/capture"),
        ("POST", "/v1/refunds"),
        ("POST", "/v1/webhook_endpoints"),
        ("POST", "/v1/webhook_endpoints/{id}"),
        ("DELETE", "/v1/webhook_endpoints/{id}"),
    }


def test_every_object_in_the_books_is_as_stripe_describes_it(
    simulator: StripeSimulator, clock: Clock
) -> None:
    with recorded(simulator) as (_, client_with):
        a_day_at_the_till(simulator, clock, client_with)
    clock.advance(timedelta(days=8))
    simulator.tick()
    schemas = {
        "sessions": "checkout.session",
        "payment_intents": "payment_intent",
        "charges": "charge",
        "refunds": "refund",
        "reviews": "review",
        "events": "event",
        "webhook_endpoints": "webhook_endpoint",
    }

    faults = [
        f"{thing['id']}: {error.json_path}: {error.message[:200]}"
        for book, name in schemas.items()
        for thing in simulator.books[book].values()
        for error in validator(f"#/components/schemas/{name}").iter_errors(thing)
    ]
    told = {event["data"]["object"]["object"] for event in simulator.books["events"].values()}
    inside = [
        f"{event['id']}: {error.json_path}: {error.message[:200]}"
        for event in simulator.books["events"].values()
        if (kind := event["data"]["object"]["object"]) in schemas.values()
        for error in validator(f"#/components/schemas/{kind}").iter_errors(event["data"]["object"])
    ]

    assert faults == []
    assert inside == []
    assert told >= {"checkout.session", "payment_intent", "charge", "refund", "review", "dispute"}


def test_our_version_and_topics_are_stripes() -> None:
    schemas = specification()["components"]["schemas"]
    asked = schemas["PostWebhookEndpointsRequest"]["properties"]

    assert specification()["info"]["version"] == API_VERSION
    assert API_VERSION in asked["api_version"]["enum"]
    assert set(TOPICS) <= set(asked["enabled_events"]["items"]["enum"])
