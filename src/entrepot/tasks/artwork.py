"""Jobs that copy print files: when a SKU is mapped, when an order needs one, and again later."""

import tempfile
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet

from entrepot.access import scope
from entrepot.catalog import artwork
from entrepot.connect.download import download
from entrepot.connect.errors import ConnectorError
from entrepot.orders import holds
from entrepot.orders.models import Hold
from entrepot.orders.states import HoldKind
from entrepot.routing import services as routing
from entrepot.tasks import queue
from entrepot.tasks.calls import outside_transaction
from entrepot.tasks.registry import Lane, Priority, task
from entrepot.tasks.schedule import schedule

SWEEP = 200
IN_MEMORY = 4 * 1024 * 1024


@task("catalog.copy_artwork", priority=Priority.HIGH)
def copy_artwork(*, merchant_id: int, subject_id: int, **_: object) -> None:
    """Copy one print file; what is wrong with it is noted, and holds the orders that need it."""
    with scope.merchant(merchant_id):
        asset = artwork.take(subject_id)
    if asset is None:
        return
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        try:
            with outside_transaction():
                media_type = download(
                    asset.url, file, allow_private=settings.ALLOW_PRIVATE_ADDRESSES
                )
        except ConnectorError as error:
            with scope.merchant(merchant_id):
                artwork.fail(asset.id, reason=str(error))
            return
        with scope.merchant(merchant_id):
            artwork.keep(asset.id, file, media_type=media_type)


@task("catalog.after_artwork", priority=Priority.HIGH)
def after_artwork(*, merchant_id: int, subject_id: int, **_: object) -> None:
    """Let orders go on that waited for a print file."""
    with scope.merchant(merchant_id):
        waiting = _waiting().filter(data__asset_id=subject_id)
        _let_go_on(list(waiting.order_by("id").values_list("id", flat=True)))


@task("catalog.sweep_artwork", lane=Lane.UPKEEP)
def sweep(**_: object) -> None:
    """Copy what was never copied, try again what could not be, and miss no order that waits.

    An order may have been held at the moment in which its file came.
    """
    with scope.system():
        queue.defer(
            [
                queue.Job(
                    task="catalog.copy_artwork",
                    args={"merchant_id": merchant_id, "subject_id": asset_id},
                    unique=f"catalog.copy_artwork:{asset_id}",
                )
                for merchant_id, asset_id in artwork.due(SWEEP)
            ]
        )
        held = _waiting().exclude(data__asset_id=None)
        asset_of = {hold.id: (hold.merchant_id, hold.data["asset_id"]) for hold in held[:SWEEP]}
        here = artwork.copied(asset_id for _, asset_id in asset_of.values())
    over: dict[int, list[int]] = {}
    for hold_id, (merchant_id, asset_id) in asset_of.items():
        if asset_id in here:
            over.setdefault(merchant_id, []).append(hold_id)
    for merchant_id, hold_ids in over.items():
        with scope.merchant(merchant_id):
            _let_go_on(hold_ids)


def _waiting() -> QuerySet[Hold]:
    return Hold.objects.filter(kind=HoldKind.MISSING_ARTWORK, lifted_at=None)


def _let_go_on(hold_ids: list[int]) -> None:
    holds.lift_holds(by="system", reason="the print file is here", hold_ids=hold_ids)


def copy_for_orders(merchant_id: int, order_ids: Sequence[int]) -> None:
    """Copy the print files that orders need and nobody has asked for yet, before they are planned.

    What cannot be copied stops the plan with its reason.
    """
    with scope.merchant(merchant_id):
        missing = routing.artwork_to_copy(merchant_id, order_ids)
    for asset_id in missing:
        copy_artwork(merchant_id=merchant_id, subject_id=asset_id)


schedule("catalog.sweep_artwork", every=timedelta(seconds=30), after_downtime="once")
