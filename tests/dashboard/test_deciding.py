"""A person's word about an unknown attempt is followed by all that it means."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.html import strip_tags

from entrepot.access import scope
from entrepot.attempts.models import Attempt
from entrepot.database import sql
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.obligations.models import Obligation
from tests.dashboard import troubles
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene

NUMBER = "E-7KQ2MD"
WHY = {"reason": "not in their dashboard"}


@pytest.fixture
def attempt(scene: Scene) -> Attempt:
    """A submission that only a person can decide about, with the promise to find out."""
    with scope.merchant(scene.merchant.id):
        Attempt.objects.filter(order_id=scene.orders[NUMBER].id).update(needs_person=True)
        found: Attempt = Attempt.objects.get(order_id=scene.orders[NUMBER].id)
    troubles.owe(scene, NUMBER, "resolve", due=timedelta(minutes=9), subject=("attempt", found.id))
    return found


def now(attempt: Attempt) -> Attempt:
    with scope.merchant(attempt.merchant_id):
        return Attempt.objects.get(id=attempt.id)


def share_of(attempt: Attempt) -> FulfillmentOrder:
    with scope.merchant(attempt.merchant_id):
        return FulfillmentOrder.objects.get(id=attempt.subject_id)


def promise_of(attempt: Attempt) -> str:
    with scope.merchant(attempt.merchant_id):
        owed = Obligation.objects.filter(subject_kind="attempt", subject_id=attempt.id)
        return owed.values_list("end", flat=True).get()


def submissions_of(attempt: Attempt) -> int:
    with scope.system():
        return int(
            sql.fetch_value(
                "SELECT count(*) FROM pgqueuer WHERE entrypoint = 'fulfillment.submit'"
                " AND convert_from(payload, 'utf8')::json -> 'args' ->> 'subject_id' = %s",
                [str(attempt.subject_id)],
            )
        )


def test_what_did_not_happen_is_sent_again(
    scene: Scene, sign_in: SignIn, database: str, attempt: Attempt
) -> None:
    before = submissions_of(attempt)

    sign_in(scene).post(f"/orders/{scene.orders[NUMBER].id}/decide/?happened=0", WHY)

    after = now(attempt)
    assert (after.status, after.message) == ("not_sent", "not in their dashboard")
    assert share_of(attempt).status == "open"
    assert submissions_of(attempt) == before + 1
    assert promise_of(attempt) == "met"


def test_what_happened_counts_as_accepted(
    scene: Scene, sign_in: SignIn, database: str, attempt: Attempt
) -> None:
    before = submissions_of(attempt)

    sign_in(scene).post(f"/orders/{scene.orders[NUMBER].id}/decide/?happened=1", WHY)

    assert (now(attempt).status, share_of(attempt).status) == ("accepted", "accepted")
    assert submissions_of(attempt) == before
    assert promise_of(attempt) == "met"


def test_nothing_is_sent_again_while_the_first_call_may_still_leave(
    scene: Scene, sign_in: SignIn, database: str, attempt: Attempt
) -> None:
    with scope.merchant(scene.merchant.id):
        Attempt.objects.filter(id=attempt.id).update(may_leave_until=Now() + timedelta(seconds=50))
    before = submissions_of(attempt)

    answer = sign_in(scene).post(f"/orders/{scene.orders[NUMBER].id}/decide/?happened=0", WHY)

    after = now(attempt)
    assert answer.status_code == 422
    assert "may still leave" in answer.content.decode()
    assert (after.status, after.needs_person) == ("unknown", True)
    assert (share_of(attempt).status, submissions_of(attempt)) == ("submitted", before)


def test_a_dialogs_form_says_the_word_that_its_button_says(
    scene: Scene, sign_in: SignIn, attempt: Attempt
) -> None:
    client = sign_in(scene)
    address = f"/orders/{scene.orders[NUMBER].id}/decide/"
    query = f"?happened=0&attempt={attempt.id}"

    dialog = client.get(f"{address}{query}").content.decode()
    form = dialog.partition('id="act-form"')[2].partition("</form>")[0]
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    unsaid = client.post(address, hidden)
    client.post(address, {**hidden, **WHY})

    assert "It did not: send again" in unsaid.content.decode()
    assert (now(attempt).status, share_of(attempt).status) == ("not_sent", "open")


def doubt(scene: Scene, kind: str, *, connection: str = "pay", **more: Any) -> Attempt:
    """Another effect of the order that waits for a person's word."""
    order = scene.orders[NUMBER]
    with scope.merchant(scene.merchant.id):
        return Attempt.objects.create(
            **{
                "merchant_id": scene.merchant.id,
                "mode": "live",
                "kind": kind,
                "connection_id": scene.connections[connection].id if connection else None,
                "order_id": order.id,
                "subject_kind": kind,
                "subject_id": 77,
                "reference": f"seemoewe/{NUMBER}/{kind}/1",
                "idempotency_key": f"{kind}-{NUMBER}",
                "status": "unknown",
                "unknown_since": timezone.now() - timedelta(minutes=3),
                "needs_person": True,
                "message": "The connection broke.",
                **more,
            }
        )


