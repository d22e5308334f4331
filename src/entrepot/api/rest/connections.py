"""Connections: a merchant's accounts on platforms, without their secrets."""

import secrets as randomness
from typing import Any

from django.db.models import QuerySet
from ninja import Query, Router

from entrepot.access import scope as access_scope
from entrepot.api import customer_tokens
from entrepot.api.caller import ApiRequest, Caller
from entrepot.api.errors import not_found
from entrepot.api.operations import operation
from entrepot.api.paging import Id, Listed, page_of
from entrepot.api.rest.connection_shapes import (
    ChangedConnection,
    ConnectionFilter,
    ConnectionShape,
    GoLive,
    NewConnection,
    PlatformShape,
    SecretShape,
    TestShape,
)
from entrepot.api.rest.order_parts import shaped
from entrepot.api.rest.shapes import Because
from entrepot.canon.orders import Mode
from entrepot.connect.errors import ConnectorError
from entrepot.connect.registry import platform, platforms
from entrepot.connections import pings, queries, services
from entrepot.connections.models import Connection
from entrepot.connections.states import Status

router = Router(tags=["connections"])


@operation(
    router,
    "GET",
    path="/platforms",
    scope="connections:read",
    answers=Listed[PlatformShape],
    summary="List platforms",
)
def list_platforms(request: ApiRequest) -> Listed[PlatformShape]:
    """Everything that can be connected, with the settings that each asks for."""
    del request  # the same for all
    return Listed[PlatformShape].model_construct(
        data=[
            PlatformShape.model_construct(
                code=code,
                name=one.manifest.name,
                kinds=sorted(one.manifest.kinds),
                capabilities=sorted(one.manifest.capabilities),
                settings=[
                    {
                        "name": setting.name,
                        "type": setting.type,
                        "label": setting.label,
                        "help": setting.help,
                        "choices": list(setting.choices),
                        "is_required": setting.is_required,
                        "default": setting.default,
                    }
                    for setting in one.manifest.settings
                ],
                docs_url=one.manifest.docs_url,
            )
            for code, one in platforms().items()
        ],
        next=None,
    )


@operation(
    router,
    "GET",
    path="/connections",
    scope="connections:read",
    answers=Listed[ConnectionShape],
    summary="List connections",
)
def list_connections(
    request: ApiRequest, asked: Query[ConnectionFilter]
) -> Listed[ConnectionShape]:
    """Accounts of the key's mode, the newest first, removed ones included."""
    rows = _mine(request.auth)
    if asked.platform:
        rows = rows.filter(platform=asked.platform)
    if asked.status:
        rows = rows.filter(status=asked.status)
    found, follows = page_of(rows, asked)
    return Listed[ConnectionShape].model_construct(
        data=[connection_shape(row, request.auth) for row in found], next=follows
    )


@operation(
    router,
    "POST",
    path="/connections",
    scope="connections:write",
    answers=ConnectionShape,
    status=201,
    summary="Connect an account",
    calls_outside=True,
)
def add_connection(request: ApiRequest, asked: NewConnection) -> ConnectionShape:
    """Tested first, unless `is_tested` is false; then it observes until somebody lets it go live.

    An account that was removed is resumed, with its history.
    """
    caller = request.auth
    platform(asked.platform)
    add = pings.connect if asked.is_tested else services.add_connection
    connection = add(
        caller.merchant_id,
        platform=asked.platform,
        mode=Mode(caller.mode),
        name=asked.name,
        settings=dict(asked.settings),
        code=asked.code,
    )
    with access_scope.merchant(caller.merchant_id):
        return _again(caller, connection.id)


@operation(
    router,
    "GET",
    path="/connections/{connection_id}",
    scope="connections:read",
    answers=ConnectionShape,
    summary="Read a connection",
)
def get_connection(request: ApiRequest, connection_id: Id) -> ConnectionShape:
    """One account."""
    return _again(request.auth, connection_id)


@operation(
    router,
    "PATCH",
    path="/connections/{connection_id}",
    scope="connections:write",
    answers=ConnectionShape,
    summary="Change a connection",
)
def change_connection(
    request: ApiRequest, connection_id: Id, asked: ChangedConnection
) -> ConnectionShape:
    """Settings are checked by the platform's manifest; new secrets replace the old ones."""
    found_connection(request.auth, connection_id)
    mine = {"merchant_id": request.auth.merchant_id}
    told = asked.model_dump(exclude_unset=True)
    settings, name = told.pop("settings", None), told.pop("name", None)
    if settings is not None or name is not None:
        services.change_settings(connection_id, **mine, settings=settings or {}, name=name)
    if told:
        services.change_policy(connection_id, **mine, changes=told)
    return _again(request.auth, connection_id)


