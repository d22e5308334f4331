"""Print files: copied with a checksum before the shop's link dies, and handed on from here.

An asset is one link. Its copy is kept in the database like everything else that may not be lost,
so that any process can serve it.
"""

import hashlib
import ipaddress
import math
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import IO
from urllib.parse import quote, urlsplit

import imagesize
from django.conf import settings
from django.db.models import F, Q
from django.db.models.functions import Now

from entrepot.access import scope, signing
from entrepot.catalog.models import Asset, AssetPart, MappingAsset
from entrepot.catalog.states import AssetStatus, AssetStep
from entrepot.database import clock

PART = 1024 * 1024
LINK_LASTS = timedelta(days=90)  # a provider fetches at once, or tries again for some days
PURPOSE = "artwork"
# One that copies holds it so long; then another may.
TAKEN_FOR = timedelta(minutes=3)
AGAIN_AFTER_S = (60, 300, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600)
PIXELS = ("image/png", "image/jpeg", "image/tiff", "image/webp", "image/gif", "image/bmp")


LONGEST_LINK = 2000


def assets_of(merchant_id: int, urls: Iterable[str]) -> dict[str, Asset]:
    """The asset of each link, made where there is none yet; inside the open scope.

    What is too long to be a link has none.
    """
    wanted = sorted({url for url in urls if 0 < len(url) <= LONGEST_LINK})
    if not wanted:
        return {}
    mine = Asset.objects.filter(merchant_id=merchant_id)
    known = {row.url: row for row in mine.filter(url__in=wanted)}
    new = [url for url in wanted if url not in known]
    if new:
        rows = [Asset(merchant_id=merchant_id, url=url) for url in new]
        Asset.objects.bulk_create(rows, ignore_conflicts=True)
        known.update((row.url, row) for row in mine.filter(url__in=new))
    return known


def may_be_missing(merchant_id: int) -> bool:
    """Whether some file has no copy yet, or comes with each order; a cheap first question."""
    uncopied = Asset.objects.filter(merchant_id=merchant_id, status=AssetStatus.WAITING)
    own_files = MappingAsset.objects.filter(merchant_id=merchant_id).exclude(line_property="")
    return uncopied.exists() or own_files.exists()


def take(asset_id: int) -> Asset | None:
    """Take an asset that has no copy yet in order to copy it; None when nobody has to.

    Of two who ask at once one gets it; inside the open scope.
    """
    asset = Asset.objects.select_for_update().filter(id=asset_id).first()
    if asset is None or asset.status == AssetStatus.READY:
        return None
    now = clock.now()
    if asset.taken_until is not None and asset.taken_until > now:
        return None
    asset.taken_until = now + TAKEN_FOR
    asset.save(update_fields=["taken_until"])
    return asset


def keep(asset_id: int, file: IO[bytes], *, media_type: str) -> Asset:
    """Keep what was fetched, with its checksums and size; inside the open scope."""
    asset = Asset.objects.select_for_update().get(id=asset_id)
    if asset.status == AssetStatus.READY:
        return asset
    width, height = _size_of(file)
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    AssetPart.objects.filter(asset=asset).delete()
    file.seek(0)
    number = 0
    while part := file.read(PART):
        sha256.update(part)
        md5.update(part)
        size += len(part)
        AssetPart.objects.create(
            merchant_id=asset.merchant_id, asset=asset, number=number, content=part
        )
        number += 1
    asset.sha256, asset.md5, asset.size = sha256.hexdigest(), md5.hexdigest(), size
    asset.width_px, asset.height_px = width, height
    asset.media_type = media_type
    asset.take(AssetStep.COPY)
    return asset


def fail(asset_id: int, *, reason: str) -> Asset:
    """Note that a file could not be fetched; it is tried again, each time later."""
    asset = Asset.objects.select_for_update().get(id=asset_id)
    if asset.status == AssetStatus.READY:
        return asset
    asset.tries += 1
    asset.take(AssetStep.FAIL, reason=reason)
    return asset


