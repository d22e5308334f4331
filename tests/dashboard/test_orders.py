"""The orders list: filters in the address, any identifier, pages by key, views, export, bulk."""

import csv
import io
import re
from datetime import timedelta

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from entrepot.access import scope
from entrepot.access.states import Role
from entrepot.dashboard.reading import order_list
from entrepot.dashboard.reading.filters import Filters
from entrepot.events import outbox
from entrepot.fulfillment.references import share_reference
from entrepot.intake.tables import BYTE_ORDER_MARK
from entrepot.orders.models import Order, Tag
from entrepot.payments.models import PaymentEntry
from tests.dashboard import scene as scenes
from tests.dashboard import troubles
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene

DUE_SOON = {"10479", "10490", "E-7KQ2MD", "E-9WD3HC", "10468", "10496"}


def listed(client: Client, query: str, *, path: str = "/orders/") -> list[str]:
    """The numbers that a list shows, in its order."""
    page = client.get(f"{path}?{query}").content.decode()
    return re.findall(r'<th scope="row"><a href="[^"]+"><bdi>([^<]+)</bdi>', page)


@pytest.mark.parametrize(
    ("_case", "query", "numbers"),
    [
        ("a state", "state=delayed", {"10482"}),
        ("a hold's reason", "hold=unmapped_sku", {"10479", "10481", "10483"}),
        ("a currency in any case", "currency=kwd", {"10497"}),
        ("a country typed into the box", "f=country:is", {"10466", "10470"}),
        ("SKUs that begin alike", "f=sku:PRT-N*", {"10479", "10481", "10483"}),
        ("a tag in quotes", 'f=tag:"gift 🎁"', {"10482"}),
        ("two at once", "f=sku:PC-MOE-12 country:es&state=held", {"10483", "10485"}),
        ("a name's beginning", "find=brzę", {"10496"}),
        ("what is owed within the hour", "owed=hour", DUE_SOON),
        ("nothing at all", "find=no-such-thing", set()),
    ],
)  # fmt: skip
def test_a_filter_shows_its_rows(
    scene: Scene, sign_in: SignIn, _case: str, query: str, numbers: set[str]
) -> None:
    assert set(listed(sign_in(scene), query)) == numbers


@pytest.mark.parametrize("query", ["state=sleeping", "hold=x", "provider=me", "from=yesterday"])
def test_a_filter_that_makes_no_sense_is_named_and_left_out(
    scene: Scene, sign_in: SignIn, query: str
) -> None:
    client = sign_in(scene)

    page = client.get(f"/orders/?{query}").content.decode()

    assert f"<b>{query.replace('=', ':')}</b> is no filter that we know" in page
    assert len(listed(client, query)) == len(scene.orders)


def test_pages_go_by_key_there_and_back(scene: Scene) -> None:
    names: dict[int, str] = {}
    with scope.merchant(scene.merchant.id):
        everything = order_list.rows_of(
            "live", Filters(), names=names, sees_people=True, limit=100
        ).rows
        first = order_list.rows_of("live", Filters(), names=names, sees_people=True, limit=7)
        key = order_list.key_of(first.rows[-1].key)
        second = order_list.rows_of(
            "live", Filters(), names=names, sees_people=True, older_than=key, limit=7
        )
        back = order_list.rows_of(
            "live",
            Filters(),
            names=names,
            sees_people=True,
            newer_than=order_list.key_of(second.rows[0].key),
            limit=7,
        )

    assert [row.id for row in first.rows + second.rows] == [row.id for row in everything[:14]]
    assert (first.has_older, first.has_newer) == (True, False)
    assert [row.id for row in back.rows] == [row.id for row in first.rows]
    assert back.has_newer is False


def test_a_list_costs_the_same_however_many_rows_it_has(scene: Scene, sign_in: SignIn) -> None:
    client = sign_in(scene)
    client.get("/orders/")

    def queries(query: str) -> int:
        with CaptureQueriesContext(connections["default"]) as captured:
            assert client.get(f"/orders/?{query}").status_code == 200
        return len(captured)

    few, many = queries("find=brzę"), queries("")

    assert many <= few
    assert many < 60


@pytest.mark.parametrize(
    ("_case", "typed"),
    [
        ("its number", "10482"),
        ("with a sign and spaces", " #10482 "),
        ("a tracking number", "NP 8830 2741 5"),
        ("a payment's id", "pi_10482"),
        ("the e-mail address", "Mareike@SeeMail.example"),
        ("the customer's family name", "Süßkind"),
    ],
)
def test_any_identifier_leads_to_its_order(
    scene: Scene, sign_in: SignIn, _case: str, typed: str
) -> None:
    answer = sign_in(scene).get("/search/", {"q": typed})

    assert answer["Location"] == f"/orders/{scene.orders['10482'].id}/"


