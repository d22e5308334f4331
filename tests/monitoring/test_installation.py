"""A copied, moved or restored database lets nothing out until a person has said so."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.connections.effects import effects_allowed
from entrepot.connections.states import EffectFlow
from entrepot.database import sql
from entrepot.events.models import Event
from entrepot.monitoring import installation
from entrepot.monitoring.installation import Place
from entrepot.monitoring.models import Installation
from tests.notifications.sales import make_storefront

URL = "https://hub.moewe.example"


@pytest.fixture(autouse=True)
def _remembers_nothing(merchant: Merchant) -> Iterator[None]:
    installation.forget()
    yield
    installation.forget()


def place(folder: Path | None, *, host: str = "keller-1", url: str = URL) -> Place:
    return Place(public_url=url, folder=folder, host=host)


def allowed(merchant: Merchant) -> bool:
    with scope.merchant(merchant.id):
        storefront = make_storefront(merchant)
        return effects_allowed(storefront, EffectFlow.MAILS).is_allowed


def test_the_first_start_writes_its_identity_down(merchant: Merchant, tmp_path: Path) -> None:
    reasons = [installation.begin(place(tmp_path)), installation.begin(place(tmp_path))]

    assert reasons == ["", ""]
    with scope.system():
        known = Installation.objects.get()
    assert (tmp_path / "identity").read_text().split()[0] == str(known.identity)
    assert allowed(merchant)


@pytest.mark.parametrize(
    ("_case", "folder", "moved", "words"),
    [
        ("the data folder is another's", "other", ("keller-1", URL), "another installation"),
        ("it was moved to another host", "same", ("keller-2", URL), "from keller-1 to keller-2"),
        ("the address is another", "same", ("keller-1", "https://neu.example"), "the address"),
        ("a copy on a laptop", "same", ("keller-1", "http://127.0.0.1:8000"), "the address"),
    ],
)
def test_another_place_pauses_all_effects_until_adopted(
    merchant: Merchant,
    tmp_path: Path,
    _case: str,
    folder: str,
    moved: tuple[str, str],
    words: str,
) -> None:
    installation.begin(place(tmp_path / "same"))
    there = place(tmp_path / folder, host=moved[0], url=moved[1])

    reason = installation.begin(there)

    assert words in reason
    assert not allowed(merchant)
    assert installation.begin(there) == reason  # a restart does not heal it

    installation.adopt(there, by="user:1", reason="it replaces the old one")

    assert allowed(merchant)
    assert installation.begin(there) == ""
    with scope.merchant(merchant.id):
        event = Event.objects.get(merchant_id=merchant.id, name="installation.adopted")
    assert (event.actor, event.reason) == ("user:1", "it replaces the old one")


def test_a_copied_data_folder_pauses_on_the_same_host_until_adopted(
    merchant: Merchant, tmp_path: Path
) -> None:
    original, copy = tmp_path / "data", tmp_path / "copy"
    original.mkdir()
    assert installation.begin(place(original)) == ""
    shutil.copytree(original, copy)

    reason = installation.begin(place(copy))

    assert reason == "the data folder is a copy: the original may still run"
    assert not allowed(merchant)
    installation.adopt(place(copy), by="user:1", reason="the original is gone")
    assert installation.begin(place(copy)) == ""
    assert allowed(merchant)


def test_a_renamed_data_folder_is_the_same(merchant: Merchant, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    installation.begin(place(tmp_path / "data"))
    (tmp_path / "data").rename(tmp_path / "daten")

    assert installation.begin(place(tmp_path / "daten")) == ""


def test_a_restore_into_another_server_pauses_every_node(
    merchant: Merchant, tmp_path: Path
) -> None:
    node = place(None, host="")
    installation.begin(node)
    with scope.system():
        sql.run("UPDATE monitoring_installation SET database = '7/1'")

    reason = installation.begin(node)

    assert "restored or copied" in reason
    assert not allowed(merchant)


def test_a_trial_on_this_machine_may_change_its_port(merchant: Merchant, tmp_path: Path) -> None:
    installation.begin(place(tmp_path, url="http://127.0.0.1:8000"))

    assert installation.begin(place(tmp_path, url="http://localhost:9000")) == ""
    assert installation.begin(place(tmp_path, url=URL)) == ""
    assert installation.begin(place(tmp_path, url="http://127.0.0.1:8000")) != ""


def test_a_restore_pauses_what_it_restored(merchant: Merchant, tmp_path: Path) -> None:
    installation.begin(place(tmp_path))
    assert allowed(merchant)

    installation.pause_installation(place(tmp_path), reason="restored from a backup of yesterday")

    with scope.merchant(merchant.id):
        verdict = effects_allowed(make_storefront(merchant), EffectFlow.SUBMISSIONS)
    assert verdict.reason == "restored from a backup of yesterday"


def test_a_backup_is_noted(merchant: Merchant, tmp_path: Path) -> None:
    installation.begin(place(tmp_path))

    installation.note_backup()

    with scope.system():
        assert Installation.objects.get().last_backup_at is not None


def test_this_process_knows_its_place(tmp_path: Path) -> None:
    here = Place.here(public_url=URL, folder=tmp_path)
    node = Place.here(public_url=URL, folder=None)

    assert here.host != ""
    assert node.host == ""


def test_a_copy_of_a_hub_that_never_ran_is_paused_as_well(
    merchant: Merchant, tmp_path: Path
) -> None:
    with scope.system():
        Installation.objects.all().delete()

    installation.pause_installation(place(tmp_path), reason="restored from Sicherung.dump")

    with scope.system():
        assert installation.effects_paused_reason() == "restored from Sicherung.dump"
    assert installation.begin(place(tmp_path)) == "restored from Sicherung.dump"
