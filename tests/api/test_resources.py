"""Catalogue, connections, pauses, inbox, work, mails and alerts over HTTP."""

from typing import Any

import pytest

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.attempts.models import Attempt
from entrepot.catalog.models import Mapping
from entrepot.connections.models import Connection
from entrepot.events.models import Event
from tests.api.calling import Caller, caller
from tests.connections import accounts
from tests.dashboard.scene import Scene, sell
from tests.dashboard.shares import share
from tests.dashboard.troubles import unknown
from tests.rules.trade import connect

WHY = {"reason": "Jahresinventur"}


@pytest.fixture
def house(merchant: Merchant) -> Connection:
    return accounts.a_print_house(merchant)


@pytest.fixture
def program(merchant: Merchant) -> Caller:
    return caller(merchant)


def words(house: Connection) -> dict[str, Any]:
    return {
        "kind": "provider",
        "provider_connection_id": house.id,
        "provider_sku": "GLOBAL-FAP-16X24",
        "attributes": {"color": "white; matt", "wrap": "Black"},
        "sizing": "fillPrintArea",
        "unit_cost": "7.95",
        "cost_currency": "GBP",
        "artwork": [
            {"print_area": "default", "url": "https://cdn.example/möwe.png?a=1;b=2"},
            {"print_area": "back", "line_property": "Motiv"},
        ],
    }


def test_a_sku_is_mapped_and_read_back(program: Caller, house: Connection) -> None:
    put = program.put("/api/v1/mappings/MUG/1 blå", words(house))
    read = program.get("/api/v1/mappings/MUG/1 blå")
    wrong = program.put("/api/v1/mappings/X", {**words(house), "provider_connection_id": 424242})
    half = program.put("/api/v1/mappings/X", {"kind": "provider"})

    assert put.status == 200, put.text
    assert (read.body["sku"], read.body["attributes"]) == (
        "MUG/1 blå",
        {"color": "white; matt", "wrap": "Black"},
    )
    assert {art["print_area"] for art in read.body["artwork"]} == {"default", "back"}
    assert (wrong.status, half.status) == (422, 422)
    assert program.get("/api/v1/mappings/X").status == 404


def test_what_is_shipped_by_hand_is_at_no_provider_and_the_other_way_round(
    merchant: Merchant, program: Caller, house: Connection
) -> None:
    place = connect(merchant, "by_hand", mode=house.mode)
    there, here = {"provider_connection_id": house.id}, {"provider_connection_id": place.id}

    put = program.put("/api/v1/mappings/MUG-1", {"kind": "by_hand", **here, "bin": "A-01"})
    refused = [
        program.put("/api/v1/mappings/MUG-2", {"kind": "by_hand", **there}),
        program.put("/api/v1/mappings/MUG-2", {"kind": "provider", **here, "provider_sku": "G-1"}),
    ]

    assert (put.status, put.body["provider_connection_id"]) == (200, place.id)
    assert [one.status for one in refused] == [422, 422]
    assert [
        words
        for one, words in zip(refused, ("makes things itself", "you ship by hand"), strict=True)
        if words in one.body["detail"]
    ] == ["makes things itself", "you ship by hand"]
    assert program.get("/api/v1/mappings/MUG-2").status == 404


