"""Digits that are no number, and numbers that no row has, are nobody's fault: no page falls."""

import pytest

from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene

ODD = ["²", "①", "9" * 30, "9" * 5000, "-1", "1e3"]
ASKING = [
    "/attention/?before={}",
    "/inbox/?connection={}&before={}",
    "/jobs/outside/replay/?letter={}",
    "/mailbox/?mail={}&before={}",
    "/messages/?before={}",
    "/notifications/?before={}",
    "/orders/?storefront={}&provider={}&customer={}&after={}",
    "/orders/bulk/hold/?order={}",
    "/orders/new/?lines={}",
    "/picklists/print/?share={}",
    "/search/?q=m-{}",
    "/search/?q=fo-{}",
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd[:4])
def test_a_number_in_an_address_may_be_anything(scene: Scene, sign_in: SignIn, odd: str) -> None:
    operator, shop = sign_in(scene), scene.connections["shop"].id
    pages = [*ASKING, f"/connections/{shop}/calls/?before={{}}", "/orders/{}/"]

    answers = {page: operator.get(page.replace("{}", odd)).status_code for page in pages}

    assert {page for page, status in answers.items() if status >= 500} == set()


@pytest.mark.parametrize("odd", ["²", "9" * 30])
def test_a_number_in_a_form_may_be_anything(scene: Scene, sign_in: SignIn, odd: str) -> None:
    operator = sign_in(scene)
    sent = {"hold": odd, "news": odd, "resume": odd, "stop": odd, "message": odd}
    shop = scene.connections["shop"].id
    pages = [
        "/attention/shipping/", "/notifications/mark/", "/pause/",
        f"/connections/{shop}/import/", "/inbox/several/replay/",
    ]  # fmt: skip

    answers = {page: operator.post(page, sent).status_code for page in pages}

    assert {page for page, status in answers.items() if status >= 500} == set()
