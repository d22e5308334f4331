"""Connections come, change, go live, stop and go; effects are paused and resumed."""

import re
import secrets as randomness
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from entrepot.access import scope
from entrepot.canon.orders import Mode
from entrepot.connect import registry
from entrepot.connections import credentials, doors
from entrepot.connections.fields import check_settings
from entrepot.connections.models import Connection, EffectPause, FormerToken
from entrepot.connections.states import EffectFlow, Status, Step
from entrepot.database import clock, sql
from entrepot.events import outbox

# Edges remember connections for a few seconds; this channel carries the id of one that changed.
CHANGED_CHANNEL = "entrepot_connections"
USUAL_OVERLAP = timedelta(hours=24)

STOPPED = "stopped"  # what `scope.once` calls the stop of a flow


class AccountTaken(Exception):
    """The same account at the platform is connected already."""

    def __init__(self, other: Connection) -> None:
        super().__init__(
            f"this account is connected already as {other.code} ({other.name}): change that"
            " connection, or archive it first"
        )
        self.connection_id = other.id


def add_connection(
    merchant_id: int,
    *,
    platform: str,
    mode: Mode,
    name: str,
    settings: Mapping[str, Any],
    code: str = "",
    identity: str = "",
) -> Connection:
    """Connect an account; it observes until somebody lets it go live.

    `settings` holds the secrets as well; they are stored apart and sealed. `identity` is the
    platform's own name of the account where a ping has told it; a connection of that account that
    was archived is resumed, with its history and its address.

    Raises:
        UnknownPlatform: no such folder.
        BadSettings: with every fault.
        AccountTaken: another connection that is not archived is that account.
    """
    manifest = registry.platform(platform).manifest
    plain, new_secrets = check_settings(manifest, settings)
    with scope.merchant(merchant_id):
        account = account_name(platform, identity)
        old = of_account(merchant_id, platform, mode=mode, account=account)
        if old is not None and old.status != Status.ARCHIVED:
            raise AccountTaken(old)
        if old is not None:
            return restore(old, name=name, settings=plain, new_secrets=new_secrets)
        connection = Connection.objects.create(
            merchant_id=merchant_id,
            platform=platform,
            mode=mode,
            name=name.strip() or manifest.name,
            code=_free_code(merchant_id, code or f"{platform}-{mode}"),
            account=account,
            token=new_token(),
            settings=plain,
        )
        credentials.keep(connection, new_secrets)
        _record(connection, "connection.added", data={"platform": platform})
        tell_edges(connection)
    return connection


def change_settings(
    connection_id: int, *, merchant_id: int, settings: Mapping[str, Any], name: str | None = None
) -> Connection:
    """Save a connection's form; a blank secret stays as it is, an absent setting too.

    The same values again change nothing. New secrets replace the old ones at once, except those
    that sign deliveries, which stay valid for a day.

    Raises:
        BadSettings: with every fault; nothing was saved.
    """
    with locked(connection_id, merchant_id) as connection:
        manifest = registry.platform(connection.platform).manifest
        known = credentials.newest_of(
            credentials.valid_credentials([connection.id]).get(connection.id, ())
        )
        plain, new_secrets = check_settings(
            manifest, settings, kept=connection.settings, kept_secrets=frozenset(known)
        )
        changed = [key for key, value in plain.items() if connection.settings.get(key) != value]
        changed += [key for key, text in new_secrets.items() if known.get(key) != text]
        if name is not None and name.strip() and name.strip() != connection.name:
            connection.name = name.strip()
            changed.append("name")
        if not changed:
            return connection
        connection.settings = plain
        connection.settings_version += 1
        connection.recovered_at = None  # what a ping proved, it proved of the former ones
        connection.save(update_fields=["settings", "settings_version", "name", "recovered_at"])
        signing = {n: t for n, t in new_secrets.items() if n in credentials.SIGNING_NAMES}
        credentials.keep(connection, signing, overlap=USUAL_OVERLAP)
        credentials.keep(connection, {n: t for n, t in new_secrets.items() if n not in signing})
        _record(connection, "connection.changed", data={"fields": sorted(changed)})
        tell_edges(connection)
    return connection


