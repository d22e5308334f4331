"""`entrepot users create` lets a person sign in."""

import json

import pytest

from entrepot.access import scope
from entrepot.access.models import Membership, Merchant, User
from tests.cli.shell import run


def test_a_person_can_sign_in_with_a_role_at_a_new_merchant(database: str) -> None:
    done = run(
        "users create Zoe@Example.org --name Zoë --role owner --json --password-stdin"
        " --merchant atelier --merchant-name 'Atelier Łódź'",
        given="correct horse 電池\n",
    )

    assert done.code == 0, done.err
    told = json.loads(done.out)
    with scope.system():
        user = User.objects.get()
        assert told == {
            "id": user.id,
            "email": "zoe@example.org",
            "merchant": "atelier",
            "role": "owner",
        }
        assert (user.email, user.name, user.is_staff) == ("zoe@example.org", "Zoë", False)
        assert user.check_password("correct horse 電池")
        membership = Membership.objects.select_related("merchant").get()
        assert (membership.user_id, membership.role) == (user.id, "owner")
        assert (membership.merchant.code, membership.merchant.name) == ("atelier", "Atelier Łódź")


def test_there_are_roles_and_no_administrators(merchant: Merchant) -> None:
    done = run(
        "users create a@example.org --name A --merchant nordlicht --administrator --password-stdin",
        given="correct horse battery\n",
    )

    assert (done.code, done.out) == (2, "")
    assert "No such option '--administrator'" in done.err
    with scope.system():
        assert User.objects.count() == 0


def test_an_unknown_merchant_is_refused_and_nobody_is_made(merchant: Merchant) -> None:
    done = run(
        "users create a@example.org --name A --merchant nordlcht --password-stdin",
        given="correct horse battery\n",
    )

    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "entrepot: there is no merchant 'nordlcht' (known: nordlicht): --merchant-name sets it up\n"
    )
    with scope.system():
        assert User.objects.count() == 0


def test_a_weak_password_makes_neither_person_nor_merchant(database: str) -> None:
    done = run(
        "users create a@example.org --name A --password-stdin"
        " --merchant atelier --merchant-name Atelier",
        given="12345\n",
    )

    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("entrepot: cannot take this password: ")
    with scope.system():
        assert (User.objects.count(), Merchant.objects.count()) == (0, 0)


def test_an_address_is_taken_once(merchant: Merchant) -> None:
    command = "users create {} --name A --merchant nordlicht --password-stdin"
    assert run(command.format("a@example.org"), given="correct horse battery\n").code == 0

    again = run(command.format("A@example.org"), given="another horse battery\n")

    assert again.code == 1
    assert again.err == (
        "entrepot: cannot create A@example.org: somebody has that address; an owner of nordlicht"
        " lets them in by a link, under Settings\n"
    )
    with scope.system():
        assert User.objects.get().check_password("correct horse battery")


@pytest.mark.parametrize("address", ["nonsense", "zoë@example.org", "a b@example.org"])
def test_what_is_no_address_is_refused(merchant: Merchant, address: str) -> None:
    done = run(
        f"users create '{address}' --name A --merchant nordlicht --password-stdin",
        given="correct horse battery\n",
    )

    assert (done.code, done.out) == (1, "")
    assert done.err == f"entrepot: cannot create {address}: it is no e-mail address\n"
    with scope.system():
        assert User.objects.count() == 0


def test_without_a_terminal_nobody_is_asked_for_a_password(merchant: Merchant) -> None:
    done = run("users create a@example.org --name A --merchant nordlicht")

    assert done.code == 1
    assert done.err == (
        "entrepot: cannot ask for a password without a terminal: use --password-stdin\n"
    )
