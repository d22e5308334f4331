"""A copy is proven, restores whole, and lets nothing out until somebody says so."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.database.embedded import EmbeddedServer
from entrepot.monitoring import installation
from entrepot.monitoring.installation import Place
from tests.cli.shell import run, run_apart
from tests.connections.accounts import a_shop
from tests.surroundings import SECRET_KEY

HERE = Place(public_url="https://hub.moewe.example", folder=None, host="keller-1")


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """A data folder of its own; what an embedded server leaves elsewhere is removed."""
    folder = tmp_path / "restored"
    yield folder
    EmbeddedServer(folder / "postgres").stop()
    place = folder / "postgres" / "place"
    if place.exists():
        shutil.rmtree(place.read_text())


@pytest.fixture
def copy(merchant: Merchant, tmp_path: Path) -> Path:
    path = tmp_path / "hub.dump"
    answer = run(f"backup {path} --json")
    assert answer.err == ""
    assert json.loads(answer.out.splitlines()[-1])["rows"] > 0
    return path


def test_a_backup_is_proven_and_says_that_the_keys_are_kept_apart(copy: Path) -> None:
    assert copy.stat().st_mode & 0o777 == 0o600
    assert not list(copy.parent.glob(".*unproven"))


def test_a_restore_refuses_a_database_that_is_not_empty(copy: Path) -> None:
    answer = run(f"restore {copy}")

    assert answer.code == 1
    assert "name an empty one" in answer.err


def test_a_restore_without_the_keys_of_its_hub_is_refused_before_it_begins(
    copy: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "restored"

    done = run_apart(f"restore {copy}", ENTREPOT_DATA=str(folder), ENTREPOT_SECRET_KEYS="")

    assert (done.code, done.out, len(done.err.splitlines())) == (1, "", 1)
    assert f"Put its file secret_keys into {folder}" in done.err
    assert "--new-keys" in done.err
    assert not (folder / "secret_keys").exists()
    assert not (folder / "postgres").exists()


@pytest.mark.journey
@pytest.mark.timeout(180)
def test_a_copy_is_restored_with_its_keys_and_told_apart_from_one_with_others(
    merchant: Merchant, scratch: Path, tmp_path: Path
) -> None:
    a_shop(merchant)
    copy = tmp_path / "hub.dump"
    assert run(f"backup {copy}").code == 0
    keys = scratch / "secret_keys"
    keys.parent.mkdir()
    keys.write_text("ab" * 32)
    surroundings = {"ENTREPOT_DATA": str(scratch), "ENTREPOT_SECRET_KEYS": ""}

    with_others = run_apart(f"restore {copy}", **surroundings)
    keys.write_text(SECRET_KEY)
    migrated = run_apart("migrate --quiet", **surroundings)
    shown = run_apart("connections list --merchant nordlicht", **surroundings)
    reconciled = run_apart("reconcile --json", **surroundings)

    assert (with_others.code, with_others.out) == (1, "")
    assert "is restored, but the secret keys here do not open" in with_others.err
    assert (migrated.code, migrated.out) == (0, "")
    assert shown.out.split()[:4] == ["woocommerce-live", "woocommerce", "live", "observing"]
    assert json.loads(reconciled.out)["failed"] == []


def test_other_keys_do_not_open_what_is_sealed(merchant: Merchant) -> None:
    assert installation.opens_what_is_sealed()
    a_shop(merchant)

    assert installation.opens_what_is_sealed()
    with override_settings(SECRET_KEYS=[b"\xab" * 32]):
        assert not installation.opens_what_is_sealed()
    with override_settings(SECRET_KEYS=[b"\xab" * 32, bytes.fromhex(SECRET_KEY)]):
        assert installation.opens_what_is_sealed()


def test_adopting_lets_effects_go_on(merchant: Merchant) -> None:
    run("adopt --json")
    installation.pause_installation(HERE, reason="restored from Sicherung.dump")

    told = json.loads(run("adopt --json").out.splitlines()[-1])

    assert told == {"was_paused": "restored from Sicherung.dump"}
    installation.forget()
    with scope.system():
        assert installation.effects_paused_reason() == ""
