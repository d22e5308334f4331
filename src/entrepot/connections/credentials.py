"""A connection's secrets: sealed when they are kept, opened only for a call or a verification."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from entrepot.access import crypto
from entrepot.connections.models import Connection, Credential
from entrepot.database import clock

# A secret that the hub made, or was told when it registered its webhooks.
WEBHOOK_SIGNING = "webhook_signing"
# The secret setting under which a manifest asks for a signing secret made at the platform.
WEBHOOK_SECRET = "webhook_secret"  # noqa: S105 -- a name, not a secret
# A secret that was offered to a platform which may have taken it: a registration is under way.
WEBHOOK_OFFERED = "webhook_offered"
SIGNING_NAMES = (WEBHOOK_SECRET, WEBHOOK_SIGNING, WEBHOOK_OFFERED)
PURPOSE = "credential"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedCredential:
    """One secret in clear, only ever in memory."""

    connection_id: int
    name: str
    text: str
    created_at: datetime
    expires_at: datetime | None

    def __repr__(self) -> str:
        return f"{self.name} of connection {self.connection_id}"


def valid_credentials(connection_ids: Iterable[int]) -> dict[int, list[OpenedCredential]]:
    """Secrets that are valid now, by connection; the newest first within each name."""
    rows = Credential.objects.filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=clock.now()),
        connection_id__in=list(connection_ids),
    ).order_by("connection_id", "name", "-id")
    found: dict[int, list[OpenedCredential]] = {}
    for row in rows:
        found.setdefault(row.connection_id, []).append(
            OpenedCredential(
                connection_id=row.connection_id,
                name=row.name,
                text=crypto.decrypt(PURPOSE, bytes(row.sealed)).decode(),
                created_at=row.created_at,
                expires_at=row.expires_at,
            )
        )
    return found


def newest_of(credentials: Iterable[OpenedCredential]) -> dict[str, str]:
    """The current secret of each name."""
    newest: dict[str, str] = {}
    for credential in credentials:
        newest.setdefault(credential.name, credential.text)
    return newest


def signing_secrets(credentials: Iterable[OpenedCredential]) -> tuple[str, ...]:
    """What may have signed a delivery, current secrets before those that rotate out."""
    mine = [credential for credential in credentials if credential.name in SIGNING_NAMES]
    mine.sort(key=lambda credential: credential.expires_at is not None)
    return tuple(dict.fromkeys(credential.text for credential in mine))


def keep(
    connection: Connection, secrets: Mapping[str, str], *, overlap: timedelta = timedelta(0)
) -> None:
    """Store new secrets; those of the same names are valid for `overlap` longer.

    A secret that is stored already changes nothing.
    """
    known = newest_of(valid_credentials([connection.id]).get(connection.id, ()))
    changed = {name: text for name, text in secrets.items() if known.get(name) != text}
    if not changed:
        return
    retire(connection, changed, at=clock.now() + overlap)
    Credential.objects.bulk_create(
        Credential(
            merchant_id=connection.merchant_id,
            connection=connection,
            name=name,
            sealed=crypto.encrypt(PURPOSE, text.encode()),
        )
        for name, text in sorted(changed.items())
    )


def retire(connection: Connection, names: Iterable[str] | None = None, *, at: datetime) -> None:
    """Let the secrets of some names (or all) expire, no later than they would anyway."""
    rows = Credential.objects.filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=at), connection=connection
    )
    if names is not None:
        rows = rows.filter(name__in=list(names))
    rows.update(expires_at=at)
