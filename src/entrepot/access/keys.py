"""API keys: made, shown once, rotated with an overlap, revoked, and recognised.

A key reads `ek_live_<prefix>_<secret>`. The prefix is public and finds the row; of the secret only
the SHA-256 is kept, which suffices for 256 random bits.
"""

import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone

from entrepot.access import scope
from entrepot.access.models import ApiKey
from entrepot.access.permissions import checked
from entrepot.database.rows import Mode
from entrepot.events import outbox

SHAPE = re.compile(r"ek_(live|test)_([0-9a-f]{12})_([0-9a-f]{64})")
# `last_used_at` is for people; writing it at every call would cost a write per call.
LAST_USED_PRECISION = timedelta(minutes=1)
_NOBODYS_HASH = bytes(32)


class KeyRefused(Exception):
    """An API key is not accepted. The message names the reason without helping to guess keys."""


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A fresh key; `secret` is the whole key, shown now and never again."""

    key: ApiKey
    secret: str = field(repr=False)


def create_api_key(
    *,
    merchant_id: int,
    name: str,
    scopes: Iterable[str],
    mode: Mode = Mode.LIVE,
    allowed_addresses: Iterable[str] = (),
    rate_limit_per_minute: int = 600,
    expires_at: datetime | None = None,
) -> IssuedKey:
    """Let a machine call in a merchant's name.

    Raises:
        UnknownScope: a scope does not exist.
        ValueError: an allowed address is not an address or network; the message quotes it.
    """
    prefix, secret = secrets.token_hex(6), secrets.token_hex(32)
    key = ApiKey(
        merchant_id=merchant_id,
        name=name,
        mode=mode,
        prefix=prefix,
        secret_hash=_hash(secret),
        scopes=checked(scopes),
        allowed_addresses=[str(ipaddress.ip_network(place)) for place in allowed_addresses],
        rate_limit_per_minute=rate_limit_per_minute,
        expires_at=expires_at,
    )
    with scope.merchant(merchant_id):
        key.save(force_insert=True)
        _record("api_key.created", key, {"prefix": prefix, "scopes": key.scopes})
    return IssuedKey(key, f"ek_{mode}_{prefix}_{secret}")


def rotate_api_key(
    key_id: int, *, merchant_id: int, overlap: timedelta = timedelta(days=7)
) -> IssuedKey:
    """Issue a successor with the same rights; the old key keeps working for the overlap.

    Raises:
        ApiKey.DoesNotExist: the merchant has no such key.
        KeyRefused: it is revoked, or has a successor already.
    """
    with scope.merchant(merchant_id):
        old = ApiKey.objects.select_for_update().get(id=key_id)
        if old.revoked_at or old.replaced_by_id:
            raise KeyRefused(f"cannot rotate API key {old.prefix}: it is revoked or was rotated")
        issued = create_api_key(
            merchant_id=merchant_id,
            name=old.name,
            scopes=old.scopes,
            mode=Mode(old.mode),
            allowed_addresses=old.allowed_addresses,
            rate_limit_per_minute=old.rate_limit_per_minute,
            expires_at=old.expires_at,
        )
        end = timezone.now() + overlap
        old.expires_at = min(old.expires_at, end) if old.expires_at else end
        old.replaced_by = issued.key
        old.save(update_fields=["expires_at", "replaced_by"])
        _record("api_key.rotated", old, {"prefix": old.prefix, "successor": issued.key.prefix})
    return issued


def revoke_api_key(key_id: int, *, merchant_id: int, reason: str = "") -> ApiKey:
    """Refuse a key from now on; revoking it again changes nothing.

    Raises:
        ApiKey.DoesNotExist: the merchant has no such key.
    """
    with scope.merchant(merchant_id):
        key = ApiKey.objects.select_for_update().get(id=key_id)
        if key.revoked_at is None:
            key.revoked_at = timezone.now()
            key.save(update_fields=["revoked_at"])
            _record("api_key.revoked", key, {"prefix": key.prefix}, reason=reason)
    return key


def authenticate_api_key(text: str, *, address: str) -> ApiKey:
    """Recognise a key that somebody presents from an address.

    Takes as long for an unknown prefix as for a wrong secret.

    Raises:
        KeyRefused: it is unknown, wrong, expired, revoked, or not for this address.
    """
    match = SHAPE.fullmatch(text)
    if match is None:
        raise KeyRefused("this is not an API key: it reads ek_live_... or ek_test_...")
    mode, prefix, secret = match.groups()
    now = timezone.now()
    with scope.system():
        key = ApiKey.objects.filter(prefix=prefix, mode=mode).first()
        known = bytes(key.secret_hash) if key else _NOBODYS_HASH
        is_right = hmac.compare_digest(known, _hash(secret))
        if key is None or not is_right:
            raise KeyRefused("the API key is unknown")
        _refuse_unless_valid(key, address, now)
        if key.last_used_at is None or now - key.last_used_at > LAST_USED_PRECISION:
            ApiKey.objects.filter(id=key.id).update(last_used_at=now)
    return key


def _refuse_unless_valid(key: ApiKey, address: str, now: datetime) -> None:
    if key.revoked_at:
        raise KeyRefused(f"API key {key.prefix} was revoked")
    if key.expires_at and key.expires_at <= now:
        raise KeyRefused(f"API key {key.prefix} has expired: use its successor or make another")
    if key.allowed_addresses and not _is_among(address, key.allowed_addresses):
        raise KeyRefused(f"API key {key.prefix} is not for the address {address}")


def _is_among(address: str, networks: Iterable[str]) -> bool:
    try:
        place = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(place, ipaddress.IPv6Address) and place.ipv4_mapped:
        place = place.ipv4_mapped
    return any(place in ipaddress.ip_network(network) for network in networks)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _record(name: str, key: ApiKey, data: dict[str, object], reason: str = "") -> None:
    outbox.record(
        name,
        merchant_id=key.merchant_id,
        mode=key.mode,
        subject=("api_key", key.id),
        data=data,
        reason=reason,
    )
