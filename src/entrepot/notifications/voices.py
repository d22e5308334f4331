"""How a storefront speaks: its own voice, or what is known of it without one."""

from dataclasses import dataclass

from django.conf import settings

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.connect.registry import UnknownPlatform, platform
from entrepot.connections.queries import connection_of
from entrepot.database import reading
from entrepot.notifications.models import StoreVoice

STORE_COLOR = "#0a626d"
LEAST_CONTRAST = 4.5  # WCAG 2.2 AA, for white words on the store's colour


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """Who speaks to a storefront's customers; `sender_email` is never empty."""

    shop_name: str
    sender_email: str
    reply_to: str
    logo_url: str
    color: str
    language: str
    shop_url: str
    footer: str
    time_zone: str


def voice_of(storefront_id: int) -> Voice:
    """The voice of a storefront; what it does not say is the connection's or the settings'."""
    return scope.once("voice", storefront_id, read=lambda: _read(storefront_id))


def _read(storefront_id: int) -> Voice:
    storefront = connection_of(storefront_id)
    merchant = reading.one(Merchant, storefront.merchant_id)
    name = merchant.name if _is_built_in(storefront.platform) else storefront.name
    own = StoreVoice.objects.filter(
        merchant_id=storefront.merchant_id, storefront_id=storefront_id
    ).first()
    if own is None:
        return Voice(
            shop_name=name,
            sender_email=settings.DEFAULT_FROM_EMAIL,
            reply_to="",
            logo_url="",
            color=STORE_COLOR,
            language=merchant.locale,
            shop_url="",
            footer="",
            time_zone=merchant.time_zone,
        )
    return Voice(
        shop_name=own.sender_name or name,
        sender_email=own.sender_email or settings.DEFAULT_FROM_EMAIL,
        reply_to=own.reply_to,
        logo_url=own.logo_url,
        color=own.color,
        language=own.language or merchant.locale,
        shop_url=own.shop_url,
        footer=own.footer,
        time_zone=merchant.time_zone,
    )


def contrast_with_white(color: str) -> float:
    """The contrast ratio of `#rrggbb` with white, from 1 to 21 (WCAG 2.2, relative luminance)."""
    channels = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in channels
    )
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def _is_built_in(code: str) -> bool:
    """Whether it is the hub's own way in: its name is for pages, no customer knows it."""
    try:
        return platform(code).manifest.is_built_in
    except UnknownPlatform:
        return False
