"""Actions on several orders: what each means for every one of them, and what became of each."""

import re
from collections.abc import Sequence
from datetime import timedelta

import pytest
from django import forms
from django.db import connections
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from entrepot.access import scope
from entrepot.access.models import Membership
from entrepot.access.states import Role
from entrepot.dashboard import bulk
from entrepot.dashboard.actions.several import Crowd, Done, HoldSeveral
from entrepot.dashboard.visit import Visit
from entrepot.database import sql
from entrepot.database.rows import Mode
from entrepot.deadletters.models import DeadLetter
from entrepot.orders.models import Hold, Order
from entrepot.orders.services import CannotChange
from tests.dashboard import scene as scenes
from tests.dashboard import shares, troubles
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene
from tests.dashboard.test_refunded_in_full import refund

LINES = [("PRT-LEU-5070", "Leuchtturm bei Nacht", 2), ("PC-MOE-12", "Postkarten „Möwen“", 3)]


def ids_of(scene: Scene, numbers: Sequence[str]) -> list[int]:
    return [scene.orders[number].id for number in numbers]


def sold(scene: Scene, *numbers: str, currency: str = "EUR", total: str = "64.80") -> None:
    """Paid orders of two lines, five units each, of which nothing has left."""
    for number in numbers:
        scenes.sell(
            scene, number, customer="Jørgen Åse", country="DK", total=total, currency=currency,
            lines=LINES, placed=timedelta(hours=2),
        )  # fmt: skip


def said_of_each(html: str) -> dict[str, str]:
    """What a preview says of each order, below it too, as one line of words."""
    found = re.findall(r"<li[^>]*>(.*?)</li>", html, re.DOTALL)
    told = {}
    for item in found:
        number = re.search(r"<b><bdi>([^<]+)</bdi></b>: ", item)
        if number is not None:
            words = re.sub(r"<[^>]+>", " ", item.partition("</b>: ")[2])
            told[number[1]] = " ".join(words.split())
    return told


def results_of(html: str) -> dict[str, str]:
    """What a page of results says of each order."""
    rows = re.findall(r"<tr[^>]*><th scope=\"row\">(.*?)</tr>", html, re.DOTALL)
    told = {}
    for row in rows:
        number, _, rest = row.partition("</th>")
        words = re.sub(r"<[^>]+>", " ", rest)
        told[re.sub(r"<[^>]+>", "", number)] = " ".join(words.split())
    return told


def jobs_of(scene: Scene, number: str) -> int:
    with scope.system():
        return int(
            sql.fetch_value(
                "SELECT count(*) FROM pgqueuer WHERE convert_from(payload, 'utf8') LIKE %s",
                [f'%"order_id":{scene.orders[number].id}%'],
            )
        )


def test_trying_several_again_does_what_each_page_would(scene: Scene, sign_in: SignIn) -> None:
    sold(scene, "20031", "20032")
    scenes.sell(
        scene, "20033", customer="Zoë Ryś", country="BE", total="18.00", currency="GBP",
        lines=LINES, placed=timedelta(hours=1), released=False, captured=False,
    )  # fmt: skip
    troubles.bury(scene, "20032", "fulfillment.submit", "the answer was „später“")
    chosen = ids_of(scene, ["20031", "20032", "20033"])
    client = sign_in(scene)
    before = {number: jobs_of(scene, number) for number in ("20031", "20032", "20033")}

    preview = client.get("/orders/several/retry/", {"order": chosen}).content.decode()
    refused = client.post("/orders/several/retry/", {"order": chosen})
    page = client.post(
        "/orders/several/retry/", {"order": chosen, "reason": "Anbieter geht wieder"}
    ).content.decode()

    assert said_of_each(preview) == {
        "20033": "has no work left that could be tried again 0 of 1",
        "20031": "goes on at once: 1 job",
        "20032": "goes on at once: 1 job; replayed: 1 dead letter",
    }
    assert refused.status_code == 422
    assert "<h1>Try again: 2 of 3 orders done</h1>" in page
    assert results_of(page)["20032"].startswith("Trying now: 1 job; replayed: 1 dead letter.")
    assert results_of(page)["20033"].startswith("Left as it was: has no work left")
    after = {number: jobs_of(scene, number) for number in before}
    assert {number: after[number] - before[number] for number in before} == {
        "20031": 1, "20032": 2, "20033": 0,
    }  # fmt: skip
    with scope.merchant(scene.merchant.id):
        letter = DeadLetter.objects.get(order_id=chosen[1])
        assert (letter.status, letter.reason) == ("replayed", "Anbieter geht wieder")


def test_a_bulk_release_warns_of_what_went_back_and_names_each_hold(
    scene: Scene, sign_in: SignIn
) -> None:
    sold(scene, "20031", "20032")
    refund(scene, "20031")
    troubles.hold(scene, "20032", "cost", "costs 96 % of revenue")
    troubles.hold(scene, "20032", "person", "Frau Ōtani fragt nach der Farbe")
    chosen = ids_of(scene, ["20031", "20032", "10497"])

    page = sign_in(scene).get("/orders/several/release/", {"order": chosen}).content.decode()

    told = said_of_each(page)
    money = "64.80 EUR"
    assert f"Refunded in full: it would be made and sent for nothing: {money}" in told["20031"]
    assert told["20032"].startswith("2 holds lifted")
    assert "costs 96 % of revenue" in told["20032"]
    assert "Frau Ōtani fragt nach der Farbe" in told["20032"]
    assert told["10497"] == "is not held 0 of 1"
    assert "Refunded in full: 1 order, made for nothing if released" in page


