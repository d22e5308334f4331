"""The figures for Prometheus are there, for those who may see them."""

from django.test import Client

from entrepot.access import keys
from entrepot.access.models import Merchant
from entrepot.database.rows import Mode


def key(merchant: Merchant, *scopes: str) -> dict[str, str]:
    issued = keys.create_api_key(
        merchant_id=merchant.id, name="Überwachung", scopes=scopes, mode=Mode.LIVE
    )
    return {"Authorization": f"Bearer {issued.secret}"}


def test_a_key_for_health_reads_the_figures(merchant: Merchant) -> None:
    answer = Client().get("/metrics", headers=key(merchant, "health:read"))

    assert answer.status_code == 200
    assert b"entrepot_" in answer.content


def test_nobody_else_does(merchant: Merchant) -> None:
    assert Client().get("/metrics").status_code == 401
    assert Client().get("/metrics", headers=key(merchant, "orders:read")).status_code == 403
