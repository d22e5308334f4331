"""The orders of a day that stand still, each for its own reason."""

from datetime import timedelta

from entrepot.access import scope
from entrepot.catalog.models import Mapping as SkuMapping
from tests.dashboard.scene import Scene, count, sell
from tests.dashboard.shares import parcel, share
from tests.dashboard.troubles import bury, hold, owe, unknown

LIGHTHOUSE = ("PRT-LEU-5070", "Leuchtturm bei Nacht 🌊, 50 × 70 cm", 2)
FERRY = ("CNV-FAE-6080", "Fähre um sechs, canvas 60 × 80 cm", 2)


def stand_still(scene: Scene) -> None:
    """Fill the scene with orders that wait for a person."""
    _without_mapping(scene)
    _refused_and_doubled(scene)
    _without_answer_or_artwork(scene)
    _untold_and_unpaid(scene)


def _without_mapping(scene: Scene) -> None:
    print_ = [
        ("PRT-NBL-3040", "Nebel über der Küste, 30 × 40 cm", 2),
        ("PC-MOE-12", "Postcards “Möwen”", 3),
    ]
    for number, customer, country, total, currency in (
        ("10479", "Åsa Lindqvåg", "SE", "1249.00", "SEK"),
        ("10481", "Tadeáš Říha", "CZ", "1890.00", "CZK"),
        ("10483", "José Ñúñez Güell", "ES", "74.50", "EUR"),
    ):
        sell(
            scene,
            number,
            customer=customer,
            country=country,
            total=total,
            currency=currency,
            lines=print_,
            placed=timedelta(hours=3),
        )
        hold(
            scene,
            number,
            "unmapped_sku",
            "nothing says what it becomes",
            about="PRT-NBL-3040",
            ago=timedelta(hours=3, minutes=12),
        )
    owe(scene, "10479", "submit", due=timedelta(hours=-1, minutes=-4))
    with scope.merchant(scene.merchant.id):
        SkuMapping.objects.create(
            merchant_id=scene.merchant.id,
            sku="PRT-LEU-3040",
            kind="provider",
            provider_connection_id=scene.connections["prodigi"].id,
            provider_sku="GLOBAL-FAP-12X16",
            sizing="fillPrintArea",
        )


def _refused_and_doubled(scene: Scene) -> None:
    sell(
        scene,
        "10490",
        customer="Chloé d’Aubépine",
        country="CH",
        total="96.50",
        currency="CHF",
        lines=[LIGHTHOUSE],
        placed=timedelta(hours=2),
        city="Lausanne",
    )
    hold(scene, "10490", "address_refused", "Prodigi: “postalOrZipCode is invalid”")
    owe(scene, "10490", "submit", due=timedelta(minutes=41))
    sell(
        scene,
        "10484",
        customer="Íñigo Peñaranda",
        country="ES",
        total="64.00",
        currency="EUR",
        lines=[("PC-MOE-12", "Postcards “Möwen”", 4)],
        placed=timedelta(minutes=160),
    )
    share(scene, scene.orders["10484"], lines=[0], provider_stage="in_production")
    sell(
        scene,
        "10485",
        customer="Íñigo Peñaranda",
        country="ES",
        total="64.00",
        currency="EUR",
        lines=[("PC-MOE-12", "Postcards “Möwen”", 4)],
        placed=timedelta(minutes=154),
    )
    hold(
        scene,
        "10485",
        "duplicate_suspected",
        "same customer, address and lines, 6 min apart",
        about="10484",
        twin_id=scene.orders["10484"].id,
    )


def _without_answer_or_artwork(scene: Scene) -> None:
    sell(
        scene,
        "E-7KQ2MD",
        customer="ليلى المنصوري",
        country="AE",
        total="412.00",
        currency="AED",
        lines=[FERRY],
        placed=timedelta(hours=2),
        connection="pay",
    )
    row = share(scene, scene.orders["E-7KQ2MD"], status="submitted")
    unknown(scene, "E-7KQ2MD", row)
    owe(scene, "E-7KQ2MD", "resolve", due=timedelta(minutes=9))
    sell(
        scene,
        "E-9WD3HC",
        customer="Siobhán Ó Faoláin",
        country="IE",
        total="58.00",
        currency="GBP",
        lines=[("PRT-HAF-4050", "Hafen, 40 × 50 cm", 2)],
        placed=timedelta(hours=4),
        connection="pay",
    )
    hold(scene, "E-9WD3HC", "missing_artwork", "the link answered “410 Gone”", about="PRT-HAF-4050")
    owe(scene, "E-9WD3HC", "submit", due=timedelta(hours=-2, minutes=-10))


def _untold_and_unpaid(scene: Scene) -> None:
    sell(
        scene,
        "10468",
        customer="Kwame Òkè",
        country="GB",
        total="42.50",
        currency="EUR",
        lines=[("PC-MOE-12", "Postcards “Möwen”", 2)],
        placed=timedelta(days=1, hours=2),
    )
    sent = share(scene, scene.orders["10468"], provider="hand", status="closed")
    parcel(
        scene, sent, number=1, status="in_transit", tracking="NP 11 22 33", ago=timedelta(hours=20)
    )
    count(scene, "10468", units_shipped=2)
    owe(scene, "10468", "write_back", due=timedelta(minutes=-21))
    sell(
        scene,
        "10470",
        customer="Þórdís Ægisdóttir",
        country="IS",
        total="24900",
        currency="ISK",
        lines=[LIGHTHOUSE],
        placed=timedelta(hours=5),
    )
    share(scene, scene.orders["10470"], provider_stage="awaiting_payment")
    hold(scene, "10470", "payment_needed", "Payment requires authorisation.")
    bury(scene, "10484", "notifications.send_mail", "the template names {{unknown}}")
