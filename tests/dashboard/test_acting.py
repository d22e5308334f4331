"""Actions on an order: a preview changes nothing, a POST does it once, a refusal says why."""

from datetime import timedelta
from decimal import Decimal

import pytest

from entrepot.access import scope
from entrepot.access.states import Role
from entrepot.attempts.models import Attempt
from entrepot.dashboard.acting import ACTIONS
from entrepot.database import sql
from entrepot.events.models import Event
from entrepot.fulfillment.models import FulfillmentItem, Parcel
from entrepot.orders.models import Hold, Note, Tag
from entrepot.payments.models import Refund
from tests.dashboard import scene as scenes
from tests.dashboard import shares, troubles
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene


def events(scene: Scene, number: str, name: str) -> list[Event]:
    with scope.merchant(scene.merchant.id):
        return list(Event.objects.filter(order_id=scene.orders[number].id, name=name))


def jobs(database: str) -> list[str]:
    with scope.system():
        return [row[0] for row in sql.fetch("SELECT entrypoint FROM pgqueuer ORDER BY id")]


@pytest.mark.parametrize("name", ACTIONS)
def test_a_preview_changes_nothing(scene: Scene, sign_in: SignIn, name: str) -> None:
    client = sign_in(scene, Role.OWNER)
    # A provider that is asked for prices may refuse our key, which is news of its own.
    told = Event.objects.exclude(name="connection.misconfigured")
    with scope.merchant(scene.merchant.id):
        before = told.count()

    for number in ("10482", "10479", "10496", "10471", "E-7KQ2MD"):
        answer = client.get(f"/orders/{scene.orders[number].id}/{name}/")
        assert answer.status_code in {200, 409}, number

    with scope.merchant(scene.merchant.id):
        assert told.count() == before


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_is_refused_to_who_may_only_look(
    scene: Scene, sign_in: SignIn, name: str
) -> None:
    client = sign_in(scene, Role.VIEWER)
    address = f"/orders/{scene.orders['10482'].id}/{name}/"

    looked, acted = client.get(address), client.post(address, {"reason": "just so"})

    assert (looked.status_code, acted.status_code) == (403, 403)
    assert "Your role cannot do this" in looked.content.decode()


def test_holding_keeps_the_reason_and_the_person(scene: Scene, sign_in: SignIn) -> None:
    order = scene.orders["10497"]

    answer = sign_in(scene).post(f"/orders/{order.id}/hold/", {"reason": "customer called"})

    (event,) = events(scene, "10497", "order.held")
    assert answer["Location"] == f"/orders/{order.id}/"
    assert scene.order("10497").is_held is True
    assert event.reason == "customer called"
    assert event.actor == f"user:{scene.people[Role.OPERATOR].id}"


def test_an_action_without_its_reason_is_not_done(scene: Scene, sign_in: SignIn) -> None:
    order = scene.orders["10497"]

    answer = sign_in(scene).post(f"/orders/{order.id}/hold/", {"reason": " "})

    assert answer.status_code == 422
    assert "This field is required" in answer.content.decode()
    assert scene.order("10497").is_held is False


def test_releasing_lifts_the_holds_that_were_chosen(scene: Scene, sign_in: SignIn) -> None:
    kept = troubles.hold(scene, "10490", "cost", "costs 96 % of revenue")
    with scope.merchant(scene.merchant.id):
        wrong = Hold.objects.get(order=scene.orders["10490"], kind="address_refused")

    sign_in(scene).post(
        f"/orders/{scene.orders['10490'].id}/release/",
        {"holds": [wrong.id], "reason": "the customer confirmed it"},
    )

    with scope.merchant(scene.merchant.id):
        still = list(Hold.objects.filter(order=scene.orders["10490"], lifted_at=None))
    assert [hold.id for hold in still] == [kept.id]


def test_a_hold_that_somebody_else_has_lifted_is_said_in_words(
    scene: Scene, sign_in: SignIn
) -> None:
    troubles.hold(scene, "10490", "cost", "costs 96 % of revenue")
    client, order = sign_in(scene), scene.orders["10490"]
    with scope.merchant(scene.merchant.id):
        wrong = Hold.objects.get(order=order, kind="address_refused")
    asked = {"holds": [wrong.id], "reason": "telefonisch geklärt"}
    sign_in(scene, Role.OWNER).post(f"/orders/{order.id}/release/", asked)

    late = client.post(f"/orders/{order.id}/release/", asked)

    words = late.content.decode()
    assert late.status_code == 422
    assert "Somebody has lifted one of them meanwhile. These are left." in words
    assert "Select a valid choice" not in words
    assert scene.order("10490").open_holds == 1


