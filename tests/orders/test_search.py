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
def shop(database: str) -> Scene:
    """Of a day's orders 10482 has two more tracking numbers."""
    shop = day.a_day(scenes.opened())
    _keep(shop, "10482", KEPT, IN_GROUPS)
    return shop


def test_it_is_found_in_every_place_where_one_searches(shop: Scene) -> None:
    person, machine = Client(), caller(shop.merchant)
    person.force_login(
        shop.people[Role.OPERATOR], backend="django.contrib.auth.backends.ModelBackend"
    )
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
                f"SELECT o.number FROM orders_order AS o WHERE {condition}", {"f_find": value}
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
            f"EXPLAIN SELECT o.number FROM orders_order AS o WHERE {condition}", {"f_find": value}
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
