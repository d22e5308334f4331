"""A tracking number leads to its order however somebody writes it down."""

from importlib import import_module

import pytest
from django.test import Client

from entrepot.access import scope
from entrepot.access.states import Role
from entrepot.dashboard.reading import filters
from entrepot.database import sql
from entrepot.orders import search
from entrepot.orders.models import SearchTerm
from tests.api.calling import caller
from tests.dashboard import day
from tests.dashboard import scene as scenes
from tests.dashboard.scene import Scene
from tests.rows import Rows

BACKEND = "django.contrib.auth.backends.ModelBackend"
KEPT = "1Z999AA10123456784"
IN_GROUPS = "RR 123 456–785 DE"
WRITTEN = {
    "as it is": KEPT,
    "in small letters": "1z999aa10123456784",
    "in groups": "1Z 999 AA1 01 2345 6784",
    "with dashes": "1Z-999-AA1-01-2345-6784",
    "as pages break it": " 1z\N{NO-BREAK SPACE}999\N{NON-BREAKING HYPHEN}AA1\t01.2345.6784\n",
    "kept in groups, as it is": IN_GROUPS,
    "kept in groups, whole": "rr123456785de",
    "kept in groups, in others": "RR-12345-6785-DE",
}


@pytest.fixture
def shop(database: str, rows: Rows) -> Scene:
    """Of a day's orders 10482 has two more tracking numbers."""
    shop = rows.once("a day", lambda: day.a_day(scenes.opened()))
    _keep(shop, "10482", KEPT, IN_GROUPS)
    return shop


def test_it_is_found_in_every_place_where_one_searches(shop: Scene) -> None:
    person, machine = Client(), caller(shop.merchant)
    person.force_login(shop.people[Role.OPERATOR], backend=BACKEND)
    order = shop.orders["10482"]

    found = {
        how: (
            person.get("/search/", {"q": written})["Location"],
            [row["number"] for row in machine.get("/api/v1/orders", find=written).body["data"]],
            [
                row["order_number"]
                for row in machine.get("/api/orders/management", customer=written).body["orders"]
            ],
        )
        for how, written in WRITTEN.items()
    }

    assert found == dict.fromkeys(WRITTEN, (f"/orders/{order.id}/", ["10482"], ["10482"]))


def test_the_beginning_of_one_finds_it_in_the_list(shop: Scene) -> None:
    found = {}
    for how, written in WRITTEN.items():
        condition, value = filters._condition("find", written.strip()[:-2]) or ("false", None)
        with scope.merchant(shop.merchant.id):
            rows = sql.fetch(
                f"SELECT o.number FROM orders_order AS o WHERE {condition}",
                {"f_find": value, "f_kinds": ["order", "name"]},
            )
        found[how] = [number for (number,) in rows]

    assert found == {how: ["10482"] for how in WRITTEN}


def test_short_numbers_and_names_are_told_apart_by_their_signs(shop: Scene) -> None:
    _keep(shop, "10481", "1-234", "Anne-Marie Süß-Kind")
    _keep(shop, "10483", "1234", "AnneMarie SüßKind")
    machine = caller(shop.merchant)

    found = [
        [row["number"] for row in machine.get("/api/v1/orders", find=written).body["data"]]
        for written in ("1-234", "1234", "anne-marie süß-kind", "annemarie süßkind")
    ]

    assert found == [["10481"], ["10483"], ["10481"], ["10483"]]


def test_a_search_reads_nothing_but_its_index(shop: Scene) -> None:
    condition, value = filters._condition("find", KEPT[:12]) or ("false", None)
    with scope.merchant(shop.merchant.id):
        sql.run("SET LOCAL enable_seqscan = off")
        lines = sql.fetch(
            f"EXPLAIN SELECT o.number FROM orders_order AS o WHERE {condition}",
            {"f_find": value, "f_kinds": ["order", "name"]},
        )

    plan = "\n".join(line for (line,) in lines)
    assert plan.count("Index Only Scan using search_term_key") == 2, plan
    assert plan.count("term >= '1z999aa10123'") == 2, plan


def test_numbers_that_were_kept_before_are_found_as_well(shop: Scene) -> None:
    with scope.system():
        SearchTerm.objects.filter(term="rr123456785de").delete()
        before = set(SearchTerm.objects.values_list("term", flat=True))
        sql.run(
            import_module("entrepot.orders.migrations.0004_terms_without_groups")._KEEP_UNPARTED
        )
        after = set(SearchTerm.objects.values_list("term", flat=True))

    assert after - before == {"rr123456785de"}


NAMES = ("Mareike Süßkind", "mareike", "Süßkind", "süß")
NUMBERS = ("10482", KEPT)


def test_who_may_not_see_customers_finds_nothing_by_their_names(shop: Scene) -> None:
    order = shop.orders["10482"]
    seen = Client()
    seen.force_login(shop.people[Role.VIEWER], backend=BACKEND)
    machine = caller(shop.merchant, scopes=["orders:read"])

    for word in NAMES:
        beginning = seen.get("/orders/", {"find": word}).content.decode()
        named = seen.get("/search/", {"q": word})["Location"]
        listed = machine.get("/api/v1/orders", find=word).body["data"]
        documented = machine.get("/api/orders/management", customer=word).body["orders"]
        assert f"/orders/{order.id}/" not in beginning, word
        assert named.startswith("/orders/?find="), word
        assert (listed, documented) == ([], []), word

    for word in NUMBERS:
        assert f"/orders/{order.id}/" in seen.get("/orders/", {"find": word}).content.decode()
        assert seen.get("/search/", {"q": word})["Location"] == f"/orders/{order.id}/"
        assert len(machine.get("/api/v1/orders", find=word).body["data"]) == 1
        assert len(machine.get("/api/orders/management", customer=word).body["orders"]) == 1


def test_who_may_see_customers_finds_orders_by_their_names(shop: Scene) -> None:
    order = shop.orders["10482"]
    seen = Client()
    seen.force_login(shop.people[Role.SUPPORT], backend=BACKEND)
    machine = caller(shop.merchant)

    for word in NAMES[:3]:
        assert f"/orders/{order.id}/" in seen.get("/orders/", {"find": word}).content.decode()
        found = [row["number"] for row in machine.get("/api/v1/orders", find=word).body["data"]]
        assert "10482" in found, word


def test_names_that_were_kept_among_identifiers_are_set_apart(shop: Scene) -> None:
    names, numbers = _kinds(shop, "name"), _kinds(shop, "order")
    assert {"mareike süsskind", "mareike"} <= names
    with scope.system():
        sql.run("UPDATE search_term SET kind = 'order'")

        sql.run(import_module("entrepot.orders.migrations.0005_names_apart")._APART)

    assert (_kinds(shop, "name"), _kinds(shop, "order")) == (names, numbers)


def _kinds(shop: Scene, kind: str) -> set[str]:
    with scope.merchant(shop.merchant.id):
        return set(SearchTerm.objects.filter(kind=kind).values_list("term", flat=True))


def _keep(shop: Scene, number: str, *words: str) -> None:
    order = shop.orders[number]
    with scope.merchant(shop.merchant.id):
        search.keep_terms(
            [
                search.OrderTerms(
                    merchant_id=shop.merchant.id, mode=order.mode, order_id=order.id, words=words
                )
            ]
        )