def test_a_word_is_about_the_attempt_that_it_was_asked_for(
    scene: Scene, sign_in: SignIn, attempt: Attempt
) -> None:
    share = share_of(attempt)
    request = {"external_id": "ord_17", "address_id": scene.orders[NUMBER].address_id}
    other = doubt(
        scene, "change_recipient", connection="prodigi", subject_id=share.id, request=request
    )
    client = sign_in(scene)
    address = f"/orders/{scene.orders[NUMBER].id}/decide/?happened=1&attempt={other.id}"

    dialog = client.get(address).content.decode()
    client.post(address, WHY)
    late = client.post(address, WHY)

    assert "Change of recipient" in dialog
    assert [now(one).status for one in (attempt, other)] == ["unknown", "accepted"]
    assert share_of(attempt).sent_address_id == request["address_id"]
    assert late.status_code == 409


@pytest.mark.parametrize(
    ("kind", "connection", "heading", "title", "done", "again"),
    [
        (
            "refund", "pay", f"Refund of {NUMBER} at Stripe checkout",
            "We do not know whether Stripe checkout has refunded.",
            "Counts as paid back", "It is refunded again, once",
        ),
        (
            "mail", "", f"Mail about {NUMBER}",
            "We do not know whether the mail service took it.",
            "Counts as sent", "It is mailed again, once",
        ),
        (
            "write_back", "shop", f"Write-back of {NUMBER} to Seemöwe Shop",
            "We do not know whether Seemöwe Shop was told.",
            "Seemöwe Shop counts as told", "Seemöwe Shop is told again, once",
        ),
        (
            "cancel", "prodigi", f"Cancellation of {NUMBER} at Prodigi",
            "We do not know whether Prodigi has cancelled it.",
            "Prodigi counts as asked", "Prodigi is asked to cancel again, once",
        ),
        (
            "change_shipping", "prodigi", f"Change of shipping method of {NUMBER} at Prodigi",
            "We do not know whether Prodigi ships it by the new method.",
            "Prodigi counts as shipping it by the new method", "Prodigi is asked again, once",
        ),
    ],
)  # fmt: skip
def test_each_effect_is_doubted_in_words_of_its_own(
    scene: Scene, sign_in: SignIn, *, kind: str, connection: str, heading: str, title: str,
    done: str, again: str,
) -> None:  # fmt: skip
    doubted = doubt(scene, kind, connection=connection)
    client, order = sign_in(scene), scene.orders[NUMBER]

    cards = client.get("/attention/?kind=unknown").content.decode()
    panel = client.get(f"/orders/{order.id}/").content.decode()
    dialogs = [
        client.get(f"/orders/{order.id}/decide/?happened={word}&attempt={doubted.id}")
        for word in (1, 0)
    ]

    card = cards.partition(f'id="unknown-{doubted.id}"')[2].partition("</section>")[0]
    assert heading in strip_tags(card)
    assert "absence is proved" not in card
    for page in (card, panel):
        assert title in page
        assert doubted.reference in page.replace("<wbr>", "")
    assert done.lower() in card.lower()
    assert again.lower() in card.lower()
    assert done in dialogs[0].content.decode()
    assert again in dialogs[1].content.decode()


def test_what_happened_is_kept_under_the_other_sides_id(
    scene: Scene, sign_in: SignIn, attempt: Attempt
) -> None:
    client = sign_in(scene)
    address = f"/orders/{scene.orders[NUMBER].id}/decide/?happened=1"
    with scope.merchant(scene.merchant.id):
        taken = FulfillmentOrder.objects.exclude(external_id="").first()
    assert taken is not None

    refused = client.post(address, {**WHY, "external_id": taken.external_id})
    client.post(address, {**WHY, "external_id": " ord_840799 "})

    assert refused.status_code == 422
    assert "is another order’s" in refused.content.decode()
    assert (share_of(attempt).status, share_of(attempt).external_id) == ("accepted", "ord_840799")