@operation(
    router,
    "POST",
    path="/connections/{connection_id}/test",
    scope="connections:write",
    answers=TestShape,
    summary="Test a connection",
    calls_outside=True,
)
def test_connection(request: ApiRequest, connection_id: Id) -> TestShape:
    """The cheapest call that proves the credentials; a refusal makes it misconfigured."""
    caller = request.auth
    with access_scope.merchant(caller.merchant_id):
        found_connection(caller, connection_id)
    try:
        result = pings.ping_connection(
            connection_id, merchant_id=caller.merchant_id, is_person=True
        )
    except (ConnectorError, services.AccountTaken) as error:
        return TestShape(is_accepted=False, message=str(error))
    return TestShape(
        is_accepted=True,
        message=f"{result.name or 'it'} accepts the credentials",
        identity=result.identity,
        warnings=list(result.warnings),
    )


@operation(
    router,
    "POST",
    path="/connections/{connection_id}/go-live",
    scope="connections:write",
    answers=ConnectionShape,
    summary="Let a connection go live",
)
def go_live(request: ApiRequest, connection_id: Id, asked: GoLive) -> ConnectionShape:
    """Its effects reach outside, for what was placed since then; what was before is history."""
    found_connection(request.auth, connection_id)
    services.go_live(
        connection_id,
        merchant_id=request.auth.merchant_id,
        reason=asked.reason,
        since=asked.since,
    )
    return _again(request.auth, connection_id)


@operation(
    router,
    "POST",
    path="/connections/{connection_id}/observe",
    scope="connections:write",
    answers=ConnectionShape,
    summary="Let a connection only observe",
)
def observe(request: ApiRequest, connection_id: Id, asked: Because) -> ConnectionShape:
    """It shows what it would do; what happens until the next go-live is history."""
    return _move(request, connection_id, asked, services.observe)


def _move(request: ApiRequest, connection_id: int, asked: Because, move: Any) -> ConnectionShape:
    found_connection(request.auth, connection_id)
    move(connection_id, merchant_id=request.auth.merchant_id, reason=asked.reason)
    return _again(request.auth, connection_id)


@operation(
    router,
    "POST",
    path="/connections/{connection_id}/pause",
    scope="effects:pause",
    answers=ConnectionShape,
    summary="Pause a connection",
)
def pause(request: ApiRequest, connection_id: Id, asked: Because) -> ConnectionShape:
    """Stops its effects at once and loses nothing; reading goes on."""
    return _move(request, connection_id, asked, services.pause)


@operation(
    router,
    "POST",
    path="/connections/{connection_id}/resume",
    scope="effects:pause",
    answers=ConnectionShape,
    summary="Resume a connection",
)
def resume(request: ApiRequest, connection_id: Id, asked: Because) -> ConnectionShape:
    """What was held back happens now."""
    return _move(request, connection_id, asked, services.resume)


@operation(
    router,
    "POST",
    path="/connections/{connection_id}/archive",
    scope="connections:write",
    answers=ConnectionShape,
    summary="Remove a connection",
)
def archive(request: ApiRequest, connection_id: Id, asked: Because) -> ConnectionShape:
    """Its history stays, its address is gone, its secrets expire now."""
    return _move(request, connection_id, asked, services.archive)


@operation(
    router,
    "POST",
    path="/connections/{connection_id}/customer-token-secret",
    scope="connections:write",
    answers=SecretShape,
    status=201,
    summary="Make the secret that signs customers' tokens",
)
def make_customer_secret(request: ApiRequest, connection_id: Id) -> SecretShape:
    """With it the shop signs tokens for its own customers (HS256), for the documented interfaces.

    The former secret stays valid for a day.
    """
    found_connection(request.auth, connection_id)
    secret = randomness.token_urlsafe(32)
    services.rotate_secret(
        connection_id,
        merchant_id=request.auth.merchant_id,
        name=customer_tokens.SECRET_NAME,
        text=secret,
    )
    return SecretShape(secret=secret, key_id=str(connection_id))


def found_connection(caller: Caller, connection_id: int) -> Connection:
    """A connection of the caller's merchant and mode; runs in the open scope.

    Raises:
        Problem: 404.
    """
    row = _mine(caller).filter(id=connection_id).first()
    if row is None:
        raise not_found(f"connection {connection_id}")
    return row


def connection_shape(row: Connection, caller: Caller) -> ConnectionShape:
    """One connection; secrets are not among its settings.

    Where a platform signs nothing, whoever knows the address may deliver: readers are not told.
    """
    is_told = "connections:write" in caller.scopes and row.status != Status.ARCHIVED
    is_outside = not platform(row.platform).manifest.is_built_in
    return shaped(
        ConnectionShape, row, hook_url=queries.hook_url(row) if is_told and is_outside else ""
    )


def _mine(caller: Caller) -> QuerySet[Connection]:
    return Connection.objects.filter(merchant_id=caller.merchant_id, mode=caller.mode)


def _again(caller: Caller, connection_id: int) -> ConnectionShape:
    return connection_shape(found_connection(caller, connection_id), caller)
