"""The hub's own housekeeping: deadlines, counters, months of the journal, what is too old."""

from datetime import timedelta

import structlog

from entrepot.access import scope
from entrepot.events.partitions import ensure_partitions
from entrepot.monitoring import retention, rollups
from entrepot.obligations import services as obligations
from entrepot.tasks.registry import Lane, Priority, drain, task
from entrepot.tasks.schedule import schedule

log = structlog.get_logger()


@task("upkeep.tell_overdue", lane=Lane.UPKEEP, priority=Priority.HIGH)
def tell_overdue(**_: object) -> None:
    """Record each deadline that has passed, once."""
    while obligations.tell_overdue():
        continue


@drain("rollups", idle=5.0)
def fold_rollups() -> int:
    """Fold counters; of several workers one does it at a time."""
    return rollups.fold()


@task("upkeep.partitions", lane=Lane.UPKEEP)
def make_partitions(**_: object) -> None:
    """Make months of the journal ready before their first event."""
    with scope.system():
        made = ensure_partitions()
    if made:
        log.info("made partitions of the journal", count=made)


@task("upkeep.retention", lane=Lane.UPKEEP, priority=Priority.LOW)
def remove_old(**_: object) -> None:
    """Remove what is too old, in small steps."""
    removed = {what: count for what, count in retention.remove_old().items() if count}
    if removed:
        log.info("removed what was too old", removed=removed)


schedule("upkeep.tell_overdue", every=timedelta(seconds=15), after_downtime="once")
schedule("upkeep.partitions", every=timedelta(hours=12), after_downtime="once")
schedule(
    "upkeep.retention",
    every=timedelta(hours=1),
    offset=timedelta(minutes=17),
    after_downtime="skip",
)
