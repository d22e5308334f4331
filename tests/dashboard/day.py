"""One day of Seemöwe Prints: every headline state, several currencies, names of the world.

The order to follow is 10482: three parcels, one delayed.
"""

from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from entrepot.access import scope
from entrepot.access.states import Role
from entrepot.notifications import news
from entrepot.notifications.models import Mail
from entrepot.orders.models import Line, Note, Order, Tag
from entrepot.payments.models import PaymentEntry
from tests.dashboard.scene import Scene, count, sell
from tests.dashboard.shares import parcel, share
from tests.dashboard.stopped import FERRY, LIGHTHOUSE, stand_still
from tests.dashboard.troubles import owe, park

CARDS = ("PC-MOE-12", "Postcards “Möwen”, set of 12", 3)


def a_day(scene: Scene) -> Scene:
    """Fill the scene with a day's orders."""
    _delayed(scene)
    stand_still(scene)
    _moving(scene)
    _ended(scene)
    park(scene, "totals do not add up", times=4)
    _told(scene)
    return scene


def _told(scene: Scene) -> None:
    """What operators hear of it inside the product."""
    with scope.merchant(scene.merchant.id):
        news.tell(
            news.NewNotification(
                merchant_id=scene.merchant.id,
                mode="live",
                kind="alert",
                fact=f"alert:{title}",
                title=title,
                message=message,
                link=link,
            )
            for title, message, link in (
                ("EasyPost trackers is silent", "Nothing useful for 47 min.", "/connections/"),
                ("3 promises are overdue", "The oldest for 2 h 10 min.", "/owed/overdue/"),
            )
        )


def _delayed(scene: Scene) -> None:
    order = sell(
        scene,
        "10482",
        customer="Mareike Süßkind",
        country="DE",
        total="187.40",
        currency="EUR",
        lines=[
            LIGHTHOUSE,
            ("CNV-FAE-6080", "Fähre um sechs, canvas 60 × 80 cm", 1),
            CARDS,
            ("DL-NEB", "Wallpaper “Nebelküste”, download", 1),
        ],
        placed=timedelta(days=5, hours=5),
        email="mareike@seemail.example",
        customer_note="„Bitte im Hinterhaus klingeln, danke!“",
    )
    made = share(scene, order, lines=[0, 1], provider_stage="in_production")
    packed = share(scene, order, provider="hand", status="closed", number=2, lines=[2])
    parcel(scene, packed, number=1, status="delivered", tracking="NP 0047 1188 2", positions=[2])
    parcel(
        scene,
        made,
        number=2,
        status="delayed",
        tracking="NP 8830 2741 5",
        positions=[0],
        ago=timedelta(days=5),
        promised_at=timezone.now() - timedelta(days=1),
    )
    _said_of(scene, order)
    count(scene, "10482", units_nothing=1, units_shipped=5, units_delivered=3, amount_refunded=12)
    owe(
        scene,
        "10482",
        "ship",
        due=timedelta(days=1, hours=3),
        subject=("fulfillment_order", made.id),
    )
    owe(scene, "10482", "submit", due=timedelta(days=-5), met=timedelta(days=5, minutes=12))


def _said_of(scene: Scene, order: Order) -> None:
    """What was given back, noted and told of the delayed order."""
    with scope.merchant(scene.merchant.id):
        Line.objects.filter(order=order, sku="DL-NEB").update(units_nothing=1)
        PaymentEntry.objects.create(
            merchant_id=scene.merchant.id,
            mode="live",
            account="stripe:pay.example",
            connection_id=scene.connections["pay"].id,
            order_id=order.id,
            kind="refunded",
            external_id="re_10482",
            payment_external_id="pi_10482",
            amount=Decimal(12),
            currency="EUR",
            reason="late, sorry",
            is_from_gateway=True,
            happened_at=timezone.now() - timedelta(days=1),
        )
        Note.objects.create(
            merchant_id=scene.merchant.id,
            order=order,
            author=f"user:{scene.people[Role.OPERATOR].id}",
            text="Called. It is a birthday present for Saturday 🎂",
        )
        Tag.objects.create(merchant_id=scene.merchant.id, order=order, word="gift 🎁")
        for kind, status, subject in (
            ("partly_shipped", "delivered", "Zwei Sendungen sind unterwegs"),
            ("exception", "delivered", "Deine Sendung verspätet sich"),
        ):
            Mail.objects.create(
                merchant_id=scene.merchant.id,
                mode="live",
                order_id=order.id,
                kind=kind,
                fact=f"{kind}:1",
                status=status,
                subject=subject,
                html="<h1>Moin Mareike</h1><p>Zwei Pakete, 5 Stück.</p>",
                text="Moin Mareike\n\nZwei Pakete, 5 Stück.",
                sent_at=timezone.now(),
            )


