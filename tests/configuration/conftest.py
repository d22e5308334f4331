"""Merchants with people, and their browsers."""

import pytest
from django.test import Client

from entrepot.access.states import Role
from tests.dashboard import scene as scenes
from tests.dashboard.scene import Scene
from tests.strangers.conftest import BACKEND


@pytest.fixture
def scene(database: str) -> Scene:
    """Seemöwe Prints: one person per role, seven connections."""
    return scenes.opened()


def signed_in(scene: Scene, role: Role) -> Client:
    """Somebody's browser."""
    client = Client()
    client.force_login(scene.people[role], backend=BACKEND)
    return client


@pytest.fixture
def owner(scene: Scene) -> Client:
    """The owner's browser."""
    return signed_in(scene, Role.OWNER)


@pytest.fixture
def operator(scene: Scene) -> Client:
    """An operator's browser."""
    return signed_in(scene, Role.OPERATOR)