def test_a_preview_says_nothing_of_what_is_not_typed_yet(scene: Scene, sign_in: SignIn) -> None:
    client, order = sign_in(scene), scene.orders["10482"]

    page = client.get(f"/orders/{order.id}/refund/", {"amount": "31.20", "preview": "1"})
    wrong = client.get(f"/orders/{order.id}/refund/", {"amount": "999.90", "preview": "1"})

    assert "This field is required" not in page.content.decode()
    assert "Up to 175.40\N{NO-BREAK SPACE}EUR can go back." in wrong.content.decode()


def test_an_unpaid_order_is_released_by_a_person(scene: Scene, sign_in: SignIn) -> None:
    client, order = sign_in(scene), scene.orders["10495"]

    preview = client.get(f"/orders/{order.id}/release/").content.decode()
    client.post(f"/orders/{order.id}/release/", {"reason": "pays by invoice"})

    assert "Work starts although it is not paid" in preview
    assert scene.order("10495").released_by == "person"


def test_a_refund_shows_the_amount_on_its_button_and_is_wanted_once(
    scene: Scene, sign_in: SignIn
) -> None:
    client, order = sign_in(scene), scene.orders["10482"]
    asked = {"amount": "31.20", "reason": "parcel late"}

    preview = client.get(f"/orders/{order.id}/refund/", {**asked, "preview": "1"})
    client.post(f"/orders/{order.id}/refund/", asked)

    with scope.merchant(scene.merchant.id):
        (refund,) = Refund.objects.filter(order_id=order.id)
    assert "Refund 31.20\N{NO-BREAK SPACE}EUR</button>" in preview.content.decode()
    assert (refund.amount, refund.currency, refund.reason) == (
        Decimal("31.2"),
        "EUR",
        "parcel late",
    )
    assert (refund.restocks, refund.tells_customer) == (False, False)


@pytest.mark.parametrize(
    ("number", "amount", "said"),
    [
        ("10482", "175.41", "Up to 175.40"),
        ("10482", "0", "greater than or equal to 0.01"),
        ("E-4TN9XB", "12.5", "no more than 0 decimal places"),
        ("10497", "1.2345", "no more than 3 decimal places"),
    ],
)
def test_a_refund_keeps_to_what_is_held_and_to_the_currency(
    scene: Scene, sign_in: SignIn, number: str, amount: str, said: str
) -> None:
    order = scene.orders[number]

    answer = sign_in(scene).post(
        f"/orders/{order.id}/refund/", {"amount": amount, "reason": "late"}
    )

    with scope.merchant(scene.merchant.id):
        assert not Refund.objects.filter(order_id=order.id).exists()
    assert answer.status_code == 422
    assert said in answer.content.decode()


def test_cancelling_says_what_has_left_and_what_may_refuse(scene: Scene, sign_in: SignIn) -> None:
    client, order = sign_in(scene), scene.orders["10482"]

    preview = client.get(f"/orders/{order.id}/cancel/").content.decode()
    client.post(f"/orders/{order.id}/cancel/", {"reason": "changed her mind"})

    (event,) = events(scene, "10482", "order.lines_cancelled")
    assert "We ask to cancel, and it may refuse" in preview
    assert "closed, stays as it is" in preview
    assert "No refund: 175.40" in preview
    assert event.reason == "changed her mind"


def test_cancel_refund_restock_and_mail_are_four_choices_of_one_preview(
    scene: Scene, sign_in: SignIn
) -> None:
    client, order = sign_in(scene), scene.orders["10482"]
    asked = {"reason": "changed her mind", "refunds": "on", "tells_customer": "on"}

    preview = client.get(f"/orders/{order.id}/cancel/", {**asked, "preview": "1"}).content.decode()
    client.post(f"/orders/{order.id}/cancel/", asked)

    (event,) = events(scene, "10482", "order.lines_cancelled")
    with scope.merchant(scene.merchant.id):
        (refund,) = Refund.objects.filter(order_id=order.id)
    assert "go back where they were taken" in preview
    assert "No restock" in preview
    assert "Mail “Cancelled” to the customer" in preview
    assert event.data["tells_customer"] is True
    assert (refund.amount, refund.restocks, refund.tells_customer) == (
        Decimal("175.4"),
        False,
        False,
    )


