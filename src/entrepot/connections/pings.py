"""Asks a platform whether our credentials work, and records the answer. Never in a transaction."""

from django.conf import settings as django_settings

from entrepot.access import scope
from entrepot.canon.orders import Mode
from entrepot.connect import registry
from entrepot.connect.errors import ConnectorError, Misconfigured, PrivateAddress
from entrepot.connect.http import Http
from entrepot.connect.ports import Account, PingResult
from entrepot.connections import credentials, doors, faults, services
from entrepot.connections.fields import check_settings
from entrepot.connections.models import Connection, FormerToken
from entrepot.connections.states import Status
from entrepot.database import clock


def ping_connection(connection_id: int, *, merchant_id: int, is_person: bool = False) -> PingResult:
    """Make the cheapest call that proves the credentials, and move the connection accordingly.

    The first success tells which account it is. Credentials of another account, or of the other
    mode, make it misconfigured like refused ones; a success brings it back to where it was, unless
    a person has to ask for it (faults.py).

    Raises:
        Misconfigured: the platform refused, or they belong elsewhere; it is recorded.
        PrivateAddress: this process may not ask there; nothing changed.
        AccountTaken: the account is connected already; it is recorded.
        ConnectorError: nothing was proved, and nothing changed.
    """
    with scope.merchant(merchant_id):
        connection = Connection.objects.get(id=connection_id, merchant_id=merchant_id)
    try:
        result = doors.client(connection_id, priority="people").ping()
        must_fit(connection, result)
        accept_ping(connection_id, merchant_id=merchant_id, result=result, is_person=is_person)
    except PrivateAddress:
        raise  # our own settings say so, and the platform was not asked
    except (Misconfigured, services.AccountTaken) as error:
        faults.refuse_ping(connection_id, merchant_id=merchant_id, reason=str(error))
        raise
    return result


def probe(platform: str, *, mode: Mode, settings: dict[str, object]) -> PingResult:
    """Try settings before anything is stored, for a form's button or a first connection.

    Raises:
        BadSettings: they do not even fit the manifest.
        ConnectorError: the platform refused or did not answer.
    """
    one = registry.platform(platform)
    plain, secrets = check_settings(one.manifest, settings)
    values = {setting.name: setting.default for setting in one.manifest.settings}
    account = Account(mode=mode, settings={**values, **plain, **secrets})
    http = Http(
        one.base_url(account),
        priority="people",
        allow_private=django_settings.ALLOW_PRIVATE_ADDRESSES,
    )
    return one.client(http, account).ping()


def connect(
    merchant_id: int,
    *,
    platform: str,
    mode: Mode,
    name: str,
    settings: dict[str, object],
    code: str = "",
) -> Connection:
    """Probe an account, then add it under its own identity, or resume it if it was archived.

    Raises:
        BadSettings: with every fault.
        Misconfigured: the platform refused the credentials, or they are of the other mode.
        ConnectorError: the platform did not answer; use `services.add_connection` to add it unseen.
        AccountTaken: it is connected already.
    """
    result = probe(platform, mode=mode, settings=settings)
    if result.mode not in {None, mode}:
        raise _of_other_mode(mode, result)
    connection = services.add_connection(
        merchant_id,
        platform=platform,
        mode=mode,
        name=name or result.name,
        settings=settings,
        code=code,
        identity=result.identity,
    )
    return accept_ping(connection.id, merchant_id=merchant_id, result=result)


def accept_ping(
    connection_id: int, *, merchant_id: int, result: PingResult, is_person: bool = False
) -> Connection:
    """Record that the platform took our credentials: identity kept, a fault mended.

    A connection that was just added and turns out to be an archived one's account is folded into
    that one, which is returned; the new one is archived, and its address keeps working.

    Raises:
        AccountTaken: the account is connected already.
    """
    with services.locked(connection_id, merchant_id) as connection:
        account = services.account_name(connection.platform, result.identity)
        if account and not connection.account:
            old = services.of_account(
                merchant_id, connection.platform, mode=Mode(connection.mode), account=account
            )
            if old is not None and old.status != Status.ARCHIVED:
                raise services.AccountTaken(old)
            if old is not None:
                return _fold(connection, into=old)
            connection.account = account
        connection.last_ping_at = clock.now()
        connection.save(update_fields=["account", "last_ping_at"])
        faults.go_on(connection, is_person=is_person)
        services.tell_edges(connection)
    return connection


def must_fit(connection: Connection, result: PingResult) -> None:
    """Refuse credentials of another account or of the other mode, by raising Misconfigured."""
    if result.mode not in {None, connection.mode}:
        raise _of_other_mode(Mode(connection.mode), result)
    account = services.account_name(connection.platform, result.identity)
    if connection.account and account and account != connection.account:
        raise Misconfigured(
            f"these credentials belong to {result.identity}, not to"
            f" {connection.account.partition(':')[2]}: add that account as a connection of its own"
        )


def _of_other_mode(mode: Mode, result: PingResult) -> ConnectorError:
    return Misconfigured(f"these are {result.mode} credentials, and the connection is for {mode}")


def _fold(new: Connection, *, into: Connection) -> Connection:
    opened = credentials.newest_of(credentials.valid_credentials([new.id]).get(new.id, ()))
    services.archive(
        new.id,
        merchant_id=new.merchant_id,
        reason=f"the same account as {into.code}, which was resumed",
    )
    new.refresh_from_db()
    FormerToken.objects.create(merchant_id=into.merchant_id, connection=into, token=new.token)
    new.token = services.new_token()
    new.save(update_fields=["token"])
    services.restore(into, name=new.name, settings=new.settings, new_secrets=opened)
    into.last_ping_at = clock.now()
    into.save(update_fields=["last_ping_at"])
    return into
