"""Whatever makes an order stand still is explained: by `entrepot doctor` as on the order's page."""

import html
import json
import re
from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from entrepot.access import scope
from entrepot.access import services as access
from entrepot.canon.orders import Mode
from entrepot.connections.models import Connection
from entrepot.connections.services import pause_effects
from entrepot.dashboard.reading import explaining
from entrepot.dashboard.reading.explaining import Explanation
from entrepot.dashboard.reading.headline import State
from entrepot.orders.states import HoldKind
from tests.cli.shell import run
from tests.dashboard import scene as scenes
from tests.dashboard import shares, troubles
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene

NUMBER = "P-Ø 77"
UNPAID = "74.40\N{NO-BREAK SPACE}GBP have not come yet. Card."


@pytest.fixture
def sold(empty_scene: Scene) -> Scene:
    """One paid order that nothing has happened to."""
    scenes.sell(
        empty_scene, NUMBER, customer="Siân Pugh", country="GB", total="74.40", currency="GBP",
        lines=[("MOEWE-A1", "Kunstdruck „Möwe“, A1", 2), ("MUG-11OZ", "Mug 🐦", 3)],
        placed=timedelta(minutes=50),
    )  # fmt: skip
    return empty_scene


def explained(scene: Scene) -> Explanation:
    zone = ZoneInfo(scene.merchant.time_zone)
    with timezone.override(zone), scope.merchant(scene.merchant.id):
        return explaining.explain(scene.orders[NUMBER].id)


def panel(client: Client, scene: Scene) -> str:
    """The words of the panel "What next" on the order's page."""
    page = client.get(f"/orders/{scene.orders[NUMBER].id}/").content.decode()
    found = re.search(r'aria-labelledby="next">(.*?)</section>', page, re.DOTALL)
    assert found is not None
    words = html.unescape(re.sub(r"<[^>]+>", " ", found[1]))
    return re.sub(r"[ \n]+", " ", words).strip()


def doctor(command: str) -> list[dict[str, object]]:
    done = run(f"doctor {command} --merchant seemoewe --json")
    assert done.code == 0, done.err
    told: list[dict[str, object]] = json.loads(done.out)
    return told


@pytest.mark.parametrize("kind", HoldKind.values)
def test_every_kind_of_hold_is_told_alike_by_doctor_and_page(
    sold: Scene, sign_in: SignIn, kind: str
) -> None:
    troubles.hold(sold, NUMBER, kind, "Möwe, “A1”: 3 of 5", about="MOEWE-A1")

    [told] = doctor(f"'{NUMBER}'")
    shown = panel(sign_in(sold), sold)

    assert told["state"] == "held"
    assert str(told["sentence"]).startswith("Hold: ")
    assert "Möwe, “A1”: 3 of 5" in str(told["sentence"])
    assert str(told["repair"]).endswith(".")
    assert shown.startswith(f"What next {told['sentence']} {told['repair']}")
    assert told["choices"]
    assert doctor("") == [told]


def _unknown(scene: Scene) -> None:
    row = shares.share(scene, scene.orders[NUMBER], status="submitted")
    troubles.unknown(scene, NUMBER, row)


def _for_a_person(scene: Scene) -> None:
    row = shares.share(scene, scene.orders[NUMBER], status="submitted")
    troubles.unknown(scene, NUMBER, row, needs_person=True, next_ask_at=None)


def _gave_up(scene: Scene) -> None:
    troubles.bury(scene, NUMBER, "fulfillment.submit", "the answer has no field `id`")


def _late(scene: Scene) -> None:
    troubles.owe(scene, NUMBER, "submit", due=timedelta(minutes=-21))


def _paused(scene: Scene) -> None:
    shares.share(scene, scene.orders[NUMBER], status="open")
    pause_effects(
        scene.merchant.id, mode=Mode.LIVE, connection_id=None, flow="", reason="stock-taking",
        by="command_line",
    )  # fmt: skip


def _refusing(scene: Scene) -> None:
    shares.share(scene, scene.orders[NUMBER], status="open")
    with scope.merchant(scene.merchant.id):
        Connection.objects.filter(id=scene.connections["prodigi"].id).update(
            status="misconfigured", status_reason="the key was revoked"
        )


def _unpaid(scene: Scene) -> None:
    scenes.count(scene, NUMBER, amount_captured=0, released_at=None, released_by="")


def _cooling_off(scene: Scene) -> None:
    shares.share(
        scene, scene.orders[NUMBER], status="open",
        submit_after=timezone.now() + timedelta(minutes=25),
    )  # fmt: skip


def _coming_back(scene: Scene) -> None:
    row = shares.share(scene, scene.orders[NUMBER], status="closed", shipped=True)
    shares.parcel(
        scene, row, number=1, status="returning", tracking="NP 77", scan="Annahme verweigert"
    )
    scenes.count(scene, NUMBER, units_shipped=2)


