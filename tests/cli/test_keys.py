"""`entrepot keys` makes, shows and revokes the keys of programs."""

import json

import pytest

from entrepot.access import scope
from entrepot.access.keys import KeyRefused, authenticate_api_key
from entrepot.access.models import Merchant
from entrepot.access.queries import api_keys_of
from entrepot.events.models import Event
from tests.cli.shell import run


def test_a_key_is_shown_once_works_and_is_refused_when_revoked(merchant: Merchant) -> None:
    made = run(
        "keys create 'Lager Süd' --merchant nordlicht --days 30 --json"
        " --scope orders:write --scope orders:read --address 10.7.0.0/16"
    )
    assert made.code == 0, made.err
    told = json.loads(made.out)
    secret = told.pop("key")
    listed = run("keys list --merchant nordlicht --json")

    assert json.loads(listed.out) == [told]
    assert (told["name"], told["mode"], told["scopes"], told["allowed_addresses"]) == (
        "Lager Süd",
        "live",
        ["orders:read", "orders:write"],
        ["10.7.0.0/16"],
    )
    assert authenticate_api_key(secret, address="10.7.3.4").merchant_id == merchant.id

    revoked = run(f"keys revoke {told['prefix']} --merchant nordlicht --reason 'laptop lost'")

    assert revoked.code == 0, revoked.err
    with pytest.raises(KeyRefused, match="was revoked"):
        authenticate_api_key(secret, address="10.7.3.4")
    with scope.merchant(merchant.id):
        event = Event.objects.get(name="api_key.revoked")
    assert (event.actor, event.reason) == ("command_line", "laptop lost")


def test_people_get_the_key_alone_on_standard_output(merchant: Merchant) -> None:
    made = run("keys create till --merchant nordlicht --scope orders:read --test")

    assert made.code == 0, made.err
    assert authenticate_api_key(made.out.strip(), address="127.0.0.1").mode == "test"
    assert made.err == "This is the only time that the key is shown.\n"


def test_a_list_of_nothing_says_so_in_one_line_and_not_to_programs(merchant: Merchant) -> None:
    for what in ("key", "connection"):
        listed = run(f"{what}s list --merchant nordlicht")
        told = run(f"{what}s list --merchant nordlicht --json")

        assert (listed.code, listed.out) == (0, f"nordlicht has no {what} yet.\n")
        assert (told.code, told.out) == (0, "[]\n")


def test_a_list_for_people_shows_state_and_scopes_and_no_secret(merchant: Merchant) -> None:
    secret = run("keys create till --merchant nordlicht --scope orders:read").out.strip()
    prefix = secret.split("_")[2]

    listed = run("keys list --merchant nordlicht")

    assert listed.out == f"{prefix}  live     till  (orders:read; never used)\n"
    assert secret not in listed.out


@pytest.mark.parametrize(
    ("_case", "command", "told"),
    [
        (
            "an unknown scope",
            "create till --merchant nordlicht --scope orders:burn",
            "entrepot: cannot make the key 'till': no such scope: orders:burn. Known: ",
        ),
        (
            "something that is no address",
            "create till --merchant nordlicht --scope orders:read --address nowhere",
            "entrepot: cannot make the key 'till': 'nowhere' does not appear to be an IPv4 or IPv6",
        ),
        (
            "an unknown merchant",
            "list --merchant nordlcht",
            "entrepot: there is no merchant 'nordlcht' (known: nordlicht)\n",
        ),
        (
            "an unknown key",
            "revoke 0123456789ab --merchant nordlicht",
            "entrepot: nordlicht has no key '0123456789ab': `entrepot keys list",
        ),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    _case: str, command: str, told: str, merchant: Merchant
) -> None:
    done = run(f"keys {command}")

    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(told)
    assert api_keys_of(merchant.id) == []