def test_mappings_survive_the_way_through_a_spreadsheet(
    program: Caller, house: Connection, merchant: Merchant
) -> None:
    program.put("/api/v1/mappings/MUG-1", words(house))
    program.put("/api/v1/mappings/SET", {"kind": "kit", "parts": {"MUG-1": 2, "PC*2": 6}})
    program.put("/api/v1/mappings/=cmd", {"kind": "nothing"})
    before = program.get("/api/v1/mappings").body["data"]

    table = program.get("/api/v1/mappings.csv").text
    with scope.merchant(merchant.id):
        Mapping.objects.all().delete()
    back = program.send("POST", "/api/v1/mapping-imports", table.encode(), content_type="text/csv")
    after = program.get("/api/v1/mappings").body["data"]

    assert (back.status, back.body) == (200, {"changed": 3})
    assert "'=cmd" in table

    def told(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        kept = [
            {k: v for k, v in row.items() if k not in {"version", "updated_at"}} for row in rows
        ]
        return sorted(kept, key=lambda row: str(row["sku"]))

    assert told(after) == told(before)


def test_a_table_with_one_bad_row_maps_nothing(program: Caller, house: Connection) -> None:
    table = f"sku,kind,provider,provider_sku\nA,provider,{house.code},X-1\nB,provider,nobody,X-2\n"

    answer = program.send(
        "POST", "/api/v1/mapping-imports", table.encode(), content_type="text/csv"
    )

    assert (answer.status, answer.body["detail"][:7]) == (422, "line 3:")
    assert program.get("/api/v1/mappings").body["data"] == []


def test_a_shipping_method_gets_the_providers_word(
    program: Caller, house: Connection, merchant: Merchant
) -> None:
    shop = accounts.a_shop(merchant)
    ways = {
        "storefront_id": shop.id,
        "provider_connection_id": house.id,
        "method_code": "flat_rate:5",
        "provider_method": "Budget",
    }

    first = program.put("/api/v1/shipping-maps", ways)
    again = program.put("/api/v1/shipping-maps", {**ways, "provider_method": "Express"})
    wrong = program.put("/api/v1/shipping-maps", {**ways, "storefront_id": house.id})

    assert first.body["id"] == again.body["id"]
    shown = program.get("/api/v1/shipping-maps").body["data"]
    assert [row["provider_method"] for row in shown] == ["Express"]
    assert wrong.status == 422


def test_a_connection_is_added_changed_and_moved_without_telling_its_secrets(
    program: Caller, merchant: Merchant
) -> None:
    secret = "cs_geheimnis_42"
    added = program.post(
        "/api/v1/connections",
        {
            "platform": "woocommerce",
            "name": "Läden",
            "is_tested": False,
            "settings": {
                "base_url": "https://laeden.example",
                "consumer_key": "ck_" + "1" * 40,
                "consumer_secret": secret,
            },
        },
    )
    path = f"/api/v1/connections/{added.body['id']}"
    changed = program.amend(path, {"name": "Läden 2", "cooling_off_seconds": 600})
    bad = program.amend(path, {"settings": {"base_url": "ftp://x", "colour": "red"}})
    live = program.post(f"{path}/go-live", {})
    paused = program.post(f"{path}/pause", WHY)
    twice = program.post(f"{path}/go-live", {})
    resumed = program.post(f"{path}/resume", WHY)
    gone = program.post(f"{path}/archive", WHY)

    assert (added.status, added.body["status"]) == (201, "observing")
    assert changed.body["policy"] == {"cooling_off_seconds": 600}
    assert {fault["field"] for fault in bad.body["errors"]} == {"base_url", "colour"}
    assert [a.body["status"] for a in (live, paused, resumed, gone)] == [
        "live",
        "paused",
        "live",
        "archived",
    ]
    assert twice.status == 409
    told = "".join(a.text for a in (added, changed, live, program.get(path)))
    assert secret not in told
    reader = caller(merchant, scopes=["connections:read"])
    assert reader.get(path).body["hook_url"] == ""


def test_a_test_of_a_connection_says_what_the_platform_said(
    program: Caller, merchant: Merchant
) -> None:
    shop = accounts.a_shop(merchant)  # at an address where nobody listens

    answer = program.post(f"/api/v1/connections/{shop.id}/test")

    assert (answer.status, answer.body["is_accepted"]) == (200, False)
    assert answer.body["message"]


def test_effects_are_paused_once_and_resumed(program: Caller, house: Connection) -> None:
    stop = program.post("/api/v1/pauses", {**WHY, "flow": "refunds"})
    again = program.post("/api/v1/pauses", {**WHY, "flow": "refunds"})
    standing = program.get("/api/v1/pauses").body["data"]
    over = program.post(f"/api/v1/pauses/{stop.body['id']}/resume", WHY)

    assert (stop.status, again.body["id"]) == (201, stop.body["id"])
    assert [row["flow"] for row in standing] == ["refunds"]
    assert over.body["resumed_by"].startswith("api_key:")
    assert program.get("/api/v1/pauses").body["data"] == []


def test_messages_are_listed_read_and_replayed(
    program: Caller, merchant: Merchant, database: str
) -> None:
    program.post("/api/v1/orders", _an_order())
    (row,) = program.get("/api/v1/inbox").body["data"]

    body = program.get(f"/api/v1/inbox/{row['id']}/body")
    blind = caller(merchant, scopes=["inbox:read"]).get(f"/api/v1/inbox/{row['id']}/body")
    replayed = program.post("/api/v1/inbox/replay", {"ids": [row["id"], 999_999], **WHY})

    assert (row["outcome"], row["topic"], row["has_body"]) == ("waiting", "order", True)
    assert '"TEL-1"' in body.text
    assert (blind.status, blind.body["scope"]) == (403, "personal_data:read")
    assert replayed.body == {"changed": 0}  # it waits anyway
    with scope.merchant(merchant.id):
        assert Event.objects.filter(name="customer.revealed").count() == 1


def test_a_person_says_that_an_attempt_did_not_happen_and_it_goes_on(
    machine: Caller, shop_day: Scene
) -> None:
    order = sell(
        shop_day, "40001", customer="Łucja", country="PL", total="99.00", currency="PLN",
        lines=[("MUG-1", "Kubek", 3)], placed=shop_day.order("10482").placed_at
        - shop_day.order("10482").placed_at,
    )  # fmt: skip
    unknown(shop_day, "40001", share(shop_day, order, lines=[0], status="submitted"))
    with scope.merchant(shop_day.merchant.id):
        attempt = Attempt.objects.get(order_id=order.id)
    path = f"/api/v1/attempts/{attempt.id}/decide"

    decided = machine.post(path, {**WHY, "happened": False})
    twice = machine.post(path, {**WHY, "happened": True})

    assert (decided.status, decided.body["status"]) == (200, "not_sent"), decided.text
    assert twice.status == 409
    (share_now,) = machine.get("/api/v1/orders/40001/fulfillment-orders").body["data"]
    assert share_now["status"] == "open"


def test_a_promise_is_waived_with_a_reason(machine: Caller, shop_day: Scene) -> None:
    overdue = machine.get("/api/v1/obligations", is_overdue=True).body["data"]

    waived = machine.post(f"/api/v1/obligations/{overdue[0]['id']}/waive", WHY)
    twice = machine.post(f"/api/v1/obligations/{overdue[0]['id']}/waive", WHY)

    assert all(row["is_overdue"] for row in overdue)
    assert (waived.body["end"], waived.body["reason"]) == ("waived", "Jahresinventur")
    assert twice.status == 409


def test_letters_are_replayed_by_cause_and_counted(machine: Caller, shop_day: Scene) -> None:
    waiting = machine.get("/api/v1/dead-letters").body["data"]
    ids = [row["id"] for row in waiting]

    replayed = machine.post("/api/v1/dead-letters/replay", {"ids": ids[:1], **WHY})
    discarded = machine.post("/api/v1/dead-letters/discard", {"ids": ids, **WHY})

    assert (replayed.body, discarded.body) == ({"changed": 1}, {"changed": len(ids) - 1})
    assert machine.get("/api/v1/dead-letters").body["data"] == []


def _an_order() -> dict[str, Any]:
    return {
        "external_id": "TEL-1",
        "currency": "EUR",
        "payment": "on_terms",
        "shipping_address": {"name": "Ümit Çelik", "line1": "Hafen 3", "country": "TR"},
        "lines": [{"sku": "MUG-1", "title": "Fincan", "quantity": 4, "unit_price": "9.90"}],
    }
