"""A copy is proven, restores whole, and lets nothing out until somebody says so."""

import json
from pathlib import Path

import pytest

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.monitoring import installation
from entrepot.monitoring.installation import Place
from tests.cli.shell import run

HERE = Place(public_url="https://hub.moewe.example", folder=None, host="keller-1")


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


def test_adopting_lets_effects_go_on(merchant: Merchant) -> None:
    run("adopt --json")
    installation.pause_installation(HERE, reason="restored from Sicherung.dump")

    told = json.loads(run("adopt --json").out.splitlines()[-1])

    assert told == {"was_paused": "restored from Sicherung.dump"}
    installation.forget()
    with scope.system():
        assert installation.effects_paused_reason() == ""