def due(limit: int) -> list[tuple[int, int]]:
    """Assets (merchant, id) to copy: never tried, or in vain so long ago that it is time again.

    Runs in the system's scope.
    """
    wait = AGAIN_AFTER_S[-1]
    again = Q(tries__gte=len(AGAIN_AFTER_S), checked_at__lt=Now() - timedelta(seconds=wait))
    for tries, seconds in enumerate(AGAIN_AFTER_S, start=1):
        again |= Q(tries=tries, checked_at__lt=Now() - timedelta(seconds=seconds))
    waiting = Q(status=AssetStatus.WAITING) | Q(status=AssetStatus.UNREACHABLE) & again
    free = Q(taken_until=None) | Q(taken_until__lt=Now())
    rows = Asset.objects.filter(waiting, free).order_by(F("checked_at").asc(nulls_first=True))
    return list(rows.values_list("merchant_id", "id")[:limit])


def copied(asset_ids: Iterable[int]) -> set[int]:
    """Which of these assets have a copy."""
    found = Asset.objects.filter(id__in=set(asset_ids), status=AssetStatus.READY)
    return set(found.values_list("id", flat=True))


def content_of(asset_id: int) -> Iterator[bytes]:
    """The copy, part by part; inside the open scope."""
    parts = AssetPart.objects.filter(asset_id=asset_id).order_by("number")
    for content in parts.values_list("content", flat=True).iterator(chunk_size=1):
        yield bytes(content)


def problem_of(asset: Asset, *, min_width_px: int | None, min_height_px: int | None) -> str:
    """What is wrong with a print file, "" when it is safe to send."""
    if asset.status == AssetStatus.UNREACHABLE:
        return f"is unreachable: {asset.reason}"
    if asset.status == AssetStatus.WAITING:
        return "is not copied yet"
    wide, high = min_width_px or 0, min_height_px or 0
    width, height = asset.width_px or 0, asset.height_px or 0
    # A file may lie on its side: what counts is whether there are enough pixels either way.
    is_enough = (width >= wide and height >= high) or (height >= wide and width >= high)
    if is_enough or not _has_pixels(asset):
        return ""
    return f"has {width} x {height} px, and {wide} x {high} are needed"


def link_of(asset: Asset) -> str:
    """Where a provider fetches the file: here, when the hub can be reached, else where it was."""
    if asset.status != AssetStatus.READY or not _is_reachable(settings.PUBLIC_URL):
        return asset.url
    file = {"m": asset.merchant_id, "a": asset.id}
    token = signing.make_token(PURPOSE, file, lifetime=LINK_LASTS)
    name = urlsplit(asset.url).path.rpartition("/")[2] or "artwork"
    return f"{settings.PUBLIC_URL}/artwork/{token}/{quote(name, safe='')}"


def links_of(asset_ids: Iterable[int]) -> dict[int | None, str]:
    """Where a provider fetches each of these files, as the open transaction first saw them."""
    return scope.once_each(
        "print file link",
        asset_ids,
        read=lambda new: {asset.id: link_of(asset) for asset in Asset.objects.filter(id__in=new)},
    )


def _has_pixels(asset: Asset) -> bool:
    """Drawings that scale have no size in pixels; a picture whose size nobody can read is none."""
    return bool(asset.width_px) or asset.media_type in PIXELS


def _is_reachable(public_url: str) -> bool:
    host = urlsplit(public_url).hostname or ""
    if settings.ALLOW_PRIVATE_ADDRESSES:
        return True
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".local", ".localhost", ".internal"))


def _size_of(file: IO[bytes]) -> tuple[int | None, int | None]:
    file.seek(0)
    try:
        width, height = imagesize.get(file)
    except (ValueError, OSError):
        return None, None
    if not (math.isfinite(width) and math.isfinite(height)) or width <= 0 or height <= 0:
        return None, None
    return int(width), int(height)
