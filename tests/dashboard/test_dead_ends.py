"""An address that leads nowhere says so in words, and leads out."""

import pytest
from django.test import Client

from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene


@pytest.mark.parametrize(
    ("_case", "path", "said", "home"),
    [
        (
            "an order that nobody knows",
            "/orders/99999/",
            "There is no order &#x27;99999&#x27; in",
            "/",
        ),
        ("an order of the other mode", "/test/orders/10482/", "in test mode.", "/test/"),
        (
            "a connection of nobody",
            "/connections/77777/",
            "There is no connection 77777 in live",
            "/",
        ),
        ("no page at all", "/nowhere/", "No page has this address.", "/"),
    ],
)
def test_what_is_not_there_is_said_with_the_way_home(
    scene: Scene, sign_in: SignIn, _case: str, path: str, said: str, home: str
) -> None:
    answer = sign_in(scene).get(path)

    page = answer.content.decode()
    assert answer.status_code == 404
    assert page.count("<h1>Nothing here</h1>") == 1
    assert said in page
    assert f'<a class="btn primary" href="{home}">' in page


def test_a_customer_who_is_lost_is_led_to_the_look_up(database: str) -> None:
    answer = Client().get("/nowhere/")

    assert answer.status_code == 404
    assert 'href="/track/"' in answer.content.decode()
