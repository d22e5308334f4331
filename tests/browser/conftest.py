"""The hub over HTTP on loopback, and a real browser that is signed in."""

import os
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.test import Client

from entrepot.access.states import Role
from entrepot.config.asgi import application
from tests.browser.driving import Browser, Window
from tests.dashboard.conftest import empty_scene, scene, sign_in, world
from tests.dashboard.scene import Scene
from tests.serving import serve

__all__ = ["empty_scene", "scene", "sign_in", "world"]

OpenWindow = Callable[..., Window]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A Chromium for all browser tests of this process."""
    path = os.environ.get("ENTREPOT_CHROMIUM", "")
    if not path:
        pytest.skip("no Chromium: `make test` finds one, or name it in ENTREPOT_CHROMIUM")
    made = Browser(path)
    yield made
    made.close()


@pytest.fixture
def site(database: str) -> Iterator[str]:
    """The address of the hub, which has read its addresses and templates already."""
    Client().get("/sign-in/")
    with serve(application) as address:
        yield address


@pytest.fixture
def window(browser: Browser, site: str) -> Iterator[OpenWindow]:
    """Open windows, signed in as somebody of a scene; they are closed afterwards."""
    opened: list[Window] = []

    def open_window(
        scene: Scene | None = None, role: Role = Role.OPERATOR, **options: object
    ) -> Window:
        cookies = {}
        if scene is not None:
            client = Client()
            client.force_login(
                scene.people[role], backend="django.contrib.auth.backends.ModelBackend"
            )
            cookies = {
                settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value
            }
        opened.append(browser.open(site, cookies=cookies, **options))
        return opened[-1]

    yield open_window
    for one in opened:
        one.close()
