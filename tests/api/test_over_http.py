"""The interfaces over real HTTP: bodies that are too large, break off, or cannot be meant."""

import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from entrepot.config.asgi import application
from tests.api.calling import Caller
from tests.api.test_new_orders import ORDER
from tests.dashboard.scene import Scene
from tests.serving import serve
from tests.strangers.marks import state_of

# Counted with each call, whatever its answer.
COUNTED = {"access_api_key", "api_rate_bucket"}
MEGABYTE = 1024 * 1024


@pytest.fixture
def program(machine: Caller, shop_day: Scene) -> Iterator[httpx.Client]:
    """A program of the merchant, over HTTP."""
    with (
        serve(application, lifespan="on") as address,
        httpx.Client(
            base_url=address,
            timeout=60,
            trust_env=False,
            headers={"Authorization": f"Bearer {machine.token}"},
        ) as client,
    ):
        yield client


@pytest.mark.parametrize(
    "path", ["/api/v1/orders", "/api/dropship/prodigi", "/api/v1/order-imports"]
)
def test_fifty_megabytes_are_too_much(program: httpx.Client, shop_day: Scene, path: str) -> None:
    before = state(shop_day)

    answer = program.post(path, content=b"[" * (50 * MEGABYTE))

    assert (answer.status_code, answer.headers["Content-Type"]) == (413, "application/problem+json")
    assert state(shop_day) == before


@pytest.mark.parametrize("path", ["/api/v1/orders", "/api/orders/management"])
def test_a_body_that_breaks_off_does_nothing(
    program: httpx.Client, shop_day: Scene, path: str
) -> None:
    before = state(shop_day)
    where = urlsplit(str(program.base_url))
    method = "PATCH" if path.endswith("management") else "POST"
    with socket.create_connection((where.hostname or "", where.port or 0)) as half:
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: testserver\r\n"
            f"Authorization: {program.headers['Authorization']}\r\n"
            "Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n"
        )
        half.sendall(head.encode() + json.dumps(ORDER).encode()[:200])

    after = program.get("/api/v1/orders")

    assert after.status_code == 200
    assert state(shop_day) == before


@pytest.mark.parametrize(
    ("_case", "changed"),
    [
        ("a currency that does not exist", {"currency": "QQQ"}),
        ("a currency of four letters", {"currency": "EURO"}),
        ("no lines", {"lines": []}),
        ("lines of another type", {"lines": {"sku": "MUG-1"}}),
        ("a quantity of nothing", {"lines": [{**ORDER["lines"][0], "quantity": 0}]}),
        ("half a unit", {"lines": [{**ORDER["lines"][0], "quantity": 1.5}]}),
        ("a price that is no number", {"lines": [{**ORDER["lines"][0], "unit_price": "NaN"}]}),
        ("a NUL in a name", {"customer": {"email": "a@b.example", "name": "A\x00B"}}),
        ("a country that is none", {"shipping_address": {"name": "A", "country": "Kuwait"}}),
    ],
)
def test_an_order_that_cannot_be_is_refused_in_words_and_leaves_nothing(
    program: httpx.Client, shop_day: Scene, _case: str, changed: dict[str, Any]
) -> None:
    before = state(shop_day)

    answer = program.post("/api/v1/orders", json={**ORDER, **changed})

    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"]
    assert state(shop_day) == before


def state(shop: Scene) -> dict[str, str]:
    found = state_of(shop.merchant.id)
    return {table: rows for table, rows in found.items() if table not in COUNTED}
