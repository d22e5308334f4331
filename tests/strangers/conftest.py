"""Two merchants: one with a full day, and one whose people and machines go looking."""

import pytest
from django.test import Client

from entrepot.access import services as access
from entrepot.access.models import Merchant
from entrepot.access.states import Role
from entrepot.database.rows import Mode
from tests.api.calling import Caller, caller
from tests.dashboard import day
from tests.dashboard import scene as scenes
from tests.dashboard.scene import Scene
from tests.rows import Rows
from tests.strangers.marks import words_of
from tests.strangers.things import things_of

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def scene(database: str, rows: Rows) -> Scene:
    """A day of Seemöwe Prints, who must be left alone."""
    return rows.once("a day", lambda: day.a_day(scenes.opened()))


@pytest.fixture
def things(scene: Scene) -> dict[str, object]:
    """One of everything that an address can name, all of it theirs."""
    return things_of(scene)


@pytest.fixture
def words(things: dict[str, object], scene: Scene) -> set[str]:
    """What only their rows and their people are called."""
    people = {part for user in scene.people.values() for part in (user.email, user.name)}
    return words_of(scene.merchant.id) | people | {"mareike@seemail.example"}


@pytest.fixture
def owner(scene: Scene) -> Client:
    """The first merchant's owner at the site."""
    client = Client()
    client.force_login(scene.people[Role.OWNER], backend=BACKEND)
    return client


@pytest.fixture
def machine(scene: Scene) -> Caller:
    """The first merchant's key with every scope."""
    return caller(scene.merchant)


@pytest.fixture
def strange_person(other_merchant: Merchant) -> Client:
    """The owner of another merchant, at the site."""
    user = access.create_user(email="aoi@sakura.example", name="桜井 葵")
    user.is_staff = True  # which opens nothing
    user.save()
    access.grant_role(user.id, merchant_id=other_merchant.id, role=Role.OWNER)
    client = Client(raise_request_exception=False)
    client.force_login(user, backend=BACKEND)
    return client


@pytest.fixture
def strange_machine(other_merchant: Merchant) -> Caller:
    """A key of another merchant with every scope."""
    return caller(other_merchant, mode=Mode.LIVE)
