"""A payment page for a cart: opened once, by a simulated gateway over HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.canon.orders import Mode
from entrepot.connect import registry
from entrepot.connect.simulator import Clock, Simulator
from entrepot.connections import doors, services
from entrepot.connections.models import Connection
from entrepot.database.rows import Mode as KeyMode
from entrepot.payments.models import Checkout
from tests.api.calling import Caller, caller
from tests.conformance.examples import example
from tests.serving import serve

SESSIONS = "/api/v1/checkout/sessions"
CART: dict[str, Any] = {
    "currency": "JPY",
    "lines": [
        {"sku": "MUG-1", "title": "マグカップ", "quantity": 3, "unit_price": "1800"},
        {"sku": "PC-2", "title": "葉書", "quantity": 4, "unit_price": "250"},
    ],
    "shipping_options": [{"code": "std", "title": "普通郵便", "price": "600"}],
    "allowed_countries": ["JP", "DE"],
    "email": "yuki@example.jp",
    "success_url": "https://shop.example/danke",
    "cancel_url": "https://shop.example/korb",
    "cart_id": "cart-77",
}


@dataclass
class Till:
    """A gateway that is connected, its simulator, and a program of the merchant."""

    connection: Connection
    simulator: Simulator
    program: Caller

    def pages(self) -> int:
        return len(self.simulator.books["sessions"])


@pytest.fixture
def till(merchant: Merchant) -> Iterator[Till]:
    platform = registry.platform("stripe")
    simulator = platform.simulator(Clock())
    with serve(simulator) as address:
        account = example(platform, "example_account")(address)
        connection = services.add_connection(
            merchant.id,
            platform="stripe",
            mode=Mode.TEST,
            name="Kasse",
            settings=dict(account.settings),
        )
        services.go_live(connection.id, merchant_id=merchant.id)
        yield Till(connection, simulator, caller(merchant, mode=KeyMode.TEST))
    doors.forget()


def test_a_cart_is_kept_and_a_page_opened_for_it(till: Till, merchant: Merchant) -> None:
    opened = till.program.post(SESSIONS, CART, key="cart-77")
    read = till.program.get(f"{SESSIONS}/{opened.body['reference']}")

    assert opened.status == 201, opened.text
    assert opened.body["url"].startswith("http")
    assert opened.body["goods"] == {"amount": "6400", "currency": "JPY"}
    assert (read.body["status"], read.body["order"]) == ("open", None)
    assert till.pages() == 1
    with scope.merchant(merchant.id):
        checkout = Checkout.objects.get()
        assert [line["quantity"] for line in checkout.cart["lines"]] == [3, 4]
        assert b"yuki" not in bytes(checkout.email_sealed)


def test_the_same_key_again_opens_no_second_page(till: Till, merchant: Merchant) -> None:
    first = till.program.post(SESSIONS, CART, key="cart-77")
    again = till.program.post(SESSIONS, CART, key="cart-77")

    assert again.body == first.body
    assert till.pages() == 1
    with scope.merchant(merchant.id):
        assert Checkout.objects.count() == 1


def test_a_lost_answer_is_asked_for_again_under_the_same_key(
    till: Till, merchant: Merchant
) -> None:
    till.simulator.faults.drop_answer = 1.0
    lost = till.program.post(SESSIONS, CART, key="cart-77")
    till.simulator.faults.drop_answer = 0.0
    found = till.program.post(SESSIONS, CART, key="cart-77")

    assert (lost.status, found.status) == (503, 201)
    assert "same key" in lost.body["detail"]
    assert till.pages() == 1
    with scope.merchant(merchant.id):
        assert Checkout.objects.count() == 1


def test_a_page_whose_answer_was_a_fault_for_good_is_looked_up(
    till: Till, merchant: Merchant
) -> None:
    till.simulator.break_next_write(does_work=True)  # type: ignore[attr-defined]
    found = till.program.post(SESSIONS, CART, key="cart-77")

    assert (found.status, found.body.get("status")) == (201, "open"), found.text
    assert found.body["external_id"] in till.simulator.books["sessions"]
    assert till.pages() == 1
    with scope.merchant(merchant.id):
        assert Checkout.objects.get().external_id == found.body["external_id"]


def test_a_page_that_was_not_opened_is_not_found_either(till: Till, merchant: Merchant) -> None:
    till.simulator.break_next_write(does_work=False)  # type: ignore[attr-defined]
    unsure = till.program.post(SESSIONS, CART, key="cart-77")

    assert (unsure.status, till.pages()) == (503, 0)
    with scope.merchant(merchant.id):
        assert (Checkout.objects.get().status, Checkout.objects.get().url) == ("opening", "")


def test_without_a_usable_gateway_it_says_why(till: Till, merchant: Merchant) -> None:
    services.pause(till.connection.id, merchant_id=merchant.id, reason="Inventur")

    paused = till.program.post(SESSIONS, CART)
    live = caller(merchant).post(SESSIONS, CART)
    named = caller(merchant).post(SESSIONS, {**CART, "connection_id": till.connection.id})

    assert (paused.status, "Kasse is paused" in paused.body["detail"]) == (409, True)
    assert (live.status, "none is connected" in live.body["detail"]) == (409, True)
    assert named.status == 422
    assert till.pages() == 0


@pytest.mark.parametrize(
    ("_case", "change", "told"),
    [
        ("no lines", {"lines": []}, "lines"),
        ("half a yen", {"discount": "0.5"}, "discount: 0.5 JPY has more decimals"),
        ("a negative price", {"lines": [{**CART["lines"][0], "unit_price": "-1"}]}, "negative"),
        ("an ended page", {"expires_at": "2020-01-01T00:00:00Z"}, "past"),
        ("a script", {"success_url": "javascript:alert(1)"}, "success_url"),
        ("a country that is none", {"allowed_countries": ["Japan"]}, "allowed_countries"),
    ],
)
def test_a_cart_that_cannot_be_sold_is_refused_and_not_kept(
    till: Till, merchant: Merchant, _case: str, change: dict[str, Any], told: str
) -> None:
    answer = till.program.post(SESSIONS, {**CART, **change})

    assert answer.status == 422
    assert told in answer.body["detail"]
    with scope.merchant(merchant.id):
        assert not Checkout.objects.exists()
