"""Every page answers everybody who may see it, and nobody else."""

import re

import pytest
from django.test import Client

from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene

PAGES = ["/", "/?days=7", "/orders/", "/attention/", "/owed/overdue/", "/owed/met/", "/pause/"]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_itself_to_an_operator(scene: Scene, sign_in: SignIn, page: str) -> None:
    answer = sign_in(scene).get(page)

    assert answer.status_code == 200
    assert answer.content.decode().count("<h1") == 1


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_something_to_say_before_the_first_order(
    empty_scene: Scene, sign_in: SignIn, page: str
) -> None:
    answer = sign_in(empty_scene).get(page)

    assert answer.status_code == 200


@pytest.mark.parametrize("page", [*PAGES, "/test/", "/test/orders/"])
def test_a_page_sends_strangers_to_sign_in(scene: Scene, page: str) -> None:
    answer = Client().get(page)

    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/?next=")


def test_every_order_has_its_page(scene: Scene, sign_in: SignIn) -> None:
    operator = sign_in(scene)

    for number, order in scene.orders.items():
        answer = operator.get(f"/orders/{order.id}/")
        assert answer.status_code == 200, number
        assert number in answer.content.decode()


def test_a_page_that_shows_a_time_says_in_which_zone(scene: Scene, sign_in: SignIn) -> None:
    operator, shop = sign_in(scene), scene.connections["shop"].id
    letters = re.search(r"/jobs/[a-z0-9-]+/", operator.get("/jobs/").content.decode())
    assert letters is not None
    order = scene.orders["10482"].id
    pages = [
        "/", "/attention/", "/health/", "/inbox/", "/jobs/", "/messages/", "/notifications/",
        "/orders/", "/owed/overdue/", f"/connections/{shop}/", f"/connections/{shop}/calls/",
        f"/orders/{order}/",
    ]  # fmt: skip
    silent = []

    for page in [*pages, letters[0]]:
        main = operator.get(page).content.decode().partition("<main")[2]
        times = re.findall(r"<time[^>]*>[^<]*\d\d:\d\d[^<]*</time>", main)
        if times and not re.search(r"Europe/Berlin|\bCES?T\b", main):
            silent.append(page)

    assert silent == []
