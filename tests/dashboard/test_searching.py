"""A refund is searched by the id that its platform shows, and leads to its order."""

from decimal import Decimal
from urllib.parse import urlencode

import psycopg
import pytest
from django.utils import timezone

from entrepot.access import scope
from entrepot.dashboard.reading import filters
from entrepot.payments.models import PaymentEntry
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene
from tests.dashboard.test_orders import listed


@pytest.mark.parametrize(
    ("_case", "external_id", "kind", "typed"),
    [
        ("a gateway's", "re_3Nf8Å", "refunded", "re_3Nf8Å"),
        ("with spaces around", "re_3Nf8Å", "refunded", "  re_3Nf8Å "),
        ("a shop's, as the shop shows it", "refund:7713", "refunded", "#7713"),
        ("one that is on its way", "refund:7713", "refund_pending", "7713"),
        ("one that failed", "re_77", "refund_failed", "re_77"),
    ],
)
def test_a_refunds_id_leads_to_its_order(
    scene: Scene, sign_in: SignIn, _case: str, external_id: str, kind: str, typed: str
) -> None:
    refunded(scene, "10496", external_id, kind)
    client = sign_in(scene)

    answer = client.get("/search/", {"q": typed})

    assert answer["Location"] == f"/orders/{scene.orders['10496'].id}/"
    assert listed(client, urlencode({"find": typed})) == ["10496"]


def test_a_refund_and_an_order_of_one_number_are_both_listed(scene: Scene, sign_in: SignIn) -> None:
    refunded(scene, "10496", "refund:10482", "refunded")
    client = sign_in(scene)

    answer = client.get("/search/", {"q": "10482"})

    assert answer["Location"] == "/orders/?find=10482"
    assert set(listed(client, "find=10482")) == {"10482", "10496"}


def test_a_refund_in_test_mode_leads_nowhere_in_live_mode(scene: Scene, sign_in: SignIn) -> None:
    refunded(scene, "10496", "re_test", "refunded", mode="test")

    answer = sign_in(scene).get("/search/", {"q": "re_test"})

    assert answer["Location"] == "/orders/?find=re_test"


def test_a_search_reads_refunds_by_their_index(scene: Scene, superuser_url: str) -> None:
    condition, value = filters._condition("find", "re_3Nf8") or ("false", None)
    with scope.merchant(scene.merchant.id):
        PaymentEntry.objects.bulk_create(
            entry(scene, "10496", f"ch_{number}", "captured") for number in range(1000)
        )
    with psycopg.connect(superuser_url) as connection:
        # Seen by this transaction only, which is rolled back: what others plan stays as it was.
        connection.execute("ANALYZE payments_entry")
        connection.execute("SET LOCAL ROLE entrepot_app")
        connection.execute(
            "SELECT set_config('entrepot.merchant', %s, true)", [str(scene.merchant.id)]
        )
        connection.execute("SET LOCAL enable_seqscan = off")
        lines = connection.execute(
            f"EXPLAIN SELECT o.number FROM orders_order AS o WHERE {condition}",
            {"f_find": value, "f_kinds": ["order"]},
        ).fetchall()
        connection.rollback()

    plan = "\n".join(line for (line,) in lines)
    assert plan.count("Index Scan using payments_entry_refund") == 1, plan


def refunded(scene: Scene, number: str, external_id: str, kind: str, *, mode: str = "live") -> None:
    """The ledger's word about a refund of an order."""
    with scope.merchant(scene.merchant.id):
        entry(scene, number, external_id, kind, mode=mode).save()


def entry(
    scene: Scene, number: str, external_id: str, kind: str, *, mode: str = "live"
) -> PaymentEntry:
    return PaymentEntry(
        merchant_id=scene.merchant.id, mode=mode, account="stripe:pay.example",
        connection_id=scene.connections["pay" if mode == "live" else "test"].id,
        order_id=scene.orders[number].id if mode == "live" else None, kind=kind,
        external_id=external_id, payment_external_id=f"pi_{number}", amount=Decimal("12.40"),
        currency="PLN", is_from_gateway=True, happened_at=timezone.now(),
    )  # fmt: skip