def test_the_name_that_a_provider_shows_leads_to_its_order_and_a_sku_to_its_orders(
    scene: Scene, sign_in: SignIn
) -> None:
    client = sign_in(scene)
    order = scene.orders["10484"]
    sale = {"account": order.account, "mode": order.mode, "external_id": order.external_id}
    shown = share_reference(**sale, share=2, generation=1)

    there = client.get("/search/", {"q": shown})
    elsewhere = client.get("/search/", {"q": f"x{shown}"})
    sku = client.get("/search/", {"q": "PC-MOE-12"})

    assert there["Location"] == f"/orders/{order.id}/"
    assert elsewhere["Location"].startswith("/orders/?find=x")
    assert sku["Location"] == "/orders/?sku=PC-MOE-12"


def test_an_address_leads_nobody_to_an_order_who_may_not_see_addresses(
    scene: Scene, sign_in: SignIn
) -> None:
    answer = sign_in(scene, Role.VIEWER).get("/search/", {"q": "mareike@seemail.example"})

    assert answer["Location"] == "/orders/?find=mareike%40seemail.example"


def test_an_identifier_of_several_orders_leads_to_their_list(scene: Scene, sign_in: SignIn) -> None:
    client = sign_in(scene)

    answer = client.get("/search", {"q": "Peñaranda"})

    assert answer["Location"] == "/orders/?find=Pe%C3%B1aranda"
    assert set(listed(client, answer["Location"].partition("?")[2])) == {"10484", "10485"}


def test_live_and_test_never_show_each_others_orders(scene: Scene, sign_in: SignIn) -> None:
    scenes.sell(
        scene, "T-1", customer="Björk Guðmundsdóttir", country="IS", total="990", currency="ISK",
        lines=[("PC-MOE-12", "Postcards", 2)], placed=timedelta(minutes=5), connection="test",
        mode="test",
    )  # fmt: skip
    client = sign_in(scene)
    inside = f"/orders/{scene.orders['T-1'].id}/"

    assert listed(client, "", path="/test/orders/") == ["T-1"]
    assert "T-1" not in listed(client, "")
    assert client.get(inside).status_code == 404
    assert "<b>TEST MODE</b>" in client.get(f"/test{inside}").content.decode()


def test_an_export_has_the_rows_of_the_list_and_no_formula(scene: Scene, sign_in: SignIn) -> None:
    scenes.sell(
        scene, "=cmd|' /C calc'!A0", customer="@SUM(1+1)", country="DE", total="12.50",
        currency="EUR", lines=[("X-1", "X", 2)], placed=timedelta(minutes=1),
    )  # fmt: skip

    answer = sign_in(scene).get("/orders/export.csv")

    text = answer.content.decode()
    rows = list(csv.DictReader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK))))
    assert text.startswith(BYTE_ORDER_MARK)
    assert len(rows) == len(scene.orders)
    assert rows[0]["number"] == "'=cmd|' /C calc'!A0"
    assert rows[0]["customer"] == "'@SUM(1+1)"
    assert {row["number"]: row["total"] for row in rows}["10497"] == "18.450"
    assert {row["number"]: row["customer"] for row in rows}["E-4TN9XB"] == "田辺 ゆき"


def test_an_export_hides_names_from_roles_that_may_not_see_them(
    scene: Scene, sign_in: SignIn
) -> None:
    answer = sign_in(scene, Role.VIEWER).get("/orders/export.csv").content.decode()

    assert "10482" in answer
    assert "Süßkind" not in answer


def test_a_saved_view_is_kept_for_its_author_and_shared_on_wish(
    scene: Scene, sign_in: SignIn
) -> None:
    inga, saoirse = sign_in(scene), sign_in(scene, Role.SUPPORT)

    inga.post("/orders/views/", {"name": "Only mine", "query": "state=held"})
    inga.post("/orders/views/", {"name": "Für alle", "query": "country=DE", "shared": "1"})

    own = inga.get("/orders/").content.decode()
    seen = saoirse.get("/orders/").content.decode()
    assert "Only mine" in own
    assert "Für alle" in own
    assert "Only mine" not in seen
    assert "Für alle" in seen


def test_a_view_is_removed_by_its_author_only(scene: Scene, sign_in: SignIn) -> None:
    inga, saoirse = sign_in(scene), sign_in(scene, Role.SUPPORT)
    inga.post("/orders/views/", {"name": "Für alle", "query": "country=DE", "shared": "1"})
    page = inga.get("/orders/?country=DE").content.decode()
    address = re.search(r"/orders/views/\d+/remove/", page)
    assert address is not None

    refused, gone = saoirse.post(address[0]), inga.post(address[0])

    assert (refused.status_code, gone.status_code) == (404, 302)
    assert "Für alle" not in saoirse.get("/orders/").content.decode()


def test_a_bulk_action_says_what_it_means_for_each_before_it_acts(
    scene: Scene, sign_in: SignIn
) -> None:
    client = sign_in(scene)
    ids = [scene.orders[number].id for number in ("10497", "10480", "10471")]

    preview = client.get("/orders/several/hold/", {"order": ids}).content.decode()

    assert "Hold 2 orders" in preview
    assert "is cancelled, nothing to hold" in preview
    assert scene.order("10497").is_held is False


