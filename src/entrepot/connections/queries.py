"""What is known of connections: for pages, for calls, and for the edge."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from entrepot.access import scope
from entrepot.canon.orders import Mode
from entrepot.connect.manifest import Manifest
from entrepot.connect.ports import Account, Secrets
from entrepot.connect.registry import platform, platforms
from entrepot.connections import credentials
from entrepot.connections.models import (
    CallRecord,
    Connection,
    EffectPause,
    FormerToken,
)
from entrepot.connections.states import Status
from entrepot.database import reading

# More connections than this cannot share one documented address: each would have to be tried.
MOST_FOR_ALIAS = 50


def connection_of(connection_id: int) -> Connection:
    """A connection as the open transaction first saw it."""
    return scope.once(
        "connection", connection_id, read=lambda: reading.one(Connection, connection_id)
    )


def calls_per_minute(connection: Connection) -> int:
    """How many calls its account takes, 0 for no limit; the merchant's word comes first."""
    limit = connection.policy.get("calls_per_minute", manifest_of(connection).rate_limit)
    return int(limit)


def manifest_of(connection: Connection) -> Manifest:
    """What the connection's platform says about itself."""
    return platform(connection.platform).manifest


def account_of(connection: Connection) -> Account:
    """The connection as its connector sees it, its secrets in clear. Runs in an open scope."""
    opened = credentials.valid_credentials([connection.id]).get(connection.id, [])
    return account_with(connection, credentials.newest_of(opened))


def settings_of(connection: Connection) -> dict[str, Any]:
    """Its settings without secrets; the platform's defaults where nothing was said."""
    defaults = {setting.name: setting.default for setting in manifest_of(connection).settings}
    return {**defaults, **connection.settings}


def account_with(connection: Connection, secrets: dict[str, str]) -> Account:
    """The account made of a connection and secrets that are open already."""
    values = settings_of(connection)
    known = {name: text for name, text in secrets.items() if name in values}
    return Account(
        mode=Mode(connection.mode),
        settings=values | known,
        identity=connection.account.removeprefix(f"{connection.platform}:"),
    )


def hook_url(connection: Connection) -> str:
    """The address that platforms deliver to; whoever knows it may deliver where nothing signs."""
    return f"{settings.PUBLIC_URL}/hooks/{connection.token}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiving:
    """All that the edge needs to know of a connection to verify and store a delivery.

    `tokens` are those of its address, the current one first; rotated ones keep finding it.
    """

    connection_id: int
    merchant_id: int
    mode: str
    platform: str
    code: str
    tokens: tuple[str, ...]
    secrets: Secrets
    signs: bool
    refused_in_a_row: int


def receiving_by_tokens(tokens: Iterable[str]) -> dict[str, Receiving]:
    """The connections with these tokens in their addresses. For the system's scope.

    Archived ones and unknown tokens are left out.
    """
    wanted = list(tokens)
    former = dict(
        FormerToken.objects.filter(token__in=wanted).values_list("token", "connection_id")
    )
    current = dict(Connection.objects.filter(token__in=wanted).values_list("token", "id"))
    ids = {**former, **current}
    by_id = {
        one.connection_id: one for one in _receiving(Connection.objects.filter(id__in=ids.values()))
    }
    return {token: by_id[ids[token]] for token in ids if ids[token] in by_id}


def receiving_by_alias(alias: str) -> list[Receiving]:
    """The connections that a documented address may stand for, at most `MOST_FOR_ALIAS` + 1.

    For the system's scope. Empty when no platform has the alias.
    """
    codes = [one.code for one in platforms().values() if alias in one.manifest.webhook_aliases]
    if not codes:
        return []
    rows = Connection.objects.filter(platform__in=codes).order_by("id")
    return _receiving(rows)[: MOST_FOR_ALIAS + 1]


def _receiving(rows: QuerySet[Connection]) -> list[Receiving]:
    found = list(rows.exclude(status=Status.ARCHIVED)[: MOST_FOR_ALIAS + 1])
    ids = [row.id for row in found]
    opened = credentials.valid_credentials(ids)
    former: dict[int, list[str]] = {}
    for connection_id, token in FormerToken.objects.filter(connection_id__in=ids).values_list(
        "connection_id", "token"
    ):
        former.setdefault(connection_id, []).append(token)
    return [
        Receiving(
            connection_id=row.id,
            merchant_id=row.merchant_id,
            mode=row.mode,
            platform=row.platform,
            code=row.code,
            tokens=(row.token, *former.get(row.id, ())),
            secrets=_secrets(row, opened.get(row.id, []), former.get(row.id, [])),
            signs=platform(row.platform).manifest.signs_webhooks,
            refused_in_a_row=row.refused_in_a_row,
        )
        for row in found
    ]


def _secrets(
    connection: Connection,
    opened: Iterable[credentials.OpenedCredential],
    former_tokens: Iterable[str],
) -> Secrets:
    """Platforms that sign nothing prove themselves by the address: its tokens are their secrets."""
    if platform(connection.platform).manifest.signs_webhooks:
        signing = credentials.signing_secrets(opened)
    else:
        signing = tuple(former_tokens)
    return Secrets(signing=signing, path_token=connection.token)


def live_connections(*, kind: str = "", capability: str = "") -> list[Connection]:
    """Connections that are not archived and whose platform is of a kind or can do something.

    In a merchant's scope those of the merchant, in the system's those of all.
    """
    codes = [
        code
        for code, one in platforms().items()
        if (not kind or kind in one.manifest.kinds)
        and (not capability or one.manifest.can(capability))
    ]
    rows = Connection.objects.filter(platform__in=codes).exclude(status=Status.ARCHIVED)
    return list(rows.order_by("id"))


def recent_calls(
    connection_id: int, *, limit: int = 50, before_id: int | None = None
) -> list[CallRecord]:
    """What was said to the platform, the newest first."""
    rows = CallRecord.objects.filter(connection_id=connection_id)
    if before_id is not None:
        rows = rows.filter(id__lt=before_id)
    return list(rows.order_by("-id")[:limit])


def open_pauses(*, mode: str = "") -> list[EffectPause]:
    """Stops that nobody has ended, the oldest first."""
    rows = EffectPause.objects.filter(resumed_at__isnull=True).order_by("id")
    return list(rows.filter(mode=mode) if mode else rows)
