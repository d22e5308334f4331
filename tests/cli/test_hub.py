"""What a command says where there is no hub yet, or none that lets it in."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from entrepot.access.models import Merchant
from entrepot.cli.running import RunningHub, Whereabouts
from entrepot.database.embedded import EmbeddedServer
from tests.cli.shell import run, run_apart
from tests.surroundings import SECRET_KEY

COMMAND = "keys list --merchant acme"
SETTINGS_OF_A_COMMAND = """
from entrepot.cli.hub import open_database
with open_database():
    from django.conf import settings
    print(settings.PUBLIC_URL, settings.SANDBOX, settings.ALLOW_PRIVATE_ADDRESSES)
"""
EMPTY = "entrepot_not_set_up"


@pytest.fixture
def older_database(superuser_url: str) -> Iterator[None]:
    """This run's database as it was before the newest migration of connections."""
    table, column, former = "connections_connection", "webhooks_leased_until", "not_there_yet"
    was = ("connections", "0003_webhooks_leased")
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute(f"ALTER TABLE {table} RENAME COLUMN {column} TO {former}")
        connection.execute("DELETE FROM django_migrations WHERE app = %s AND name = %s", was)
        yield
        connection.execute(f"ALTER TABLE {table} RENAME COLUMN {former} TO {column}")
        connection.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, now())", was
        )


@pytest.fixture
def empty_database(superuser_url: str) -> Iterator[str]:
    """A database of this run's server in which nothing was set up."""
    head = superuser_url.rpartition("/")[0]
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {EMPTY}")
        yield f"{head}/{EMPTY}"
        connection.execute(f"DROP DATABASE {EMPTY} WITH (FORCE)")


def test_where_no_hub_ever_ran_none_is_made_by_asking(tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"

    code, out, err = run_apart(COMMAND, ENTREPOT_DATA=str(folder))

    assert (code, out) == (1, "")
    assert err == (
        f"entrepot: no hub has run in {folder} yet: start one with `entrepot up`,"
        " or name its folder in ENTREPOT_DATA\n"
    )
    assert not EmbeddedServer(folder / "postgres").exists()


def _settings_of_a_command(folder: Path, **variables: str) -> str:
    given = {name: value for name, value in os.environ.items() if name.startswith("DATABASE_")}
    environment = {"PATH": os.environ["PATH"], "ENTREPOT_DATA": str(folder), **given, **variables}
    return subprocess.run(
        [sys.executable, "-c", SETTINGS_OF_A_COMMAND],
        env={**environment, "ENTREPOT_SECRET_KEYS": SECRET_KEY},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def test_a_command_beside_a_hub_acts_as_the_hub_does(tmp_path: Path) -> None:
    hub = RunningHub(tmp_path)
    assert hub.claim()
    hub.announce(
        Whereabouts(
            pid=os.getpid(),
            address="http://127.0.0.1:8123",
            sandbox="http://127.0.0.1:8124",
            allows_private=True,
        )
    )

    beside = _settings_of_a_command(tmp_path)
    told = _settings_of_a_command(tmp_path, ENTREPOT_ALLOW_PRIVATE_ADDRESSES="0")
    hub.release()
    alone = _settings_of_a_command(tmp_path)

    assert beside == "http://127.0.0.1:8123 True True"
    assert told == "http://127.0.0.1:8123 True False"
    assert alone.endswith(" False False")


@pytest.mark.parametrize(
    ("_case", "key", "why"),
    [
        ("no tables", SECRET_KEY, "has no tables of a hub"),
        ("roles of another key", "ab" * 32, "password authentication failed for user"),
    ],
)
def test_a_database_that_is_not_set_up_is_named_in_one_line(
    empty_database: str, tmp_path: Path, _case: str, key: str, why: str
) -> None:
    code, out, err = run_apart(
        COMMAND,
        ENTREPOT_DATA=str(tmp_path),
        DATABASE_URL=empty_database,
        ENTREPOT_SECRET_KEYS=key,
    )

    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert err.startswith("entrepot: the database is not set up for these settings: ")
    assert why in err
    assert "`entrepot migrate`" in err
    assert "ENTREPOT_SECRET_KEYS" in err


def test_a_database_that_does_not_answer_is_named_in_one_line(tmp_path: Path) -> None:
    code, out, err = run_apart(
        COMMAND,
        ENTREPOT_DATA=str(tmp_path),
        DATABASE_URL="postgresql://entrepot_owner:wrong@127.0.0.1:1/entrepot",
    )

    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert err.startswith("entrepot: the database does not answer: ")
    assert "port 1" in err
    assert "wrong" not in err


def test_a_database_of_an_earlier_version_is_named_with_what_brings_it_up_to_date(
    merchant: Merchant, older_database: None
) -> None:
    code, out, err = run("connections list --merchant nordlicht")

    assert (code, out) == (1, "")
    assert err == (
        "entrepot: the database is of an earlier version: one migration is not applied,"
        " connections.0003_webhooks_leased: run `entrepot migrate`, then start the hub again\n"
    )
