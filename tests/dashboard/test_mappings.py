"""Mappings: what is missing first, the form, files in and out, shipping methods."""

import re
from datetime import timedelta
from decimal import Decimal

from entrepot.access import scope
from entrepot.access.states import Role
from entrepot.catalog.models import Mapping, ShippingMap
from entrepot.catalog.services import Artwork, MappingWish, map_sku
from tests.dashboard import scene as scenes
from tests.dashboard import troubles
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene
from tests.dashboard.test_inbox import page_of
from tests.rules.trade import connect


def mapped(scene: Scene, sku: str, **more: object) -> None:
    """A SKU that somebody mapped."""
    wish = MappingWish(**{"kind": "by_hand", **more})  # type: ignore[arg-type]
    map_sku(scene.merchant.id, sku, wish=wish, by="user:1")


def stored(scene: Scene, sku: str) -> Mapping:
    """A mapping as it stands."""
    with scope.merchant(scene.merchant.id):
        return Mapping.objects.prefetch_related("parts", "assets").get(sku=sku)


def test_what_nobody_mapped_comes_first_with_what_waits_for_it(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    for number, total, currency in (
        ("1", "100.00", "EUR"),
        ("2", "18400", "JPY"),
        ("3", "31", "EUR"),
    ):
        scenes.sell(
            empty_scene,
            number,
            customer="Zoë Ryś",
            country="BE",
            total=total,
            currency=currency,
            lines=[("PRT-NBL-3040", "Nebelküste", 2)],
            placed=timedelta(hours=2),
        )
        troubles.hold(empty_scene, number, "unmapped_sku", "not mapped", about="PRT-NBL-3040")
    mapped(empty_scene, "MUG-MOE")

    page = re.sub(r"<[^>]+>|\s+", " ", page_of(sign_in(empty_scene), "/mappings/"))

    assert re.search(r"PRT-NBL-3040\s+Nebelküste\s+3 orders\s+131.00.EUR\s+·\s+18,400.JPY", page)
    assert page.index("PRT-NBL-3040") < page.index("MUG-MOE")


def test_the_form_maps_a_sku_with_everything_it_needs(empty_scene: Scene, sign_in: SignIn) -> None:
    client = sign_in(empty_scene)

    client.post(
        "/mappings/one/?sku=A/B%20%2F%20ü",
        {
            "sku": "A/B / ü",
            "kind": "provider",
            "provider": str(empty_scene.connections["prodigi"].id),
            "provider_sku": "GLOBAL-FAP-16X24",
            "sizing": "fillPrintArea",
            "attributes": "frame=oak\nmount=none",
            "artwork": "default=https://files.example/a.png\nback=line:Back design",
            "unit_cost": "4.795",
            "cost_currency": "eur",
        },
    )
    shown = page_of(client, "/mappings/one/?sku=A/B%20%2F%20ü")

    row = stored(empty_scene, "A/B / ü")
    assert row.provider_sku == "GLOBAL-FAP-16X24"
    assert row.attributes == {"frame": "oak", "mount": "none"}
    assert (str(row.unit_cost), row.cost_currency) == ("4.7950", "EUR")
    assert {(one.print_area, one.line_property) for one in row.assets.all()} == {
        ("default", ""),
        ("back", "Back design"),
    }
    assert "back=line:Back design" in shown


def test_a_mapping_that_is_not_whole_is_refused_in_words(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    answer = sign_in(empty_scene).post("/mappings/one/", {"sku": "KIT-1", "kind": "kit"})

    assert answer.status_code == 422
    assert "a kit needs its parts" in answer.content.decode()
    with scope.merchant(empty_scene.merchant.id):
        assert not Mapping.objects.exists()


def test_an_export_can_be_read_again_and_changes_nothing(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    mapped(empty_scene, "KIT-1", kind="kit", parts={"MUG-MOE": 2, "TEA-9": 3})
    mapped(
        empty_scene,
        "=CMD()",
        kind="provider",
        provider_connection_id=empty_scene.connections["prodigi"].id,
        provider_sku="GLOBAL-1",
        artwork=[Artwork(url="https://files.example/a;v=2.png")],
        unit_cost=Decimal("1200.00"),
        cost_currency="JPY",
    )
    client = sign_in(empty_scene)

    exported = client.get("/mappings/export.csv").content.decode("utf-8-sig")
    with scope.merchant(empty_scene.merchant.id):
        Mapping.objects.all().delete()
    preview = client.post("/mappings/import/", {"text": exported}).content.decode()
    client.post("/mappings/import/", {"text": exported, "save": "1"})

    assert "'=CMD()" in exported
    assert "Save 2 mappings" in preview
    kit = stored(empty_scene, "KIT-1")
    assert {part.sku: part.quantity for part in kit.parts.all()} == {"MUG-MOE": 2, "TEA-9": 3}
    product = stored(empty_scene, "=CMD()")
    assert (product.provider_sku, product.unit_cost) == ("GLOBAL-1", Decimal(1200))
    assert ",1200,JPY," in exported
    assert exported.count("%3B") == 1


def test_wrong_rows_of_a_file_are_named_and_left_out(empty_scene: Scene, sign_in: SignIn) -> None:
    rows = (
        "sku;kind;provider;provider_sku;unit_cost;cost_currency\n"
        "A-1;provider;prodigi;GLOBAL-1;4.20;EUR\n"
        "A-2;provider;acme;GLOBAL-2;;\n"
        "A-3;sent by pigeon;;;;\n"
        "A-4;by_hand;;;four;EUR\n"
        ";nothing;;;;\n"
        "A-5;provider;prodigi;;;\n"
        "ÄPFEL-6;;;;;\n"
    )
    client = sign_in(empty_scene)

    preview = client.post("/mappings/import/", {"text": rows}).content.decode()
    client.post("/mappings/import/", {"text": rows, "save": "1"})

    assert "Save 1 mapping<" in preview
    assert "is not known" in preview
    assert "kind “sent_by_pigeon” is none of" in preview
    assert "no kind: is there a column “kind”?" in preview
    assert "is not a number" in preview
    assert "no SKU" in preview
    assert "A-5: a provider mapping needs a provider and its SKU" in preview
    with scope.merchant(empty_scene.merchant.id):
        assert list(Mapping.objects.values_list("sku", flat=True)) == ["A-1"]


def test_what_is_shipped_by_hand_has_a_place_of_the_merchants_own(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    place = connect(empty_scene.merchant, "by_hand", mode="live", name="Werkstatt Köln", code="koe")
    house = empty_scene.connections["prodigi"]
    client = sign_in(empty_scene)
    rows = (
        "sku;kind;provider;provider_sku;bin\n"
        "MUG-1;by_hand;Werkstatt Köln;;A-01\n"
        "MUG-2;by_hand;prodigi;;\n"
        "MUG-3;provider;koe;GLOBAL-1;\n"
    )

    preview = text_of(client.post("/mappings/import/", {"text": rows}).content.decode())
    client.post("/mappings/import/", {"text": rows, "save": "1"})
    exported = client.get("/mappings/export.csv").content.decode("utf-8-sig")
    wrong = client.post(
        "/mappings/one/?sku=MUG-4", {"sku": "MUG-4", "kind": "by_hand", "provider": str(house.id)}
    ).content.decode()

    assert "Save 1 mapping " in preview
    assert f"MUG-2 Left out: {house.name} makes things itself" in preview
    assert "MUG-3 Left out: Werkstatt Köln is where you ship by hand" in preview
    assert f"{house.name} makes things itself" in wrong
    row = stored(empty_scene, "MUG-1")
    assert (row.provider_connection_id, row.bin) == (place.id, "A-01")
    assert "MUG-1,by_hand,koe," in exported
    with scope.merchant(empty_scene.merchant.id):
        assert list(Mapping.objects.values_list("sku", flat=True)) == ["MUG-1"]


def text_of(page: str) -> str:
    return re.sub(r"(<[^>]+>|\s)+", " ", page)


def test_a_shipping_method_is_named_at_a_provider(empty_scene: Scene, sign_in: SignIn) -> None:
    client = sign_in(empty_scene)

    client.post(
        "/mappings/methods/",
        {
            "storefront": empty_scene.connections["shop"].id,
            "provider": empty_scene.connections["prodigi"].id,
            "method_code": "flat_rate:3",
            "provider_method": "Standard",
        },
    )

    with scope.merchant(empty_scene.merchant.id):
        row = ShippingMap.objects.get()
    assert (row.method_code, row.provider_method) == ("flat_rate:3", "Standard")
    assert "flat_rate:3" in page_of(client, "/mappings/")


def test_support_sees_mappings_and_changes_none(empty_scene: Scene, sign_in: SignIn) -> None:
    mapped(empty_scene, "MUG-MOE")
    client = sign_in(empty_scene, Role.SUPPORT)

    page = page_of(client, "/mappings/one/?sku=MUG-MOE")
    client.post("/mappings/one/?sku=MUG-MOE", {"sku": "MUG-MOE", "kind": "nothing"})

    assert "Save mapping" not in page
    assert stored(empty_scene, "MUG-MOE").kind == "by_hand"
