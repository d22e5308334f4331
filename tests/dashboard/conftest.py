"""A day's scene, and browsers without a window: Django's client, signed in by role."""

from collections.abc import Callable

import pytest
from django.test import Client

from entrepot.access.states import Role
from tests.dashboard import day
from tests.dashboard import scene as scenes
from tests.dashboard.scene import Scene

SignIn = Callable[..., Client]


@pytest.fixture
def scene(database: str) -> Scene:
    """A day of Seemöwe Prints."""
    return day.a_day(scenes.opened())


@pytest.fixture
def empty_scene(database: str) -> Scene:
    """The same people and connections, and not one order."""
    return scenes.opened()


@pytest.fixture
def sign_in() -> SignIn:
    """Sign somebody of a scene in and give back their client."""

    def signed_in(scene: Scene, role: Role = Role.OPERATOR) -> Client:
        client = Client(raise_request_exception=True)
        client.force_login(scene.people[role], backend="django.contrib.auth.backends.ModelBackend")
        return client

    return signed_in
