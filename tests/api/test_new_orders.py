"""Orders handed over by a program or a file: through the inbox, once, and shipped like others."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.attempts.models import Attempt
from entrepot.catalog import services as catalog
from entrepot.catalog.services import MappingWish
from entrepot.connections import services as connections
from entrepot.connections.models import Connection
from entrepot.database.rows import Mode
from entrepot.deadletters.models import DeadLetter
from entrepot.fulfillment.costs import Quoting, keep_quotes
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.submission import intend_submissions
from entrepot.inbox.models import InboxMessage
from entrepot.orders.models import Order
from tests.api.calling import Caller, caller
from tests.connections import accounts

ORDER: dict[str, Any] = {
    "external_id": "TEL-7",
    "currency": "KWD",
    "payment": "paid",
    "customer": {"email": "noor@example.com", "name": "نور الصباح", "language": "ar"},
    "shipping_address": {
        "name": "نور الصباح", "line1": "شارع ١٢", "city": "الكويت", "country": "KW",
    },
    "shipping": {"method": "post", "title": "Post", "price": "1.500"},
    "lines": [
        {"sku": "MUG-1", "title": "كوب", "quantity": 3, "unit_price": "4.250"},
        {"sku": "PC-2", "title": "بطاقة", "quantity": 2, "unit_price": "0.750"},
    ],
}  # fmt: skip
CSV = (
    "external_id,currency,payment,name,line1,city,country,sku,title,quantity,unit_price\n"
    "F-1,SEK,paid,Åsa Öberg,Ängsvägen 4,Umeå,SE,MUG-1,Mugg,2,129.00\n"
    "F-1,SEK,paid,,,,,PC-2,Vykort,4,15.50\n"
    "F-2,JPY,on_terms,田辺 ゆき,銀座 1-2,東京,JP,MUG-1,マグカップ,3,1800\n"
)


@pytest.fixture
def program(merchant: Merchant) -> Caller:
    return caller(merchant)


def test_an_order_that_is_handed_over_is_stored_applied_and_found(
    program: Caller, run_jobs: Callable[..., int]
) -> None:
    taken = program.post("/api/v1/orders", ORDER)
    run_jobs()

    assert (taken.status, taken.body["external_id"]) == (202, "TEL-7")
    order = program.get(taken.body["order"]).body
    assert order["total"] == {"amount": "15.750", "currency": "KWD"}
    assert order["payment_status"] == "paid"
    assert order["released_at"] is not None
    assert order["customer"]["name"] == "نور الصباح"
    assert [line["quantity"] for line in order["lines"]] == [3, 2]


def test_the_same_id_again_changes_the_order_and_the_last_word_wins(
    program: Caller, run_jobs: Callable[..., int], merchant: Merchant
) -> None:
    more = {**ORDER, "lines": [{**ORDER["lines"][0], "quantity": 5}]}
    for body in (ORDER, more, ORDER, more):
        assert program.post("/api/v1/orders", body).status == 202
        run_jobs()

    order = program.get("/api/v1/orders/TEL-7").body
    with scope.merchant(merchant.id):
        assert Order.objects.count() == 1
        assert InboxMessage.objects.count() == 4
        assert Connection.objects.get().account == "direct:nordlicht"
    assert [line["quantity"] for line in order["lines"] if not line["is_removed"]] == [5]
    assert len(order["payments"]) == 1


def test_live_and_test_orders_of_one_id_are_two(
    program: Caller, run_jobs: Callable[..., int], merchant: Merchant
) -> None:
    tester = caller(merchant, mode=Mode.TEST)

    program.post("/api/v1/orders", ORDER)
    tester.post("/api/v1/orders", ORDER)
    run_jobs()

    live, test = program.get("/api/v1/orders").body, tester.get("/api/v1/orders").body
    assert [order["mode"] for order in [*live["data"], *test["data"]]] == ["live", "test"]
    assert live["data"][0]["id"] != test["data"][0]["id"]


def test_a_file_makes_one_order_per_id(program: Caller, run_jobs: Callable[..., int]) -> None:
    answer = program.send(
        "POST", "/api/v1/order-imports", ("\ufeff" + CSV).encode(), content_type="text/csv"
    )
    run_jobs()

    assert (answer.status, answer.body["orders"]) == (202, 2)
    first = program.get("/api/v1/orders/F-1").body
    second = program.get("/api/v1/orders/F-2").body
    assert first["total"] == {"amount": "320.00", "currency": "SEK"}
    assert [line["quantity"] for line in first["lines"]] == [2, 4]
    assert second["total"] == {"amount": "5400", "currency": "JPY"}
    assert (second["payment_status"], second["released_by"]) == ("unpaid", "terms")


@pytest.mark.parametrize(
    ("_case", "divider", "encoding"),
    [
        ("as a spreadsheet of central Europe saves it", ";", "utf-8-sig"),
        ("as a spreadsheet copies it", "\t", "utf-8"),
        ("as a spreadsheet saves Unicode text", "\t", "utf-16"),
    ],
)
def test_a_file_is_read_as_the_page_reads_it(
    program: Caller, run_jobs: Callable[..., int], _case: str, divider: str, encoding: str
) -> None:
    body = CSV.replace(",", divider).encode(encoding)

    answer = program.send("POST", "/api/v1/order-imports", body, content_type="text/csv")
    run_jobs()

    assert (answer.status, answer.body["orders"]) == (202, 2)
    first = program.get("/api/v1/orders/F-1").body
    assert [line["quantity"] for line in first["lines"]] == [2, 4]


@pytest.mark.parametrize(
    ("_case", "was", "becomes", "told"),
    [
        ("a bad amount", "15.50", "fifteen", "line 3: unit_price"),
        ("a bad quantity", ",4,", ",0,", "line 3: quantity"),
        ("two names for one order", "F-1,SEK,paid,,", "F-1,SEK,paid,Olle,", "line 3: name differs"),
        ("an unknown column", "sku,title", "sku,colour", "lacks the columns title"),
        ("an unknown payment", "on_terms", "later", "line 4: payment"),
        ("too fine an amount", "1800", "1800.5", "JPY"),
    ],
)
def test_a_file_with_a_fault_is_refused_as_a_whole(
    program: Caller, merchant: Merchant, _case: str, was: str, becomes: str, told: str
) -> None:
    body = CSV.replace(was, becomes, 1).encode()

    answer = program.send("POST", "/api/v1/order-imports", body, content_type="text/csv")

    assert answer.status == 422
    assert told in answer.body["detail"]
    with scope.merchant(merchant.id):
        assert not InboxMessage.objects.exists()
        assert not Connection.objects.exists()


@pytest.mark.parametrize(
    ("_case", "change", "told"),
    [
        ("no lines", {"lines": []}, "lines"),
        ("a float", {"total": 15.75}, "total"),
        ("a total that is far off", {"total": "99.000"}, "do not add up"),
        ("a naive instant", {"placed_at": "2026-11-20T09:00:00"}, "time zone"),
        ("an e-mail address that is none", {"customer": {"email": "noor"}}, "email"),
        ("a name that nobody knows", {"discout": "3.000"}, "discout"),
        ("one within", {"shipping": {"title": "Post", "total": "4.000"}}, "shipping.total"),
    ],
)
def test_what_cannot_be_an_order_is_refused_at_once(
    program: Caller, merchant: Merchant, _case: str, change: dict[str, Any], told: str
) -> None:
    answer = program.post("/api/v1/orders", {**ORDER, **change})

    assert (answer.status, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert told in answer.body["detail"]
    with scope.merchant(merchant.id):
        assert not InboxMessage.objects.exists()


def test_an_order_that_cools_off_is_sent_although_its_source_cannot_be_read_again(
    program: Caller, run_jobs: Callable[..., int], merchant: Merchant, mapped_house: Connection
) -> None:
    program.post("/api/v1/orders", ORDER)
    with scope.merchant(merchant.id):
        storefront = Connection.objects.get(platform="direct")
    catalog.map_shipping(
        merchant.id, storefront_id=storefront.id, provider_connection_id=mapped_house.id,
        method_code="post", provider_method="Budget",
    )  # fmt: skip
    run_jobs()
    with scope.merchant(merchant.id):
        hour = timedelta(hours=1)
        Order.objects.update(source_read_at=F("source_read_at") - hour)
        FulfillmentOrder.objects.update(submit_after=F("submit_after") - hour)
        share_id = FulfillmentOrder.objects.get().id
    # Its house cannot be asked for the price, either.
    (priced,) = intend_submissions(merchant.id, {share_id: "job:7"}).values()
    assert isinstance(priced, Quoting)
    keep_quotes(merchant.id, [(priced, [])])
    run_jobs(timedelta(hours=1))

    with scope.merchant(merchant.id):
        sent = Attempt.objects.filter(kind="submit")
        assert list(sent.values_list("reference", flat=True)) == ["nordlicht/TEL-7/1/1"]
        assert list(DeadLetter.objects.values_list("task", "error")) == []


@pytest.fixture
def mapped_house(merchant: Merchant) -> Connection:
    """A print house where nobody listens, live, and both SKUs mapped to it."""
    house = accounts.a_print_house(merchant)
    connections.go_live(house.id, merchant_id=merchant.id)
    for sku in ("MUG-1", "PC-2"):
        wish = MappingWish(
            kind="provider", provider_connection_id=house.id, provider_sku=f"GLOBAL-{sku}"
        )
        catalog.map_sku(merchant.id, sku, wish=wish, by="user:1")
    return house
