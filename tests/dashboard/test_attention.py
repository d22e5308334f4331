"""What stands still is fixed where it stands, for all that wait for the same."""

import re

import pytest

from entrepot.access import scope
from entrepot.access.states import Role
from entrepot.catalog.models import Mapping as SkuMapping
from entrepot.catalog.models import MappingAsset, ShippingMap
from entrepot.deadletters.models import DeadLetter
from entrepot.inbox.models import InboxWork
from entrepot.obligations.models import Obligation
from entrepot.orders.models import Hold
from tests.dashboard import troubles
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene

WISH = {"sku": "PRT-NBL-3040", "kind": "provider", "provider_sku": "GLOBAL-FAP-12X16"}


def test_mapping_a_sku_releases_every_order_that_waits(scene: Scene, sign_in: SignIn) -> None:
    wish = {**WISH, "provider": scene.connections["prodigi"].id, "sizing": "fillPrintArea"}

    client = sign_in(scene)
    seen = re.search(
        r'name="seen" value="(\w+)"', client.post("/attention/map/", wish).content.decode()
    )
    assert seen is not None

    answer = client.post("/attention/map/", {**wish, "seen": seen[1]}, follow=True)

    with scope.merchant(scene.merchant.id):
        mapping = SkuMapping.objects.get(sku="PRT-NBL-3040")
    assert [scene.order(n).open_holds for n in ("10479", "10481", "10483")] == [0, 0, 0]
    assert mapping.provider_sku == "GLOBAL-FAP-12X16"
    assert "3 orders released" in answer.content.decode()


def test_a_mapping_that_is_not_whole_says_what_is_missing(scene: Scene, sign_in: SignIn) -> None:
    answer = sign_in(scene).post("/attention/map/", {**WISH, "provider_sku": ""})

    page = answer.content.decode()
    with scope.merchant(scene.merchant.id):
        assert not SkuMapping.objects.filter(sku="PRT-NBL-3040").exists()
    assert answer.status_code == 422
    assert "a provider mapping needs a provider and its SKU" in page
    assert scene.order("10479").open_holds == 1


def test_a_card_proposes_what_a_sku_alike_became(scene: Scene, sign_in: SignIn) -> None:
    page = sign_in(scene).get("/attention/").content.decode()

    assert 'value="GLOBAL-FAP-12X16"' in page
    assert "Like PRT-LEU-3040" in page


def test_support_may_not_map(scene: Scene, sign_in: SignIn) -> None:
    client = sign_in(scene, Role.SUPPORT)

    answer = client.post("/attention/map/", {**WISH, "provider": 1})

    assert answer.status_code == 403
    assert "Mapping is for operators and owners" in client.get("/attention/").content.decode()


def test_another_print_file_lets_the_waiting_orders_go_on(scene: Scene, sign_in: SignIn) -> None:
    with scope.merchant(scene.merchant.id):
        SkuMapping.objects.create(
            merchant_id=scene.merchant.id, sku="PRT-HAF-4050", kind="provider",
            provider_connection_id=scene.connections["prodigi"].id, provider_sku="GLOBAL-FAP-16X20",
        )  # fmt: skip

    sign_in(scene).post(
        "/attention/artwork/",
        {"sku": "PRT-HAF-4050", "artwork": "https://files.example/hafen.tif"},
    )

    with scope.merchant(scene.merchant.id):
        mapping = SkuMapping.objects.get(sku="PRT-HAF-4050")
        (asset,) = MappingAsset.objects.filter(mapping=mapping)
    assert mapping.provider_sku == "GLOBAL-FAP-16X20"
    assert asset.asset_id is not None
    assert scene.order("E-9WD3HC").is_held is False


def test_a_shipping_method_is_named_once_for_all(scene: Scene, sign_in: SignIn) -> None:
    prodigi, shop = scene.connections["prodigi"].id, scene.connections["shop"].id
    holds = [
        troubles.hold(
            scene, number, "shipping_unmapped", "Shipping method “Abholung” has no word at Prodigi",
            about=f"{prodigi}:pickup", provider_connection_id=prodigi, storefront_id=shop,
            method_code="pickup",
        )
        for number in ("10497", "10480")
    ]  # fmt: skip

    sign_in(scene).post(
        "/attention/shipping/", {"hold": holds[0].id, "provider_method": "Standard"}
    )

    with scope.merchant(scene.merchant.id):
        (row,) = ShippingMap.objects.all()
    assert (row.method_code, row.provider_method) == ("pickup", "Standard")
    assert [scene.order(number).is_held for number in ("10497", "10480")] == [False, False]


def test_orders_that_another_hold_keeps_are_not_said_to_be_released(
    scene: Scene, sign_in: SignIn
) -> None:
    for number in ("10497", "10480"):
        troubles.hold(scene, number, "unmapped_sku", "not mapped", about="RAHMEN-EICHE")
    troubles.hold(scene, "10480", "person", "Frau Ōtani fragt nach", about="user:1")
    client = sign_in(scene)

    answer = client.post("/attention/map/", {"sku": "RAHMEN-EICHE", "kind": "by_hand"}, follow=True)

    words = answer.content.decode()
    assert (
        "RAHMEN-EICHE is mapped. 1 order released. 1 order still held for another reason" in words
    )
    assert [scene.order(number).is_held for number in ("10497", "10480")] == [False, True]


def test_that_none_goes_on_yet_is_a_sentence_too(scene: Scene, sign_in: SignIn) -> None:
    troubles.hold(scene, "10497", "unmapped_sku", "not mapped", about="RAHMEN-EICHE")
    troubles.hold(scene, "10497", "person", "Frau Ōtani fragt nach", about="user:1")

    answer = sign_in(scene).post(
        "/attention/map/", {"sku": "RAHMEN-EICHE", "kind": "by_hand"}, follow=True
    )

    assert "is mapped. No orders released. 1 order still held" in answer.content.decode()


