"""A day's scene, and browsers without a window: Django's client, signed in by role."""

import os
from collections.abc import Callable, Iterator

import pytest
from django.test import Client

from entrepot.access.states import Role
from entrepot.dashboard.sandbox import ADDRESS
from entrepot.sandbox.app import Sandbox, application_of
from tests.dashboard import day
from tests.dashboard import scene as scenes
from tests.dashboard.scene import Scene
from tests.rows import Rows
from tests.serving import serve

SignIn = Callable[..., Client]


@pytest.fixture
def scene(database: str, rows: Rows) -> Scene:
    """A day of Seemöwe Prints."""
    return rows.once("a day", lambda: day.a_day(scenes.opened()))


@pytest.fixture
def empty_scene(database: str) -> Scene:
    """The same people and connections, and not one order."""
    return scenes.opened()


@pytest.fixture
def world() -> Iterator[Sandbox]:
    """A sandbox with empty books, where the hub finds it."""
    made = application_of(speed=1.0)
    with serve(made) as address:
        os.environ[ADDRESS] = address
        yield made
        del os.environ[ADDRESS]


@pytest.fixture
def sign_in() -> SignIn:
    """Sign somebody of a scene in and give back their client."""

    def signed_in(scene: Scene, role: Role = Role.OPERATOR) -> Client:
        client = Client(raise_request_exception=True)
        client.force_login(scene.people[role], backend="django.contrib.auth.backends.ModelBackend")
        return client

    return signed_in