def test_tracking_typed_twice_is_one_parcel(scene: Scene, sign_in: SignIn) -> None:
    scenes.sell(
        scene, "H-1", customer="Zoë Ōtani", country="JP", total="4200", currency="JPY",
        lines=[("PC-MOE-12", "Postcards", 5)], placed=timedelta(hours=2),
    )  # fmt: skip
    share = shares.share(scene, scene.orders["H-1"], provider="hand", status="accepted")
    with scope.merchant(scene.merchant.id):
        item = FulfillmentItem.objects.get(fulfillment_order=share)
    told = {
        "share": share.id, f"units_{item.id}": "3", "carrier": "Nordpost",
        "tracking_number": "NP 77", "tracking_url": "",
    }  # fmt: skip
    client, address = sign_in(scene, Role.WAREHOUSE), f"/orders/{scene.orders['H-1'].id}/tracking/"

    client.post(address, told)
    client.post(address, told)

    with scope.merchant(scene.merchant.id):
        parcels = list(Parcel.objects.filter(order_id=scene.orders["H-1"].id))
    assert [parcel.tracking_number for parcel in parcels] == ["NP 77"]
    assert scene.order("H-1").units_shipped == 3


def test_another_address_applies_and_the_typed_one_is_kept(scene: Scene, sign_in: SignIn) -> None:
    client, order = sign_in(scene), scene.orders["10490"]

    client.post(
        f"/orders/{order.id}/address/",
        {
            "name": "Chloé d’Aubépine", "line1": "Chemin des Églantines 7", "city": "Lausanne",
            "postal_code": "1004", "country": "CH", "reason": "she wrote to us",
        },
    )  # fmt: skip

    page = client.get(f"/orders/{order.id}/").content.decode()
    assert scene.order("10490").is_held is False
    assert "1004 Lausanne" in page
    assert "Switzerland" in page
    assert "What the customer typed" in page


def test_an_address_has_a_country_from_the_list(scene: Scene, sign_in: SignIn) -> None:
    client, order = sign_in(scene), scene.orders["10490"]
    typed = {"name": "Chloé", "line1": "Chemin 7", "city": "Lausanne", "reason": "she wrote"}

    asked = client.get(f"/orders/{order.id}/address/").content.decode()
    answer = client.post(f"/orders/{order.id}/address/", {**typed, "country": "Ge"})

    assert '<option value="CH" selected>Switzerland (CH)</option>' in asked
    assert "Lifts the hold for its address" in asked
    assert answer.status_code == 422
    assert scene.order("10490").is_held is True


def test_tags_are_set_as_typed(scene: Scene, sign_in: SignIn) -> None:
    sign_in(scene).post(f"/orders/{scene.orders['10482'].id}/tag/", {"tags": "VIP, Köln , VIP"})

    with scope.merchant(scene.merchant.id):
        words = Tag.objects.filter(order=scene.orders["10482"]).values_list("word", flat=True)
        assert sorted(words) == ["Köln", "VIP"]


def test_a_note_is_kept_with_its_author(scene: Scene, sign_in: SignIn) -> None:
    client, order = sign_in(scene, Role.SUPPORT), scene.orders["10480"]

    client.post(f"/orders/{order.id}/note/", {"text": "ruft morgen an <b>"})

    with scope.merchant(scene.merchant.id):
        (note,) = Note.objects.filter(order=order)
    assert note.author == f"user:{scene.people[Role.SUPPORT].id}"
    assert "ruft morgen an &lt;b&gt;" in client.get(f"/orders/{order.id}/").content.decode()


def test_an_order_of_a_gateway_is_read_again_there(empty_scene: Scene, sign_in: SignIn) -> None:
    scenes.sell(
        empty_scene, "E-0PAY", customer="Zoë Ryś", country="BE", total="29.00", currency="EUR",
        lines=[("MUG-1", "Mok", 2)], placed=timedelta(minutes=9), connection="pay",
    )  # fmt: skip

    asked = sign_in(empty_scene).get(f"/orders/{empty_scene.orders['E-0PAY'].id}/refresh/")

    assert asked.status_code == 200
    assert "Reads it again at Stripe checkout" in asked.content.decode()


