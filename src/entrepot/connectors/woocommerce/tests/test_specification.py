"""What the client sends, judged by the route index that WooCommerce publishes.

The index is of 2024; what newer versions added and our recording shows is listed below.
"""

import json
import re
from dataclasses import dataclass, replace
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it ships no types
import pytest

from entrepot.canon.messages import Flow
from entrepot.canon.payments import RefundedLine
from entrepot.connect.http import Http
from entrepot.connect.simulator import Request, Response
from entrepot.connectors.woocommerce.client import Client, base_url
from entrepot.connectors.woocommerce.simulator import (
    WooCommerce,
    example_happenings,
    example_news,
    example_refund,
)
from entrepot.connectors.woocommerce.tests.conftest import account_of
from tests import specs

PREFIX = "/wp-json"
# Newer than the index: since WooCommerce 5.8 and seen in the recording (list_page_headers.json), or
# in the source of the refunds controller (api_restock).
NEWER_ARGUMENTS = {"modified_after", "modified_before", "dates_are_gmt", "api_restock"}
# WordPress's own, on every route; ours is the last, which it does not know and passes over.
WORDPRESS_ARGUMENTS = {"_fields", "_method", "_nocache"}
NEWER_WORDS = {"modified", "trash"}  # of orderby and of status
NEWER_ROUTES = {"/wc/v3/data/currencies/current"}  # the index is trimmed
# `set_paid` is no property; `in_stock` became `stock_status` (recorded).
NOT_SHOWN = {"set_paid", "in_stock"}


@dataclass(frozen=True)
class Index:
    """The routes of the specification."""

    routes: dict[str, Any]

    def arguments(self, method: str, path: str) -> dict[str, Any]:
        """The arguments of the one route and method that a call is for."""
        matching = [
            endpoint["args"]
            for route, told in self.routes.items()
            if re.fullmatch(route, path)
            for endpoint in told["endpoints"]
            if method in endpoint["methods"]
        ]
        assert matching, f"no route {method} {path}"
        return dict(matching[-1])


@pytest.fixture
def index() -> Index:
    path = specs.require("openapi/woocommerce/wc-v3-route-index.trimmed.json")
    return Index(json.loads(path.read_text())["routes"])


@pytest.fixture
def sent(shop: WooCommerce, address: str) -> list[Request]:
    """Every call that the client makes while it does everything that it can."""
    calls: list[Request] = []
    handle = shop.handle

    def watched(request: Request) -> Response | None:
        calls.append(request)
        return handle(request)

    shop.handle = watched  # type: ignore[method-assign]
    account = account_of(shop, address)
    client = Client(Http(base_url(account)), account)
    example_happenings(shop)
    client.ping()
    for flow in (Flow.ORDERS, Flow.PRODUCTS):
        cursor = ""
        for _ in range(9):
            cursor = client.pull(flow, cursor=cursor, since=None, limit=2).cursor
    made = client.subscribe(url="https://hub.example/hooks/1", secret="s")
    client.subscribe(url="https://hub.example/hooks/1", secret="s")
    client.unsubscribe(made[0].external_id)
    for has_extension in (False, True):
        shop.options.tracking_extension = has_extension
        news = example_news(shop, f"E-W-{has_extension}")
        client.write_back(news)
        client.write_back(replace(news, reference="E-W-9", note="Danke", cancels_order=False))
    asked = example_refund(shop, "E-R-1")
    line_id = str(shop.shop.sales[int(asked.order_external_id)].lines[0]["id"])
    client.refund(replace(asked, lines=(RefundedLine(line_external_id=line_id, quantity=2),)))
    client.find_refund(asked)
    return calls


def wanted_of(call: Request) -> str | None:
    """The path below the namespace, or None for what the index does not describe."""
    path = call.path.removeprefix(PREFIX)
    return path if path.startswith("/wc/v3/") and path not in NEWER_ROUTES else None


def test_every_call_is_for_a_route_and_method_of_the_index(
    index: Index, sent: list[Request]
) -> None:
    judged = [call for call in sent if wanted_of(call)]
    for call in judged:
        index.arguments(call.method, wanted_of(call) or "")

    assert len(judged) > 60


def test_every_parameter_is_known_to_its_route(index: Index, sent: list[Request]) -> None:
    for call in sent:
        if path := wanted_of(call):
            known = index.arguments(call.method, path)
            for name, values in call.query.items():
                if name.startswith("oauth_") or name in WORDPRESS_ARGUMENTS | NEWER_ARGUMENTS:
                    continue
                assert name in known, f"{call.method} {path}: {name}"
                choices = known[name].get("enum")
                assert not choices or values[0] in {*choices, *NEWER_WORDS}, (name, values)


def test_every_body_is_valid_by_the_arguments_of_its_route(
    index: Index, sent: list[Request]
) -> None:
    judged = 0
    for call in sent:
        path = wanted_of(call)
        if not path or not call.body:
            continue
        arguments = index.arguments(call.method, path)
        body = call.json()
        for name in set(body) - NEWER_ARGUMENTS:
            assert name in arguments, f"{path}: {name}"
            jsonschema.validate(body[name], as_schema(arguments[name]))
            judged += 1
        if path.count("/") == 3:
            lacking = {n for n, told in arguments.items() if told.get("required")} - set(body)
            assert not lacking, f"{path}: lacks {lacking}"

    assert judged > 60


def as_schema(argument: dict[str, Any]) -> dict[str, Any]:
    """An argument of the index as JSON Schema: in WordPress, properties are optional."""
    kept: dict[str, Any] = {
        name: argument[name] for name in ("type", "enum", "items") if name in argument
    }
    items = kept.get("items")
    if isinstance(items, dict) and "properties" in items:
        told = items["properties"]
        properties = {name: {"type": inner["type"]} for name, inner in told.items()}
        # The index calls a line's share a text in one place and a number in another; the API reads
        # numeric texts, and so does its own documentation of refunds.
        kept["items"] = {"type": items["type"], "properties": properties}
    return kept


def test_the_simulator_shows_what_can_be_set_in_its_type(index: Index, shop: WooCommerce) -> None:
    example_happenings(shop)
    shown = {
        "/wc/v3/orders": shop.shop.render.order(next(iter(shop.shop.sales.values()))),
        "/wc/v3/products": shop.shop.render.product(next(iter(shop.shop.catalog.items.values()))),
    }

    for path, resource in shown.items():
        for name, told in index.arguments("POST", path).items():
            if name in NOT_SHOWN:
                continue
            assert name in resource, f"{path}: {name}"
            value = resource[name]
            if value == [] and told.get("type") == "object":
                continue  # PHP writes an empty object as a list
            if value is not None and told.get("type") not in {None, "mixed", "date-time"}:
                jsonschema.validate(value, {"type": told["type"]})
