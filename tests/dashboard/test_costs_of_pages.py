"""What pages cost: few queries, no more of them for more rows, and only the months that count."""

import re
from datetime import timedelta

import psycopg
import pytest
from django.db import connections
from django.utils import timezone

from entrepot.access import scope
from entrepot.dashboard.reading.timeline import events_of
from entrepot.orders.models import Order
from tests.dashboard import scene as scenes
from tests.dashboard import shares, troubles
from tests.dashboard.conftest import SignIn
from tests.dashboard.queries import queries_of
from tests.dashboard.scene import Scene

MOST = {
    "/": 20,
    "/orders/": 16,
    "/attention/": 20,
    "/orders/{10482}/": 24,
    "/orders/{E-7KQ2MD}/": 26,
}


def address(scene: Scene, path: str) -> str:
    """A page's address, with the id of the order that it names."""
    return re.sub(r"\{(.+)\}", lambda match: str(scene.orders[match[1]].id), path)


@pytest.mark.parametrize("path", MOST)
def test_a_page_asks_few_things(scene: Scene, sign_in: SignIn, path: str) -> None:
    client = sign_in(scene)
    where = address(scene, path)
    queries_of(client, where)  # what a process learns once is not the page's

    asked = queries_of(client, where)

    assert len(asked) <= MOST[path], "\n".join(asked)
    assert len(asked) > 8, "nothing was counted"


def test_more_rows_are_no_more_queries(scene: Scene, sign_in: SignIn) -> None:
    client = sign_in(scene)
    paths = [address(scene, path) for path in MOST]
    for path in paths:
        queries_of(client, path)
    before = {path: len(queries_of(client, path)) for path in paths}

    more_of_everything(scene)

    assert {path: len(queries_of(client, path)) for path in paths} == before


def more_of_everything(scene: Scene) -> None:
    """Five more orders that stand still for reasons of their own, and more of a known one."""
    for number in range(1, 6):
        name = f"3000{number}"
        order = scenes.sell(
            scene, name, customer=f"Zoë Ryś {number}", country="BE", total="64.00",
            currency="EUR", lines=[(f"NEW-{number}-A3", "Druck", 2), ("PC-MOE-12", "Karten", 3)],
            placed=timedelta(hours=number),
        )  # fmt: skip
        troubles.hold(scene, name, "unmapped_sku", "not mapped", about=f"NEW-{number}-A3")
        troubles.owe(scene, name, "submit", due=timedelta(minutes=-number))
        troubles.unknown(scene, name, shares.share(scene, order, status="submitted"))
        troubles.bury(scene, name, "mail.send", f"reason {number}")
        troubles.park(scene, f"unknown word {number}", times=2)
        subject = ("mail", 900 + number)
        troubles.owe(scene, "10482", "tell_customer", due=timedelta(days=number), subject=subject)


def test_the_history_of_an_order_is_read_from_its_own_months(
    scene: Scene, superuser_url: str
) -> None:
    order = scene.order("10482")
    with psycopg.connect(superuser_url) as connection:
        months = connection.execute(
            "SELECT count(*) FROM pg_inherits WHERE inhparent = 'event'::regclass"
        ).fetchone()
    with scope.merchant(scene.merchant.id):
        known = len(events_of(order))
        query, parameters = events_of(order).query.sql_with_params()
        with connections["default"].cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF) {query}", parameters)
            plan = "\n".join(str(row[0]) for row in cursor.fetchall())

    ran = {
        line.split(" on ")[1].split()[0]
        for line in plan.splitlines()
        if "Scan" in line and " on event_" in line and "never executed" not in line
    }
    this_month = f"event_{timezone.now():%Y_%m}"
    assert known > 3
    assert months is not None
    assert months[0] > 4
    assert len(ran) <= 3, plan  # last month's at most, and where what has no month falls
    assert any(name.startswith(this_month) for name in ran), plan


def test_nothing_of_an_order_is_older_than_what_is_read(scene: Scene) -> None:
    with scope.merchant(scene.merchant.id):
        for order in Order.objects.all():
            first = events_of(order).order_by("at").first()
            assert first is None or first.at >= order.first_seen_at - timedelta(days=1)