def test_reading_again_asks_and_sends_nothing(scene: Scene, sign_in: SignIn, database: str) -> None:
    before = jobs(database)

    sign_in(scene).post(f"/orders/{scene.orders['E-7KQ2MD'].id}/refresh/")

    deferred = jobs(database)[len(before) :]
    assert "attempts.ask" in deferred
    assert set(deferred) <= {"attempts.ask", "inbox.reread"}


def test_trying_again_carries_on_and_replays_what_gave_up(
    scene: Scene, sign_in: SignIn, database: str
) -> None:
    before = jobs(database)

    sign_in(scene).post(f"/orders/{scene.orders['10468'].id}/retry/", {"reason": "shop is back"})

    assert "storefront.write_back" in jobs(database)[len(before) :]


def test_only_a_replay_asks_for_the_reason_that_it_keeps(
    scene: Scene, sign_in: SignIn, database: str
) -> None:
    client = sign_in(scene)
    late, gave_up = scene.orders["10497"], scene.orders["10482"]
    troubles.bury(scene, "10482", "storefront.write_back", "Størrelse ukendt")
    before = jobs(database)

    pages = [client.get(f"/orders/{order.id}/retry/").content.decode() for order in (late, gave_up)]
    client.post(f"/orders/{late.id}/retry/")

    assert ['name="reason"' in page for page in pages] == [False, True]
    assert "routing.plan" in jobs(database)[len(before) :]


def test_an_unknown_outcome_is_decided_by_a_person_only_when_nothing_can_tell(
    scene: Scene, sign_in: SignIn
) -> None:
    client, order = sign_in(scene), scene.orders["E-7KQ2MD"]
    address = f"/orders/{order.id}/decide/?happened=1"

    early = client.post(address, {"reason": "seen in their dashboard"})
    with scope.merchant(scene.merchant.id):
        Attempt.objects.filter(order_id=order.id).update(needs_person=True)
    client.post(address, {"reason": "seen in their dashboard"})

    with scope.merchant(scene.merchant.id):
        attempt = Attempt.objects.get(order_id=order.id)
    assert early.status_code == 409
    assert (attempt.status, attempt.message) == ("accepted", "seen in their dashboard")


def test_an_unknown_order_offers_no_way_to_send_again(scene: Scene, sign_in: SignIn) -> None:
    page = sign_in(scene).get(f"/orders/{scene.orders['E-7KQ2MD'].id}/").content.decode()

    panel = page.partition('id="next"')[2].partition("</section>")[0]
    assert "We do not know whether Prodigi has it." in panel
    assert "Ask now" in panel
    assert "send" not in panel.lower()
    assert "Try now" not in panel


def test_what_a_service_refuses_is_said_in_the_form(scene: Scene, sign_in: SignIn) -> None:
    order = scenes.sell(
        scene, "P-1", customer="Noor Al-Sabah", country="KW", total="18.450", currency="KWD",
        lines=[("PC-MOE-12", "Postcards", 2)], placed=timedelta(hours=1), captured=False,
    )  # fmt: skip
    scenes.count(scene, "P-1", amount_captured=Decimal("18.450"))  # money without its payment

    answer = sign_in(scene).post(
        f"/orders/{order.id}/refund/", {"amount": "2.125", "reason": "late"}
    )

    with scope.merchant(scene.merchant.id):
        assert not Refund.objects.filter(order_id=order.id).exists()
    assert answer.status_code == 422
    assert "cannot refund" in answer.content.decode()


def test_an_action_comes_back_to_the_page_that_it_began_on(scene: Scene, sign_in: SignIn) -> None:
    client, order = sign_in(scene), scene.orders["10485"]
    address = f"/orders/{order.id}/hold/"
    page = {"HX-Request": "true", "HX-Current-URL": "http://testserver/attention/?kind=hold"}

    dialog = client.get(address, headers=page).content.decode()
    preview = client.get(f"{address}?preview=1&back=/attention/", headers=page).content.decode()
    away = client.post(address, {"reason": "she calls back", "back": "https://evil.example/"})
    here = client.post(f"/orders/{order.id}/tag/", {"tags": "Geschenk", "back": "/attention/"})

    assert 'name="back" value="/attention/?kind=hold"' in dialog
    assert preview.count('name="back"') == 1
    assert away["Location"] == f"/orders/{order.id}/"
    assert here["Location"] == "/attention/"
