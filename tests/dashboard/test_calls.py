"""The call log says how each call ended, and an order's chain of causes says it alike."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from entrepot.access import scope
from entrepot.connections.models import CallRecord
from entrepot.dashboard.reading.connection_page import chip_of_call
from entrepot.dashboard.reading.timeline import Link, _with_gaps, timeline_of
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene
from tests.dashboard.test_inbox import page_of


def called(scene: Scene, **how: Any) -> CallRecord:
    """A call of the shop that ended in some way."""
    with scope.merchant(scene.merchant.id):
        return CallRecord.objects.create(
            **{
                "merchant_id": scene.merchant.id,
                "connection_id": scene.connections["shop"].id,
                "at": timezone.now() + timedelta(seconds=1),
                "method": "GET",
                "url": "https://shop.example/wp-json/wc/v3/orders/77",
                "duration_ms": 81,
                **how,
            }
        )


@pytest.mark.parametrize(
    ("_case", "outcome", "status", "role", "word"),
    [
        ("an answer as wanted", "ok", 201, "good", "OK"),
        ("a 404 that has a meaning", "ok", 404, "neutral", "Answered"),
        ("a 400 that has a meaning", "ok", 400, "neutral", "Answered"),
        ("a refusal", "Rejected", 422, "neutral", "Rejected"),
        ("nobody knows", "OutcomeUnknown", None, "unknown", "Unknown"),
        ("too many", "RateLimited", 429, "warn", "Rate limited"),
        ("nothing there", "Unavailable", None, "bad", "Unavailable"),
    ],
)
def test_a_call_is_said_by_what_it_meant(
    _case: str, outcome: str, status: int | None, role: str, word: str
) -> None:
    chip = chip_of_call(CallRecord(outcome=outcome, status_code=status))

    assert (chip.role, chip.word) == (role, word)


def test_an_answer_that_the_connector_understands_is_not_called_ok(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    called(empty_scene, outcome="ok", status_code=404)

    page = page_of(
        sign_in(empty_scene), f"/connections/{empty_scene.connections['shop'].id}/calls/"
    )

    row = page.partition("/orders/77")[2].partition("</tr>")[0]
    assert "Answered" in row
    assert "404" in row
    assert "OK" not in row


def test_a_chain_of_causes_says_a_call_as_its_log_does(scene: Scene) -> None:
    with scope.merchant(scene.merchant.id):
        history = timeline_of(scene.orders["E-7KQ2MD"], is_full=True)

    chips = [link.chip for entry in history.entries for link in entry.chain if link.chip]
    assert {(chip.role, chip.word) for chip in chips} == {("unknown", "Unknown")}


def test_a_call_is_said_without_its_signature_which_is_shown_when_asked_for(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    signed = "oauth_nonce=3143&oauth_signature=RJY%3D"
    called(
        empty_scene,
        outcome="ok",
        status_code=200,
        url=f"https://shop.example/wc/v3/orders/77?status=any&_nocache=72b2&per_page=3&{signed}",
    )

    page = page_of(
        sign_in(empty_scene), f"/connections/{empty_scene.connections['shop'].id}/calls/"
    )

    row = page.partition("/orders/77")[2].partition("</tr>")[0]
    said, _, asked = row.partition("<details>")
    assert said.partition("<")[0] == "?status=any&amp;per_page=3"
    assert "oauth_nonce=3143" in asked


def test_what_is_told_after_its_effect_shows_its_own_time_and_no_negative_one() -> None:
    at = timezone.now()
    links = [
        Link(label="Raw bytes", words="poll orders", at=at),
        Link(label="Attempt 160", words="accepted", at=at + timedelta(seconds=5.41)),
        Link(label="Attempt", words="Mail intended", at=at + timedelta(seconds=5.31)),
        Link(label="Attempt", words="Mail accepted", at=at + timedelta(seconds=65.31)),
    ]

    assert [link.gap for link in _with_gaps(links)] == ["", "+5.41 s", "", "+1 min"]
