"""Looking an order up by number and e-mail: one answer for every wrong pair, and not too often."""

import re
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.database import sql
from entrepot.tracking_page.looking_up import LIMITS, TooOften, look_up
from entrepot.tracking_page.models import LookUp
from tests.dashboard.conftest import empty_scene, scene
from tests.dashboard.scene import Scene

__all__ = ["empty_scene", "scene"]


def asked(number: str, email: str, *, address: str = "198.51.100.7", path: str = "/track/") -> Any:
    """The answer to a look-up."""
    return Client().post(f"{path}?lang=en", {"number": number, "email": email}, REMOTE_ADDR=address)


def test_number_and_address_together_open_the_order(scene: Scene) -> None:
    answer = asked(" #10482 ", "Mareike@SEEMAIL.example")

    page = Client().get(answer.url).content.decode()
    assert answer.status_code == 302
    assert "10482" in page
    assert "Leuchtturm" in page


def test_the_language_that_was_chosen_stays_on_every_further_page(scene: Scene) -> None:
    answer = asked("10482", "mareike@seemail.example")

    page = Client().get(answer.url).content.decode()
    again = re.search(r'<form[^>]* action="(/track/[^"]+)"', page)
    mails = re.search(r'href="(/t/[^"]+/mails/[^"]*)"', page)
    assert mails is not None
    asking = Client().get(mails[1]).content.decode()
    stopped = Client().post(mails[1])

    assert answer.url.endswith("/?lang=en")
    assert '<html lang="en"' in page
    assert again is not None
    assert again[1].endswith("/?lang=en")
    assert '<html lang="en"' in asking
    assert re.search(r'href="/t/[^"]+/\?lang=en"', asking)
    assert stopped["Location"].endswith("/?lang=en#mails")


def test_a_look_up_hides_the_street_and_shows_no_other_order(scene: Scene) -> None:
    answer = asked("10482", "mareike@seemail.example")

    page = Client().get(answer.url).content.decode()

    assert "Große Möwengasse" not in page
    assert "Mareike" not in page
    assert "Lübeck" in page
    others = [number for number in scene.orders if number != "10482"]
    assert not any(f">{number}<" in page for number in others)


@pytest.mark.parametrize(
    ("number", "email"),
    [
        ("10482", "somebody@else.example"),
        ("99999", "mareike@seemail.example"),
        ("99999", "nobody@nowhere.example"),
        ("10482'; --", "' OR 1=1 --"),
    ],
)
def test_every_wrong_pair_is_answered_alike(scene: Scene, number: str, email: str) -> None:
    def shape(answer: Any) -> str:
        text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", answer.content.decode())
        return re.sub(r'value="[^"]*"', "", text)

    answer = asked(number, email)

    assert answer.status_code == 404
    assert shape(answer) == shape(asked("0", "x@y.example"))


def test_finding_and_not_finding_ask_the_same_of_the_database(scene: Scene) -> None:
    shapes = []
    for number, email in (
        ("10482", "mareike@seemail.example"),
        ("10482", "somebody@else.example"),
        ("99999", "mareike@seemail.example"),
    ):
        with CaptureQueriesContext(connections["system"]) as queries:
            look_up(number=number, email=email, address="198.51.100.9")
        shapes.append(len(queries))

    assert len(set(shapes)) == 1


def test_asking_again_and_again_is_refused_for_a_while(scene: Scene) -> None:
    for _ in range(LIMITS["email"]):
        asked("10482", "wrong@mail.example")

    refused = asked("10482", "wrong@mail.example")
    for_everybody_else = asked("10482", "mareike@seemail.example", address="203.0.113.9")

    assert refused.status_code == 429
    assert for_everybody_else.status_code == 302


def test_the_right_pair_is_refused_too_when_it_comes_too_often(scene: Scene) -> None:
    for number in range(LIMITS["address"]):
        look_up(number=str(number), email=f"{number}@mail.example", address="203.0.113.66")

    with pytest.raises(TooOften):
        look_up(number="10482", email="mareike@seemail.example", address="203.0.113.66")


def test_neither_addresses_are_kept(scene: Scene) -> None:
    asked("10482", "mareike@seemail.example")

    with scope.system():
        kept = [bytes(one) for one in LookUp.objects.values_list("who", flat=True)]
        as_text = str(sql.fetch("SELECT * FROM tracking_page_look_up"))
    assert len(kept) == 2
    assert all(len(one) == 33 for one in kept)
    assert "mareike" not in as_text


def test_a_merchants_own_look_up_finds_only_theirs(scene: Scene, other_merchant: Merchant) -> None:
    theirs = asked("10482", "mareike@seemail.example", path=f"/track/at/{other_merchant.code}/")
    ours = asked("10482", "mareike@seemail.example", path=f"/track/at/{scene.merchant.code}/")

    assert theirs.status_code == 404
    assert ours.status_code == 302