def change_policy(
    connection_id: int, *, merchant_id: int, changes: Mapping[str, Any]
) -> Connection:
    """Set some of the merchant's choices for a connection; None takes one away."""
    with locked(connection_id, merchant_id) as connection:
        policy = {**connection.policy, **changes}
        policy = {key: value for key, value in policy.items() if value is not None}
        changed = sorted(k for k in changes if connection.policy.get(k) != policy.get(k))
        if not changed:
            return connection
        connection.policy = policy
        connection.settings_version += 1
        connection.save(update_fields=["policy", "settings_version"])
        _record(connection, "connection.changed", data={"fields": changed})
        tell_edges(connection)
    return connection


def rotate_secret(
    connection_id: int,
    *,
    merchant_id: int,
    name: str,
    text: str,
    overlap: timedelta = USUAL_OVERLAP,
) -> Connection:
    """Replace one secret; the old one still verifies deliveries for `overlap`.

    The secret that is current already changes nothing. `name` is a secret setting of the manifest
    or `credentials.WEBHOOK_SIGNING`.
    """
    with locked(connection_id, merchant_id) as connection:
        known = credentials.newest_of(
            credentials.valid_credentials([connection.id]).get(connection.id, ())
        )
        if known.get(name) == text:
            return connection
        credentials.keep(connection, {name: text}, overlap=overlap)
        connection.recovered_at = None
        connection.save(update_fields=["recovered_at"])
        _record(connection, "connection.changed", data={"fields": [name]})
        tell_edges(connection)
    return connection


def rotate_token(connection_id: int, *, merchant_id: int) -> Connection:
    """Give a connection another address; deliveries to the former one keep arriving."""
    with locked(connection_id, merchant_id) as connection:
        FormerToken.objects.create(
            merchant_id=merchant_id, connection=connection, token=connection.token
        )
        connection.token = new_token()
        connection.save(update_fields=["token"])
        _record(connection, "connection.changed", data={"fields": ["token"]})
        tell_edges(connection)
    return connection


def go_live(
    connection_id: int, *, merchant_id: int, reason: str = "", since: datetime | None = None
) -> Connection:
    """Let effects reach outside, for orders placed since now or an instant that somebody chose.

    A connection that is live already keeps its instant.

    Raises:
        IllegalStep: it is paused, misconfigured or archived.
    """
    with locked(connection_id, merchant_id) as connection:
        if connection.status == Status.LIVE:
            return connection
        connection.live_since = since or clock.now()
        connection.save(update_fields=["live_since"])
        connection.take(Step.GO_LIVE, reason=reason or "a person pressed Go live")
        doors.forget(connection.id)
    return connection


def observe(connection_id: int, *, merchant_id: int, reason: str) -> Connection:
    """Back to showing what would be done. What happens until the next go-live is history."""
    with locked(connection_id, merchant_id) as connection:
        if connection.status != Status.OBSERVING:
            connection.live_since = None
            connection.save(update_fields=["live_since"])
            connection.take(Step.OBSERVE, reason=reason)
            tell_edges(connection)
    return connection


def pause(connection_id: int, *, merchant_id: int, reason: str) -> Connection:
    """Stop all effects of a connection; nothing is lost, and reading goes on."""
    return _step(connection_id, merchant_id, Step.PAUSE, Status.PAUSED, reason)


def resume(connection_id: int, *, merchant_id: int, reason: str) -> Connection:
    """End a pause; the go-live instant stays, so what was held back happens now."""
    return _step(connection_id, merchant_id, Step.RESUME, Status.LIVE, reason)


def archive(connection_id: int, *, merchant_id: int, reason: str) -> Connection:
    """Remove a connection: its history stays, its address is gone, its secrets expire now."""
    with locked(connection_id, merchant_id) as connection:
        if connection.status == Status.ARCHIVED:
            return connection
        _archive(connection, reason=reason)
    return connection


def pause_effects(
    merchant_id: int,
    *,
    mode: Mode,
    connection_id: int | None = None,
    flow: EffectFlow | str = "",
    reason: str,
    by: str,
    is_fuse: bool = False,
) -> EffectPause:
    """Stop outside effects at once: of one connection, one flow, or (neither given) all of them.

    What would happen waits and is lost in no way. The same stop again is the stop there is.
    """
    with scope.merchant(merchant_id):
        standing = EffectPause.objects.filter(
            merchant_id=merchant_id,
            mode=mode,
            connection_id=connection_id,
            flow=flow,
            resumed_at__isnull=True,
        ).first()
        if standing is not None:
            return standing
        stop = EffectPause.objects.create(
            merchant_id=merchant_id,
            mode=mode,
            connection_id=connection_id,
            flow=flow,
            reason=reason,
            is_fuse=is_fuse,
            paused_by=by,
        )
        _record_stop(stop, "connection.paused", reason=reason)
    return stop


