"""Looks for what people should know, and tells them."""

from datetime import timedelta

from entrepot.access import scope
from entrepot.database import clock
from entrepot.database.rows import Mode
from entrepot.monitoring import alerts, telling
from entrepot.monitoring.models import Alert
from entrepot.monitoring.services import INSTALLATION, keep_standing
from entrepot.notifications import news
from entrepot.tasks.calls import outside_transaction
from entrepot.tasks.registry import Lane, Priority, task
from entrepot.tasks.schedule import schedule

ALERT = "alert"


@task("alerts.watch", lane=Lane.UPKEEP, priority=Priority.HIGH)
def watch(**_: object) -> int:
    """Raise what stands, recover what is over, tell what is untold; return how many were told."""
    with scope.system():
        keep_standing(alerts.standing(clock.now()), kinds=alerts.KINDS)
        _tell_inside()
    with outside_transaction():
        return telling.tell()


schedule("alerts.watch", every=timedelta(seconds=30), after_downtime="once")


def _tell_inside() -> None:
    """Operators see what stands inside the product as well, once per alert."""
    standing = Alert.objects.filter(recovered_at=None, told_at=None).exclude(
        merchant_id=INSTALLATION
    )
    news.tell(
        news.NewNotification(
            merchant_id=alert.merchant_id,
            mode=alert.mode,
            kind=ALERT,
            fact=f"alert:{alert.id}",
            title=alert.title,
            message=alert.detail,
            link=_link(alert),
        )
        for alert in standing.order_by("id")
    )


def _link(alert: Alert) -> str:
    """The page where it is mended, in its mode."""
    here = f"/connections/{alert.connection_id}/" if alert.connection_id else "/attention/"
    return f"/test{here}" if alert.mode == Mode.TEST else here