@pytest.mark.parametrize(
    ("arrange", "state", "said"),
    [
        (
            _unknown,
            State.UNKNOWN,
            ("We do not know whether Prodigi has it. Asked 2", "We ask"),
        ),
        (
            _for_a_person,
            State.UNKNOWN,
            ("We do not know whether Prodigi has", "Nothing outside"),
        ),
        (
            _gave_up,
            State.OPEN,
            ("Our own work gave up. Submitting to a provider, after 12", "Replay it"),
        ),
        (_late, State.OVERDUE, ("Submit is late.", "Trying again asks first")),
        (_paused, State.OPEN, ("Nothing leaves now. Stopped: effects of all", "Nothing is lost")),
        (_refusing, State.OPEN, ("Nothing leaves now. Prodigi refuses our", "Nothing is lost")),
        (
            _unpaid,
            State.AWAITING_PAYMENT,
            (UNPAID, "Work starts by itself"),
        ),
        (_cooling_off, State.COOLING_OFF, ("Cooling off until", "After that it is handed")),
        (_coming_back, State.DELAYED, ("Parcel 1 is coming back", "Ask the customer")),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_whatever_else_stands_still_is_told_alike(
    sold: Scene,
    sign_in: SignIn,
    arrange: Callable[[Scene], None],
    state: State,
    said: tuple[str, str],
) -> None:
    arrange(sold)

    told = explained(sold)

    assert told.state == state
    assert told.sentence.startswith(said[0])
    assert told.repair.startswith(said[1])
    assert panel(sign_in(sold), sold).startswith(f"What next {told.sentence} {told.repair}")


def test_the_evidence_names_facts_and_the_last_event(sold: Scene) -> None:
    troubles.hold(sold, NUMBER, "unmapped_sku", "SKU MUG-11OZ is not mapped", about="MUG-11OZ")
    troubles.owe(sold, NUMBER, "submit", due=timedelta(minutes=9))
    _unknown(sold)

    told = explained(sold)

    kinds = [line.partition(" ")[0] for line in told.evidence]
    assert kinds == ["hold", "attempt", "owed:", "last"]
    assert "unmapped sku since" in told.evidence[0]
    assert re.search(r"\d\d:\d\d CES?T$", told.evidence[2]), "the zone of the order's page"
    assert "shop.seemoewe.example/P-Ø 77/1/1" in told.evidence[1]


def test_an_order_that_moves_does_not_stand_still(sold: Scene) -> None:
    shares.share(sold, sold.orders[NUMBER], status="accepted")

    assert doctor("") == []
    assert explained(sold).sentence.startswith("Nothing to do")


def test_people_read_sentence_evidence_repair_and_choices(sold: Scene) -> None:
    troubles.hold(sold, NUMBER, "unmapped_sku", "SKU MUG-11OZ is not mapped", about="MUG-11OZ")

    done = run("doctor --merchant seemoewe")

    lines = done.out.splitlines()
    assert lines[0] == f"{NUMBER} (Seemöwe Shop): Hold: SKU MUG-11OZ is not mapped."
    assert "    Repair: Map the SKU; every order that waits for it goes on by itself." in lines
    assert lines[-1] == "    On its page: Map SKU, Release hold"


def test_an_order_that_nobody_knows_is_one_line_and_exit_code_1(sold: Scene) -> None:
    done = run("doctor X-1 --merchant seemoewe")

    assert done == (1, "", "entrepot: seemoewe has no order 'X-1'\n")
    assert run("doctor X-1 --test").err == "entrepot: seemoewe has no test order 'X-1'\n"


def test_an_order_is_found_by_its_number_alone_also_in_test_mode(sold: Scene) -> None:
    scenes.sell(
        sold, "T-8", customer="Jiří Dvořák", country="CZ", total="96.00", currency="CZK",
        lines=[("MUG-11OZ", "Mug", 3)], placed=timedelta(minutes=9), connection="test", mode="test",
    )  # fmt: skip
    troubles.hold(sold, "T-8", "unmapped_sku", "SKU MUG-11OZ is not mapped", about="MUG-11OZ")
    shares.share(sold, sold.orders[NUMBER], status="accepted")

    named, listed, live = run("doctor T-8"), run("doctor --test"), run("doctor")

    assert named.out.startswith("T-8 (Seemöwe Shop, test, test): Hold: SKU MUG-11OZ is not mapped.")
    assert listed.out == named.out
    assert live.out == "No live order stands still. In test mode 1 do: add --test.\n"


def test_every_order_of_a_number_that_two_shops_gave_is_told(sold: Scene) -> None:
    for shop, customer in (("boutique", "Éléonore Ÿ"), ("pay", "Íñigo Peñaranda")):
        scenes.sell(
            sold, "318", customer=customer, country="FR", total="51.20", currency="EUR",
            lines=[("MUG-11OZ", "Mug", 2)], placed=timedelta(minutes=9), connection=shop,
            captured=False, released=False,
        )  # fmt: skip

    told = doctor("318")

    assert [one["storefront"] for one in told] == ["Stripe checkout", "Boutique Mouette"]


def test_where_several_merchants_are_one_has_to_be_named(sold: Scene) -> None:
    access.create_merchant(name="Gull’s Nest", code="gulls-nest", time_zone="UTC")

    done = run("doctor")

    assert done == (
        1,
        "",
        "entrepot: say which merchant with --merchant (known: gulls-nest, seemoewe)\n",
    )