def resume_effects(pause_id: int, *, merchant_id: int, by: str, reason: str = "") -> EffectPause:
    """End a stop; ending it again changes nothing."""
    with scope.merchant(merchant_id):
        stop = EffectPause.objects.select_for_update().get(id=pause_id, merchant_id=merchant_id)
        if stop.resumed_at is not None:
            return stop
        stop.resumed_at, stop.resumed_by = clock.now(), by
        stop.save(update_fields=["resumed_at", "resumed_by"])
        _record_stop(stop, "connection.resumed", reason=reason)
    return stop


def account_name(platform: str, identity: str) -> str:
    """How an account is named in the hub: the platform and its own identity, in lower case."""
    return f"{platform}:{identity.strip().lower()}" if identity.strip() else ""


def new_token() -> str:
    """The unguessable part of a connection's address: 192 random bits."""
    return randomness.token_urlsafe(24)


@contextmanager
def locked(connection_id: int, merchant_id: int) -> Iterator[Connection]:
    """Hold one connection of a merchant until the end of the scope."""
    with scope.merchant(merchant_id):
        yield Connection.objects.select_for_update().get(id=connection_id, merchant_id=merchant_id)


def _step(
    connection_id: int, merchant_id: int, step: Step, target: Status, reason: str
) -> Connection:
    with locked(connection_id, merchant_id) as connection:
        if connection.status != target:
            connection.take(step, reason=reason)
            tell_edges(connection)
    return connection


def of_account(merchant_id: int, platform: str, *, mode: Mode, account: str) -> Connection | None:
    """The connection of an account, archived or not, locked; None where there is none."""
    if not account:
        return None
    return (
        Connection.objects.select_for_update()
        .filter(merchant_id=merchant_id, platform=platform, mode=mode, account=account)
        .first()
    )


def restore(
    old: Connection, *, name: str, settings: dict[str, Any], new_secrets: dict[str, str]
) -> Connection:
    """Bring an archived connection back; the row must be locked.

    Its go-live instant is forgotten: what was sold meanwhile must not ship on the next one.
    """
    old.name = name.strip() or old.name
    old.settings = settings
    old.settings_version += 1
    old.live_since = None
    old.refused_in_a_row = 0
    old.save(
        update_fields=["name", "settings", "settings_version", "live_since", "refused_in_a_row"]
    )
    credentials.keep(old, new_secrets)
    old.take(Step.RESTORE, reason="the same account was connected again")
    tell_edges(old)
    return old


def _archive(connection: Connection, *, reason: str) -> None:
    connection.take(Step.ARCHIVE, reason=reason)
    credentials.retire(connection, at=clock.now())
    tell_edges(connection)


def _free_code(merchant_id: int, wanted: str) -> str:
    wanted = re.sub(r"[^a-z0-9]+", "-", wanted.lower()).strip("-") or "connection"
    taken = set(
        Connection.objects.filter(merchant_id=merchant_id, code__startswith=wanted).values_list(
            "code", flat=True
        )
    )
    if wanted not in taken:
        return wanted
    return next(f"{wanted}-{n}" for n in count(2) if f"{wanted}-{n}" not in taken)


def _record(connection: Connection, name: str, *, data: dict[str, object]) -> None:
    outbox.record(
        name,
        merchant_id=connection.merchant_id,
        mode=connection.mode,
        subject=("connection", connection.id),
        data=data,
    )


def _record_stop(stop: EffectPause, name: str, *, reason: str) -> None:
    scope.forget(STOPPED)
    subject = ("merchant", stop.merchant_id)
    if stop.connection_id is not None:
        subject = ("connection", stop.connection_id)
    outbox.record(
        name,
        merchant_id=stop.merchant_id,
        mode=stop.mode,
        subject=subject,
        data={"flow": stop.flow or "all", "pause_id": stop.id, "is_fuse": stop.is_fuse},
        reason=reason,
    )


def tell_edges(connection: Connection) -> None:
    """Have edges read the connection anew once this is committed; calls of this process too."""
    doors.forget(connection.id)
    sql.run("SELECT pg_notify(%s, %s)", [CHANGED_CHANNEL, str(connection.id)])