def test_what_is_shipped_by_hand_is_no_product_of_a_provider(scene: Scene, sign_in: SignIn) -> None:
    troubles.hold(scene, "10497", "unmapped_sku", "not mapped", about="RAHMEN-EICHE")

    page = sign_in(scene).get("/attention/").content.decode()

    card = page.partition("SKU RAHMEN-EICHE is not mapped")[2].partition("</section>")[0]
    offered = card.partition('<select name="provider">')[2].partition("</select>")[0]
    assert "Prodigi" in offered
    assert "By hand, Hamburg" not in offered


def test_a_suspected_duplicate_is_shown_beside_its_twin(scene: Scene, sign_in: SignIn) -> None:
    client = sign_in(scene)
    page = client.get("/attention/?kind=hold").content.decode()
    card = page.partition("Duplicate suspected")[2].partition("</section>")[0]
    ask = re.search(r'href="(/orders/\d+/release/\?hold=\d+)"', card)
    assert ask is not None

    client.post(ask[1], {"holds": ask[1].rpartition("=")[2], "reason": "two birthdays"})

    assert f"/orders/{scene.orders['10484'].id}/" in card
    assert scene.order("10485").is_held is False
    assert scene.order("10490").is_held is True
    history = client.get(f"/orders/{scene.orders['10485'].id}/").content.decode()
    assert "Hold lifted. Duplicate suspected." in history
    assert "Two birthdays" in history


@pytest.mark.parametrize("reason", [{}, {"reason": " "}])
def test_holds_are_released_together_only_with_a_reason(
    scene: Scene, sign_in: SignIn, reason: dict[str, str]
) -> None:
    wish = {"cause": "address_refused", "about": "", **reason}

    page = sign_in(scene).post("/attention/release/", wish, follow=True).content.decode()

    assert "Say why they are released" in page
    assert scene.order("10490").is_held is True


def test_releasing_all_alike_leaves_other_causes_alone(scene: Scene, sign_in: SignIn) -> None:
    troubles.hold(scene, "10497", "address_refused", "Prodigi: “postalOrZipCode is invalid”")

    sign_in(scene).post(
        "/attention/release/", {"cause": "address_refused", "about": "", "reason": "all checked"}
    )

    with scope.merchant(scene.merchant.id):
        lifted = Hold.objects.filter(kind="address_refused")
        assert {hold.lift_reason for hold in lifted} == {"all checked"}
    assert [scene.order(number).is_held for number in ("10490", "10497", "10479")] == [
        False,
        False,
        True,
    ]


@pytest.mark.parametrize("do", ["replay", "discard"])
def test_parked_messages_of_one_reason_are_decided_together(
    scene: Scene, sign_in: SignIn, do: str
) -> None:
    troubles.park(scene, "unknown currency XTS", times=2)

    sign_in(scene).post("/attention/replay/", {"cause": "totals do not add up", "do": do})

    with scope.merchant(scene.merchant.id):
        rows = InboxWork.objects.filter(is_parked=True)
        parked = list(rows.values_list("reason", flat=True))
        waiting = InboxWork.objects.filter(is_parked=False).count()
    assert parked == ["unknown currency XTS"] * 2
    assert waiting == (4 if do == "replay" else 0)


def test_dead_letters_of_one_cause_are_replayed_together(scene: Scene, sign_in: SignIn) -> None:
    second = troubles.bury(
        scene, "10480", "notifications.send_mail", "the template names {{unknown}}"
    )

    sign_in(scene).post(
        "/attention/letters/",
        {"cause": second.fingerprint, "do": "replay", "reason": "template fixed"},
    )

    with scope.merchant(scene.merchant.id):
        letters = DeadLetter.objects.values_list("status", "reason")
        assert list(letters) == [("replayed", "template fixed")] * 2


@pytest.mark.parametrize("do", ["replay", "discard"])
def test_dead_letters_are_decided_only_with_a_reason(
    scene: Scene, sign_in: SignIn, do: str
) -> None:
    with scope.merchant(scene.merchant.id):
        letter = DeadLetter.objects.get()
    wish = {"cause": letter.fingerprint, "do": do, "reason": " "}

    page = sign_in(scene).post("/attention/letters/", wish, follow=True).content.decode()

    assert "Say why" in page
    with scope.merchant(scene.merchant.id):
        assert DeadLetter.objects.get().status == "waiting"


def test_a_promise_is_let_go_of_only_with_a_reason(scene: Scene, sign_in: SignIn) -> None:
    client = sign_in(scene)
    with scope.merchant(scene.merchant.id):
        late = Obligation.objects.get(kind="write_back")

    client.post(f"/attention/waive/{late.id}/", {"reason": " "})
    with scope.merchant(scene.merchant.id):
        assert Obligation.objects.get(id=late.id).end == ""
    client.post(f"/attention/waive/{late.id}/", {"reason": "the shop is closed for good"})

    with scope.merchant(scene.merchant.id):
        assert Obligation.objects.get(id=late.id).end == "waived"


def test_an_unknown_attempt_is_explained_and_never_sent_again(
    scene: Scene, sign_in: SignIn
) -> None:
    page = sign_in(scene).get("/attention/?kind=unknown").content.decode()

    assert "We do not know whether Prodigi has it." in page
    assert "The connection broke after 3,110 bytes had gone out." in page
    assert "There is no “send again” here, on purpose" in page
    assert "failed" not in page.partition("<main")[2]


def test_a_day_without_trouble_says_so(empty_scene: Scene, sign_in: SignIn) -> None:
    page = sign_in(empty_scene).get("/attention/").content.decode()

    assert page.count("Nothing stands still") == 2
