"""`entrepot users create` lets a person sign in."""

import json
import subprocess
import sys

from entrepot.access import scope
from entrepot.access.models import Membership, Merchant, User


def run(*words: str, password: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "entrepot", "users", "create", *words],
        input=password,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_person_can_sign_in_with_a_role_at_a_new_merchant(database: str) -> None:
    done = run(
        *("Zoë@Example.org", "--name", "Zoë", "--role", "owner", "--json", "--password-stdin"),
        *("--merchant", "atelier", "--merchant-name", "Atelier Łódź"),
        password="correct horse 電池\n",
    )

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    with scope.system():
        user = User.objects.get()
        assert told == {
            "id": user.id,
            "email": "zoë@example.org",
            "merchant": "atelier",
            "role": "owner",
        }
        assert (user.email, user.name, user.is_staff) == ("zoë@example.org", "Zoë", False)
        assert user.check_password("correct horse 電池")
        membership = Membership.objects.select_related("merchant").get()
        assert (membership.user_id, membership.role) == (user.id, "owner")
        assert (membership.merchant.code, membership.merchant.name) == ("atelier", "Atelier Łódź")


def test_an_unknown_merchant_is_refused_and_nobody_is_made(merchant: Merchant) -> None:
    done = run(
        *("a@example.org", "--name", "A", "--merchant", "nordlcht", "--password-stdin"),
        password="correct horse battery\n",
    )

    assert done.returncode == 1
    assert done.stderr == (
        "entrepot: there is no merchant 'nordlcht' (known: nordlicht): --merchant-name sets it up\n"
    )
    with scope.system():
        assert User.objects.count() == 0


def test_a_weak_password_makes_neither_person_nor_merchant(database: str) -> None:
    done = run(
        *("a@example.org", "--name", "A", "--password-stdin"),
        *("--merchant", "atelier", "--merchant-name", "Atelier"),
        password="12345\n",
    )

    assert done.returncode == 1
    assert done.stderr.startswith("entrepot: cannot take this password: ")
    with scope.system():
        assert (User.objects.count(), Merchant.objects.count()) == (0, 0)


def test_an_address_is_taken_once(merchant: Merchant) -> None:
    words = ("a@example.org", "--name", "A", "--merchant", "nordlicht", "--password-stdin")
    assert run(*words, password="correct horse battery\n").returncode == 0

    again = run("A@example.org", *words[1:], password="another horse battery\n")

    assert again.returncode == 1
    assert again.stderr == "entrepot: cannot create A@example.org: somebody has that address\n"
    with scope.system():
        assert User.objects.get().check_password("correct horse battery")
