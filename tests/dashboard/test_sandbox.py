"""The sandbox page: what the simulators believe, and its dials, over its own interface."""

import os
from collections.abc import Iterator

import pytest

from entrepot.access.states import Role
from entrepot.dashboard.sandbox import ADDRESS
from entrepot.sandbox.app import Sandbox, application_of
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene
from tests.dashboard.test_inbox import page_of
from tests.serving import serve


@pytest.fixture
def world() -> Iterator[Sandbox]:
    """A sandbox with empty books, where the hub finds it."""
    made = application_of(speed=1.0)
    with serve(made) as address:
        os.environ[ADDRESS] = address
        yield made
        del os.environ[ADDRESS]


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

    client.post(
        "/test/sandbox/control/",
        {"do": "dials", "mount": mounts[0], "seed": "4711", "drop_answer": "20"},
    )

    assert world.world.faults_of(mounts[0]).drop_answer == 0.2
    assert world.world.faults_of(mounts[1]).drop_answer == 0.0


def test_an_operator_turns_no_dial(empty_scene: Scene, world: Sandbox, sign_in: SignIn) -> None:
    answer = sign_in(empty_scene).post("/test/sandbox/control/", {"do": "freeze"})

    assert answer.status_code == 403
    assert world.world.clock.speed == 1.0