def _moving(scene: Scene) -> None:
    _before_submission(scene)
    _on_the_way(scene)


def _before_submission(scene: Scene) -> None:
    sell(
        scene,
        "10496",
        customer="Grzegorz Brzęczyk",
        country="PL",
        total="329.00",
        currency="PLN",
        lines=[LIGHTHOUSE, ("PC-MOE-12", "Postcards", 5)],
        placed=timedelta(minutes=3),
        captured=False,
        is_on_terms=True,
    )
    share(
        scene,
        scene.orders["10496"],
        status="open",
        lines=[0, 1],
        submit_after=timezone.now() + timedelta(minutes=27),
    )
    owe(scene, "10496", "submit", due=timedelta(minutes=42))
    sell(
        scene,
        "10495",
        customer="José Ñúñez Güell",
        country="ES",
        total="74.50",
        currency="EUR",
        lines=[("PC-MOE-12", "Postcards", 2)],
        placed=timedelta(minutes=11),
        captured=False,
        released=False,
        amount_pending=Decimal("74.50"),
    )


def _on_the_way(scene: Scene) -> None:
    sell(
        scene,
        "10480",
        customer="Lotte 🌷 van Dijk",
        country="NL",
        total="39.00",
        currency="EUR",
        lines=[("PC-MOE-12", "Postcards", 2)],
        placed=timedelta(days=5),
    )
    row = share(scene, scene.orders["10480"], status="closed")
    parcel(
        scene, row, number=1, status="in_transit", tracking="3SABC123456", ago=timedelta(hours=30)
    )
    count(scene, "10480", units_shipped=2)
    sell(
        scene,
        "10497",
        customer="Noor Al-Sabah",
        country="KW",
        total="18.450",
        currency="KWD",
        lines=[LIGHTHOUSE],
        placed=timedelta(minutes=50),
    )
    share(scene, scene.orders["10497"], provider_stage="")
    owe(scene, "10497", "ship", due=timedelta(hours=20))


def _ended(scene: Scene) -> None:
    sell(
        scene,
        "E-4TN9XB",
        customer="田辺 ゆき",
        country="JP",
        total="18400",
        currency="JPY",
        lines=[FERRY],
        placed=timedelta(days=6),
        connection="pay",
    )
    row = share(scene, scene.orders["E-4TN9XB"], status="closed")
    parcel(scene, row, number=1, status="delivered", tracking="JP-1", ago=timedelta(days=4))
    count(scene, "E-4TN9XB", units_shipped=2, units_delivered=2)
    owe(scene, "E-4TN9XB", "submit", due=timedelta(minutes=5), met=timedelta(seconds=30))
    sell(
        scene,
        "10466",
        customer="Þórdís Ægisdóttir",
        country="IS",
        total="24900",
        currency="ISK",
        lines=[("PC-MOE-12", "Postcards", 3)],
        placed=timedelta(days=8),
    )
    row = share(scene, scene.orders["10466"], status="closed")
    parcel(
        scene, row, number=1, status="presumed_delivered", tracking="IS-9", ago=timedelta(days=4)
    )
    count(scene, "10466", units_shipped=3, units_delivered=3, units_presumed=3)
    sell(
        scene,
        "10471",
        customer="Kwame Òkè",
        country="GB",
        total="83.20",
        currency="GBP",
        lines=[("PC-MOE-12", "Postcards", 2)],
        placed=timedelta(days=7),
    )
    count(scene, "10471", units_cancelled=2, amount_refunded=Decimal("83.20"))
