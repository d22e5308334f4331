"""What a command needs before it can work: the data folder, a database that runs, Django."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from entrepot.cli.failure import CommandFailed
from entrepot.cli.running import RunningHub
from entrepot.config.environment import Environment
from entrepot.config.loading import loading
from entrepot.database.embedded import EmbeddedServer

if TYPE_CHECKING:
    from entrepot.access.models import Merchant

SETTINGS = "entrepot.config.settings"
# What PostgreSQL says of a role or a database that is not there, or of another password.
REFUSED = ("password authentication failed", "does not exist")


def data_folder() -> Path:
    """Where this installation keeps its files, as an absolute path."""
    return Environment().folder("ENTREPOT_DATA", default=Path("data"))


def embedded_server() -> EmbeddedServer | None:
    """The embedded PostgreSQL of the data folder; None when `DATABASE_URL` names another one."""
    if Environment().text("DATABASE_URL", default=""):
        return None
    return EmbeddedServer(data_folder() / "postgres")


@contextmanager
def open_hub() -> Iterator[None]:
    """Make Django and the database of a hub usable for the block; see `open_database`.

    Raises:
        CommandFailed: no hub has run here, or its database does not let us in; with what to do.
    """
    server = embedded_server()
    if server is not None and not server.exists():
        raise CommandFailed(
            f"no hub has run in {data_folder()} yet: start one with `entrepot up`,"
            " or name its folder in ENTREPOT_DATA"
        )
    with open_database():
        _check_that_it_is_set_up()
        with _told_of_an_older_database():
            yield


@contextmanager
def open_database() -> Iterator[None]:
    """Make Django and the database server usable for the block, whatever is in the database.

    An embedded server that did not run is started, and stopped again afterwards unless a hub was
    started meanwhile that uses it.
    """
    _act_as_the_hub_does()
    server = embedded_server()
    started = server is not None and not server.is_running()
    if server is not None and started:
        server.start()
    try:
        set_up_django()
        from entrepot.events.outbox import because  # noqa: PLC0415 -- app not ready

        with because(actor="command_line"):
            yield
    finally:
        if server is not None and started and not RunningHub(data_folder()).is_running():
            server.stop()


def _act_as_the_hub_does() -> None:
    """Take from the hub that runs here what was not set for this command.

    Without it a command would refuse to call the simulators, or what is in our own network, and
    note that as a fault of the connection.
    """
    hub = RunningHub(data_folder())
    told = hub.whereabouts()
    if told is not None and hub.is_running():
        for name, value in told.settings().items():
            os.environ.setdefault(name, value)


def merchant_of(code: str) -> "Merchant":
    """The merchant of a code, inside an open hub.

    Raises:
        CommandFailed: there is none; the message names those that there are.
    """
    from entrepot.access.queries import all_merchants, merchant_by_code  # noqa: PLC0415 -- app not ready

    found = merchant_by_code(code)
    if found is None:
        known = ", ".join(sorted(merchant.code for merchant in all_merchants())[:20])
        raise CommandFailed(f"there is no merchant {code!r} (known: {known or 'none'})")
    return found


def merchant_or_only(code: str | None) -> "Merchant":
    """The merchant of a code; without one the only merchant that there is, inside an open hub.

    Raises:
        CommandFailed: there is none, or there are several to choose from.
    """
    from entrepot.access.queries import all_merchants  # noqa: PLC0415 -- app not ready

    if code is not None:
        return merchant_of(code)
    known = all_merchants()
    if len(known) != 1:
        names = ", ".join(sorted(merchant.code for merchant in known)[:20])
        raise CommandFailed(f"say which merchant with --merchant (known: {names or 'none'})")
    return known[0]


@contextmanager
def _told_of_an_older_database() -> Iterator[None]:
    """Say what to do where a command of this version meets the tables of an earlier one.

    Looked at only after the database has refused: to compare all migrations takes time.
    """
    from django.db import ProgrammingError  # noqa: PLC0415 -- app not ready

    from entrepot.config.readiness import Readiness  # noqa: PLC0415 -- app not ready
    from entrepot.database.router import SYSTEM  # noqa: PLC0415 -- likewise

    try:
        yield
    except ProgrammingError as error:
        faults = Readiness(SYSTEM).faults()
        if not faults:
            raise
        raise CommandFailed(
            f"the database is of an earlier version: {'; '.join(faults)}, then start the hub again"
        ) from error


def _check_that_it_is_set_up() -> None:
    from django.conf import settings  # noqa: PLC0415 -- app not ready

    from entrepot.database.router import SYSTEM  # noqa: PLC0415 -- app not ready
    from entrepot.database.urls import DatabaseUrl  # noqa: PLC0415 -- likewise

    url = str(DatabaseUrl.of_settings(settings.DATABASES[SYSTEM]))
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            found = connection.execute("SELECT to_regclass('access_merchant')").fetchone()
    except psycopg.OperationalError as error:
        words = " ".join(str(error).split())
        if not any(one in words for one in REFUSED):
            raise CommandFailed(f"the database does not answer: {words}") from error
    else:
        words = "" if found and found[0] else "it has no tables of a hub"
    if words:
        raise CommandFailed(
            f"the database is not set up for these settings: {words}. `entrepot migrate` sets it"
            " up; is ENTREPOT_SECRET_KEYS, or the file secret_keys of the data folder, the hub's?"
        )


def set_up_django() -> None:
    """Load the settings and every room; only after the embedded server has chosen its port."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)
    with loading():
        import django  # noqa: PLC0415 -- slow import

        django.setup()
