"""Links and tokens that leave the hub: signed, for one purpose, and valid until a moment.

They are readable by whoever has them, so they carry ids and words, never secrets. Keys rotate with
ENTREPOT_SECRET_KEYS: the newest signs, all of them are recognised.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core import signing
from django.utils import timezone


class BadToken(Exception):
    """A token was not made by us for this purpose, or was changed."""


class ExpiredToken(BadToken):
    """A token was ours, and its time is over."""

    def __init__(self, expired_at: datetime) -> None:
        super().__init__(f"the link expired at {expired_at:%Y-%m-%d %H:%M} UTC: ask for another")
        self.expired_at = expired_at


def make_token(purpose: str, values: Mapping[str, Any], *, lifetime: timedelta) -> str:
    """Sign values for a purpose; the result is safe in a URL's path."""
    expires = int((timezone.now() + lifetime).timestamp())
    return signing.dumps([expires, dict(values)], salt=_salt(purpose), compress=True)


def read_token(purpose: str, token: str) -> dict[str, Any]:
    """The values of a token of that purpose.

    Raises:
        ExpiredToken: its time is over.
        BadToken: it is not ours, or for something else.
    """
    try:
        expires, values = signing.loads(token, salt=_salt(purpose))
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise BadToken("the link is damaged or not for this") from error
    expires_at = datetime.fromtimestamp(expires, tz=timezone.get_default_timezone())
    if expires_at <= timezone.now():
        raise ExpiredToken(expires_at)
    return dict(values)


def _salt(purpose: str) -> str:
    return f"entrepot.token.{purpose}"