def test_a_bulk_release_lifts_only_the_holds_that_were_shown(scene: Scene, sign_in: SignIn) -> None:
    sold(scene, "20031", "20032")
    seen = [troubles.hold(scene, number, "cost", "zu teuer") for number in ("20031", "20032")]
    chosen = ids_of(scene, ["20031", "20032"])
    client = sign_in(scene)
    preview = client.get("/orders/several/release/", {"order": chosen}).content.decode()
    later = troubles.hold(scene, "20032", "address_refused", "Hausnummer fehlt")

    page = client.post(
        "/orders/several/release/",
        {"order": chosen, "reason": "geprüft", "hold": [hold.id for hold in seen]},
    ).content.decode()

    assert all(f'name="hold" value="{hold.id}"' in preview for hold in seen)
    assert "1 hold lifted. Stays held, since you looked:" in results_of(page)["20032"]
    assert "Hausnummer fehlt" in results_of(page)["20032"]
    assert [scene.order(number).open_holds for number in ("20031", "20032")] == [0, 1]
    with scope.merchant(scene.merchant.id):
        assert Hold.objects.get(id=later.id).lifted_at is None


def test_where_all_went_as_chosen_the_list_comes_back(scene: Scene, sign_in: SignIn) -> None:
    sold(scene, "20031", "20032")
    chosen = ids_of(scene, ["20031", "20032"])
    client = sign_in(scene)
    typed = {"order": chosen, "reason": "Farbe prüfen", "back": "/orders/?country=DK"}

    answer = client.post("/orders/several/hold/", typed)
    told = client.get("/orders/").content.decode()
    page = client.post("/orders/several/hold/", typed).content.decode()

    assert (answer.status_code, answer["Location"]) == (302, "/orders/?country=DK")
    assert "Hold: 2 orders done." in told
    assert "<h1>Hold: 0 of 2 orders done</h1>" in page
    assert 'href="/orders/?country=DK">‹ Orders</a>' in page


class Stubborn(HoldSeveral):
    """Holds each, and then refuses the one of a number."""

    refused = "20031"

    def perform(self, order: Order, form: forms.Form) -> Done:
        done = super().perform(order, form)
        if order.number == self.refused:
            raise CannotChange(f"cannot hold {order}: somebody packs it")
        return done


def test_an_order_that_its_service_refuses_stops_no_other_and_keeps_nothing(
    scene: Scene,
) -> None:
    sold(scene, "20031", "20032", "20033")
    operator = scene.people[Role.OPERATOR]
    with scope.merchant(scene.merchant.id):
        membership = Membership.objects.select_related("merchant").get(user=operator)
        visit = Visit(
            user=operator,
            membership=membership,
            others=(),
            mode=Mode.LIVE,
            scopes=frozenset({"orders:write"}),
        )
        orders = list(Order.objects.filter(number__startswith="2003").order_by("-id"))
        several = Stubborn(Crowd(visit=visit, orders=orders, names={}, query=QueryDict()))
        form = several.form({"reason": "Farbe prüfen"})
        assert form.is_valid()

        results = bulk.results_of(several, form)

    assert [(one.order.number, one.is_done, one.needs_look) for one in results] == [
        ("20033", True, False),
        ("20032", True, False),
        ("20031", False, True),
    ]
    assert results[2].words.endswith("somebody packs it.")
    held = [scene.order(number).open_holds for number in ("20031", "20032", "20033")]
    assert held == [0, 1, 1]


@pytest.mark.parametrize("name", ["cancel", "retry", "release", "hold"])
def test_a_preview_of_many_asks_no_more_than_one_of_few(
    scene: Scene, sign_in: SignIn, name: str
) -> None:
    numbers = [f"21{number:03}" for number in range(12)]
    sold(scene, *numbers)
    for number in numbers:
        shares.share(scene, scene.orders[number], lines=[0, 1], provider_stage="")
        troubles.hold(scene, number, "cost", f"zu teuer {number}")
    client = sign_in(scene)

    few = asked(client, name, ids_of(scene, numbers[:2]))
    many = asked(client, name, ids_of(scene, numbers))

    assert many == few
    assert many < 45


def asked(client: Client, name: str, chosen: list[int]) -> int:
    """How many queries a preview takes, once the process knows what it learns only once."""
    client.get(f"/orders/several/{name}/", {"order": chosen})
    with CaptureQueriesContext(connections["default"]) as captured:
        assert client.get(f"/orders/several/{name}/", {"order": chosen}).status_code == 200
    return len(captured)


def test_the_list_offers_every_action_to_who_may_act(scene: Scene, sign_in: SignIn) -> None:
    page = sign_in(scene).get("/orders/").content.decode()
    looking = sign_in(scene, Role.VIEWER).get("/orders/").content.decode()

    offered = re.findall(r'formaction="/orders/several/(\w+)/">([^<]+) …<', page)
    assert offered == [
        ("hold", "Hold"), ("release", "Release"), ("retry", "Try again"), ("tag", "Tag"),
        ("cancel", "Cancel"),
    ]  # fmt: skip
    assert "formaction" not in looking
