"""Several orders cancelled at once: each with its own shares and its own money."""

from decimal import Decimal

from entrepot.access import scope
from entrepot.access.states import Role
from entrepot.events.models import Event
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.payments.models import PaymentEntry, Refund
from tests.dashboard import scene as scenes
from tests.dashboard import shares
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene
from tests.dashboard.test_several import ids_of, jobs_of, results_of, said_of_each, sold


def test_cancelling_several_says_of_each_what_it_means_and_why_not(
    scene: Scene, sign_in: SignIn
) -> None:
    sold(scene, "20031")
    shares.share(scene, scene.orders["20031"], lines=[0], provider_stage="")
    shares.share(scene, scene.orders["20031"], lines=[1], provider="hand", status="open", number=2)
    chosen = ids_of(scene, ["20031", "10471", "10480"])

    page = sign_in(scene).get("/orders/several/cancel/", {"order": chosen}).content.decode()

    told = said_of_each(page)
    assert told["20031"].startswith("5 units cancelled")
    assert "Prodigi, share 1: accepted. We ask to cancel, and it may refuse" in told["20031"]
    assert "By hand, Hamburg, share 2: withdrawn, nothing was sent" in told["20031"]
    assert told["10471"] == "is cancelled already 0 of 1"
    assert told["10480"] == "has left, all of it: ask for a return, or refund 0 of 1"
    assert "Cancel 1 order</button>" in page
    assert "No refund: 64.80\N{NO-BREAK SPACE}EUR stay held until you give them back" in page
    assert "No mail" in page
    assert scene.order("20031").status == "open"


def test_cancelling_several_needs_a_reason(scene: Scene, sign_in: SignIn) -> None:
    sold(scene, "20031", "20032")
    chosen = ids_of(scene, ["20031", "20032"])

    answer = sign_in(scene).post("/orders/several/cancel/", {"order": chosen, "reason": " "})

    assert answer.status_code == 422
    assert [scene.order(number).status for number in ("20031", "20032")] == ["open", "open"]


def test_cancelling_several_says_what_happened_to_each(scene: Scene, sign_in: SignIn) -> None:
    sold(scene, "20031")
    sold(scene, "20032", currency="JPY", total="7200")
    shares.share(scene, scene.orders["20031"], lines=[0, 1], provider_stage="")
    chosen = ids_of(scene, ["20031", "20032", "10471"])
    client = sign_in(scene)

    answer = client.post("/orders/several/cancel/", {"order": chosen, "reason": "Messe fällt aus"})

    page = answer.content.decode()
    told = results_of(page)
    assert answer.status_code == 200
    assert "<h1>Cancel: 2 of 3 orders done</h1>" in page
    assert told["20031"].startswith(
        "5 units are being cancelled. Prodigi, share 1 is asked, and may refuse."
        " 64.80 EUR stay held."
    )
    assert told["20032"].startswith("5 units are being cancelled. 7,200 JPY stay held.")
    assert told["10471"].startswith("Left as it was: is cancelled already.")
    assert [scene.order(number).units_cancelled for number in ("20031", "20032")] == [5, 5]
    with scope.merchant(scene.merchant.id):
        reasons = Event.objects.filter(order_id__in=chosen[:2], name__startswith="order.").exclude(
            reason=""
        )
        assert set(reasons.values_list("reason", flat=True)) == {"Messe fällt aus"}
        assert Refund.objects.filter(order_id__in=chosen).count() == 0
    again = client.post("/orders/several/cancel/", {"order": chosen, "reason": "noch einmal"})
    assert "<h1>Cancel: 0 of 3 orders done</h1>" in again.content.decode()


def test_cancelling_several_gives_each_its_own_money_back(scene: Scene, sign_in: SignIn) -> None:
    sold(scene, "20031", "20033")
    sold(scene, "20032", currency="JPY", total="7200")
    scenes.count(scene, "20033", amount_refunded=Decimal("64.80"))
    chosen = ids_of(scene, ["20031", "20032", "20033"])
    client = sign_in(scene)
    typed = {"reason": "Messe fällt aus", "refunds": "on", "preview": "1"}
    asked_for = {**typed, "order": chosen}

    preview = client.get("/orders/several/cancel/", asked_for).content.decode()  # type: ignore[arg-type]
    page = client.post("/orders/several/cancel/", asked_for).content.decode()

    money = "64.80\N{NO-BREAK SPACE}EUR and 7,200\N{NO-BREAK SPACE}JPY"
    assert f"{money} go back where they were taken" in preview
    told = results_of(page)
    assert "64.80 EUR go back" in told["20031"]
    assert "7,200 JPY go back" in told["20032"]
    assert "go back" not in told["20033"]
    with scope.merchant(scene.merchant.id):
        wanted = Refund.objects.filter(order_id__in=chosen).order_by("order_id")
        assert [(row.order_id, row.amount, row.currency) for row in wanted] == [
            (scene.orders["20031"].id, Decimal("64.80"), "EUR"),
            (scene.orders["20032"].id, Decimal(7200), "JPY"),
        ]


