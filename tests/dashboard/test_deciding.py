"""A person's word about an unknown attempt is followed by all that it means."""

import re
from datetime import timedelta

import pytest
from django.db.models.functions import Now

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
