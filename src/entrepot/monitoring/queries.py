"""Alerts, for the health page and those who tell people."""

from dataclasses import dataclass

from django.db.models import F, Q, QuerySet

from entrepot.access.models import Merchant
from entrepot.monitoring.models import Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class Untold:
    """What people have not been told yet; `merchant` is "" for the installation itself."""

    alert: Alert
    merchant: str
    has_recovered: bool


def open_alerts(merchant_id: int) -> QuerySet[Alert]:
    """What stands now, the newest first."""
    return Alert.objects.filter(merchant_id=merchant_id, recovered_at=None).order_by("-id")


def untold(*, limit: int = 200) -> list[Untold]:
    """Alerts, and recoveries of alerts that were told, oldest first; in the system's scope.

    What recovered before anybody was told is not told at all.
    """
    alerts = list(
        Alert.objects.filter(
            Q(told_at=None, recovered_at=None)
            | Q(told_at__isnull=False, recovered_at__isnull=False, recovery_told_at=None)
        ).order_by(F("merchant_id"), "id")[:limit]
    )
    names = dict(
        Merchant.objects.filter(id__in={alert.merchant_id for alert in alerts}).values_list(
            "id", "name"
        )
    )
    return [
        Untold(
            alert=alert,
            merchant=names.get(alert.merchant_id, ""),
            has_recovered=alert.recovered_at is not None,
        )
        for alert in alerts
    ]