def test_money_that_cannot_go_back_from_here_is_named_and_stays(
    scene: Scene, sign_in: SignIn
) -> None:
    sold(scene, "20031")
    sold(scene, "20032", currency="JPY", total="7200")
    chosen = ids_of(scene, ["20031", "20032"])
    with scope.merchant(scene.merchant.id):
        elsewhere = scene.connections["prodigi"].id  # takes no money, and gives none back
        PaymentEntry.objects.filter(order_id=chosen[1]).update(connection_id=elsewhere)
    client = sign_in(scene)
    typed = {"reason": "Messe fällt aus", "refunds": "on", "preview": "1"}

    preview = client.get(
        "/orders/several/cancel/",
        {**typed, "order": chosen},  # type: ignore[arg-type]
    ).content.decode()
    page = client.post("/orders/several/cancel/", {**typed, "order": chosen}).content.decode()

    assert "Not given back from here: 7,200\N{NO-BREAK SPACE}JPY, of 20032" in preview
    assert "64.80\N{NO-BREAK SPACE}EUR go back where they were taken" in preview
    assert "64.80 EUR go back" in results_of(page)["20031"]
    assert "7,200 JPY stay held" in results_of(page)["20032"]
    assert [scene.order(number).status for number in ("20031", "20032")] == ["cancelled"] * 2


def test_nobody_gives_money_back_by_cancelling_who_may_not_refund(
    scene: Scene, sign_in: SignIn
) -> None:
    sold(scene, "20031", "20032")
    chosen = ids_of(scene, ["20031", "20032"])
    client = sign_in(scene, Role.SUPPORT)
    typed = {"order": chosen, "reason": "Kundin rief an", "refunds": "on"}

    asked = client.get("/orders/several/cancel/", {"order": chosen}).content.decode()
    client.post("/orders/several/cancel/", typed)

    assert "Give back all that is held" not in asked
    with scope.merchant(scene.merchant.id):
        assert Refund.objects.filter(order_id__in=chosen).count() == 0
    assert [scene.order(number).status for number in ("20031", "20032")] == ["cancelled"] * 2


def test_what_is_promised_back_already_is_given_back_once(scene: Scene, sign_in: SignIn) -> None:
    sold(scene, "20031", "20032")
    chosen = ids_of(scene, ["20031", "20032"])
    with scope.merchant(scene.merchant.id):
        Refund.objects.create(
            merchant_id=scene.merchant.id, mode="live", order_id=chosen[0],
            connection_id=scene.connections["pay"].id, payment_external_id="pi_20031", number=1,
            amount=Decimal("60.00"), currency="EUR", reason="zu spät", wanted_by="user:1",
        )  # fmt: skip
    typed = {"order": chosen, "reason": "Messe", "refunds": "on"}

    page = sign_in(scene).post("/orders/several/cancel/", typed).content.decode()

    assert "4.80 EUR go back" in results_of(page)["20031"]
    assert "64.80 EUR go back" not in results_of(page)["20031"]
    assert "64.80 EUR go back" in results_of(page)["20032"]


def test_the_shares_of_what_was_cancelled_are_withdrawn_by_their_own_room(
    scene: Scene, sign_in: SignIn
) -> None:
    """The service's event is what fulfillment follows; the page itself touches no share."""
    sold(scene, "20031")
    shares.share(scene, scene.orders["20031"], lines=[0, 1], status="open")
    chosen = ids_of(scene, ["20031"])

    sign_in(scene).post("/orders/several/cancel/", {"order": chosen, "reason": "Messe"})

    with scope.merchant(scene.merchant.id):
        assert Event.objects.filter(order_id=chosen[0], name="order.cancelled").count() == 1
        share = FulfillmentOrder.objects.get(order_id=chosen[0])
    assert share.status == "open"
    assert jobs_of(scene, "20031") > 0
