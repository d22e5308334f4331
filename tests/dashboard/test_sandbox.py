"""The sandbox page: what the simulators believe, and its dials, over its own interface."""

import re

from entrepot.access import scope
from entrepot.access.states import Role
from entrepot.connections.models import Connection
from entrepot.notifications.models import SandboxMail
from entrepot.sandbox.app import Sandbox
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene
from tests.dashboard.test_inbox import page_of


def test_without_a_sandbox_the_page_says_how_to_start_one(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    assert "entrepot up --sandbox" in page_of(sign_in(empty_scene), "/test/sandbox/")


def test_every_simulator_is_shown_with_its_books(
    empty_scene: Scene, world: Sandbox, sign_in: SignIn
) -> None:
    page = page_of(sign_in(empty_scene), "/test/sandbox/")

    assert all(place.name in page for place in world.world.places.values())
    assert "Dials are for owners." in page


def test_an_owner_turns_the_dials_of_one_account(
    empty_scene: Scene, world: Sandbox, sign_in: SignIn
) -> None:
    mounts = list(world.world.places)
    client = sign_in(empty_scene, Role.OWNER)

    answer = client.post(
        "/test/sandbox/control/",
        {"do": "dials", "where": mounts[0], "seed": "4711", "drop_answer": "20"},
    )
    pages = [
        page_of(client, f"/test/sandbox/{query}")
        for query in (f"?where={mounts[0]}", f"?where={mounts[1]}", "", "?where=nowhere")
    ]

    assert answer["Location"].endswith(f"/test/sandbox/?where={mounts[0]}#faults")
    shown = [re.search(r'name="drop_answer"[^>]*value="(\d*)"', page) for page in pages]
    assert [found and found[1] for found in shown] == ["20", "0", "", ""]
    chosen = [re.findall(r'<option value="([^"]*)" selected', page)[-1] for page in pages]
    assert chosen == [mounts[0], mounts[1], "*", "*"]
    assert all("answers dropped after the work is done 20 %" in page for page in pages)
    assert world.world.faults_of(mounts[0]).drop_answer == 0.2
    assert world.world.faults_of(mounts[1]).drop_answer == 0.0


def test_frozen_time_runs_on_as_fast_as_it_did(
    empty_scene: Scene, world: Sandbox, sign_in: SignIn
) -> None:
    client = sign_in(empty_scene, Role.OWNER)
    world.world.clock.set_speed(120)

    speeds = []
    for act in ("freeze", "freeze", "run", "run"):
        client.post("/test/sandbox/control/", {"do": act})
        speeds.append(world.world.clock.speed)

    assert speeds == [0, 0, 120, 120]


def test_orders_are_placed_at_the_top_of_the_page(
    empty_scene: Scene, world: Sandbox, sign_in: SignIn
) -> None:
    page = page_of(sign_in(empty_scene, Role.OWNER), "/test/sandbox/")

    assert page.count("Place orders</button>") == 1
    assert page.index("Place orders</button>") < page.index("What each simulator believes")


def test_an_operator_turns_no_dial(empty_scene: Scene, world: Sandbox, sign_in: SignIn) -> None:
    answer = sign_in(empty_scene).post("/test/sandbox/control/", {"do": "freeze"})

    assert answer.status_code == 403
    assert world.world.clock.speed == 1.0


def test_the_verdict_holds_the_books_against_the_hub(
    empty_scene: Scene, world: Sandbox, sign_in: SignIn
) -> None:
    shop = next(
        place for place in world.world.places.values() if place.simulator.code == "woocommerce"
    )
    with scope.merchant(empty_scene.merchant.id):
        Connection.objects.filter(code="test").update(
            settings={"site_url": f"http://127.0.0.1:1/{shop.mount}/"}
        )
    client = sign_in(empty_scene, Role.OWNER)

    client.post("/test/sandbox/control/", {"do": "sell", "count": "6", "turn": "3"})

    page = re.sub(r"<[^>]+>|\s+", " ", page_of(client, "/test/sandbox/"))
    mine = sum(sale.mount == shop.mount for sale in world.world.placed)
    assert len(world.world.placed) == 6
    assert "Nothing lost, nothing doubled" in page
    assert re.search(rf"{mine} placed\s+=\s+0\s+delivered\s+\+\s+{mine}\s+under way", page)
    assert mine == 6 or f"{6 - mine} more sale" in page


def test_what_was_doubled_is_said_by_name(
    empty_scene: Scene, world: Sandbox, sign_in: SignIn
) -> None:
    shop = next(
        place for place in world.world.places.values() if place.simulator.code == "woocommerce"
    )
    with scope.merchant(empty_scene.merchant.id):
        Connection.objects.filter(code="test").update(
            settings={"site_url": f"http://127.0.0.1:1/{shop.mount}/"}
        )
        for _ in range(2):
            SandboxMail.objects.create(
                merchant_id=empty_scene.merchant.id,
                recipient="zoe@seemail.example",
                sender="moin@seemoewe.example",
                subject="Zwei Pakete",
                message_id="<mail-7@seemoewe.example>",
            )
    client = sign_in(empty_scene, Role.OWNER)

    client.post("/test/sandbox/control/", {"do": "sell", "count": "6", "turn": "3"})

    page = page_of(client, "/test/sandbox/")
    assert "0 lost, 1 doubled" in page
    assert "left twice" in page