def test_a_bulk_action_acts_on_those_that_it_applies_to(scene: Scene, sign_in: SignIn) -> None:
    ids = [scene.orders[number].id for number in ("10497", "10480", "10471")]

    sign_in(scene).post("/orders/several/hold/", {"order": ids, "reason": "wrong paper"})

    held = {number: scene.order(number).is_held for number in ("10497", "10480", "10471")}
    assert held == {"10497": True, "10480": True, "10471": False}


def test_a_bulk_action_comes_back_to_the_list_that_it_began_in(
    scene: Scene, sign_in: SignIn
) -> None:
    client, chosen = sign_in(scene), str(scene.orders["10497"].id)
    began = "/orders/?state=held&storefront=2"

    page = client.get("/orders/?state=held&storefront=2").content.decode()
    asked = client.get("/orders/several/tag/", {"order": chosen, "back": began}).content.decode()
    answer = client.post("/orders/several/tag/", {"order": chosen, "tags": "Köln", "back": began})
    none = client.get("/orders/several/tag/", {"back": began})

    kept = 'name="back" value="/orders/?state=held&amp;storefront=2"'
    assert kept in asked
    assert (kept in page) == ('id="bulk"' in page)
    assert (answer["Location"], none["Location"]) == (began, began)


def test_holding_again_says_that_you_hold_it_already(scene: Scene, sign_in: SignIn) -> None:
    client, order = sign_in(scene), scene.orders["10497"]
    client.post(f"/orders/{order.id}/hold/", {"reason": "Frau Ōtani fragt nach der Farbe"})

    again = client.post(f"/orders/{order.id}/hold/", {"reason": "noch ein Grund"})
    several = client.get("/orders/several/hold/", {"order": [order.id]}).content.decode()

    assert again.status_code == 409
    assert "You hold it already: “Frau Ōtani fragt nach der Farbe”." in again.content.decode()
    assert "is held by you already" in several


def test_a_bulk_release_lifts_every_hold(scene: Scene, sign_in: SignIn) -> None:
    troubles.hold(scene, "10481", "cost", "costs 96 % of revenue")
    ids = [scene.orders[number].id for number in ("10481", "10483")]

    sign_in(scene).post("/orders/several/release/", {"order": ids, "reason": "looked at"})

    assert [scene.order(number).open_holds for number in ("10481", "10483", "10479")] == [0, 0, 1]


def test_bulk_tags_join_those_that_are_there(scene: Scene, sign_in: SignIn) -> None:
    ids = [scene.orders[number].id for number in ("10482", "10480")]

    sign_in(scene).post("/orders/several/tag/", {"order": ids, "tags": "Messe, Messe, grün"})

    with scope.merchant(scene.merchant.id):
        words = [
            set(Tag.objects.filter(order_id=id_).values_list("word", flat=True)) for id_ in ids
        ]
    assert words == [{"gift 🎁", "Messe", "grün"}, {"Messe", "grün"}]


def test_a_customers_number_leads_to_all_their_orders(scene: Scene, sign_in: SignIn) -> None:
    first, second = scene.orders["10484"], scene.orders["10485"]
    with scope.merchant(scene.merchant.id):
        Order.objects.filter(id=second.id).update(customer_id=first.customer_id)
    client = sign_in(scene)

    page = client.get(f"/orders/{second.id}/").content.decode()
    rows = listed(client, f"customer={first.customer_id}")

    assert f'href="/orders/?customer={first.customer_id}">order no. 2</a>' in page
    assert rows == ["10485", "10484"]


def test_a_customers_language_is_said_by_its_name(scene: Scene, sign_in: SignIn) -> None:
    page = sign_in(scene).get(f"/orders/{scene.orders['10482'].id}/").content.decode()

    assert "</a>, German</span>" in page


def test_the_order_page_leads_to_what_its_customer_sees(scene: Scene, sign_in: SignIn) -> None:
    path = f"/orders/{scene.orders['10482'].id}/"

    operator, viewer = (
        sign_in(scene, role).get(path).content.decode() for role in (Role.OPERATOR, Role.VIEWER)
    )

    assert "/t/" in operator
    assert "Tracking page" not in viewer


def test_platforms_codes_are_said_in_words_with_the_code_at_hand(
    scene: Scene, sign_in: SignIn
) -> None:
    order = scene.orders["10482"]
    with scope.merchant(scene.merchant.id), outbox.because(cause="attempt:7"):
        PaymentEntry.objects.filter(order_id=order.id).update(reason="requested_by_customer")
        outbox.record(
            "fulfillment_order.rejected",
            merchant_id=scene.merchant.id,
            mode="live",
            order_id=order.id,
            subject=("fulfillment_order", 1),
            data={"code": "SkuNotFound"},
        )

    page = sign_in(scene).get(f"/orders/{order.id}/").content.decode()

    assert 'title="requested_by_customer">requested by customer</span>' in page
    assert "Provider refused: “SKU not found (SkuNotFound)”" in page
