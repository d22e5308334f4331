"""Two merchants invite one person: each link is good for its own merchant and role, and no more."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from entrepot.access import invitations, scope, services
from entrepot.access.models import Membership, Merchant, User
from entrepot.access.signing import BadToken
from entrepot.access.states import Role
from entrepot.database import sql
from entrepot.events.models import Event

PASSWORD = "Strandgut am 3."
_WAITERS = "SELECT count(*) FROM pg_locks WHERE NOT granted"


@pytest.fixture
def person(merchant: Merchant) -> User:
    """Somebody whom the first merchant invited, and who never set a password."""
    made = services.invite(merchant.id, email="jo@hafen.example", name="Jo", role=Role.WAREHOUSE)
    return made.user


def roles() -> dict[int, str]:
    with scope.system():
        return dict(Membership.objects.values_list("merchant_id", "role"))


def asked_to_join(person: User, merchant: Merchant, role: Role) -> str:
    with pytest.raises(services.HasAccount):
        services.invite(merchant.id, email=person.email, name="Jo", role=role)
    return invitations.join_token(person.id, merchant_id=merchant.id, role=role)


def test_the_first_password_accepts_no_other_merchants_role(
    merchant: Merchant, other_merchant: Merchant, person: User
) -> None:
    first = invitations.password_token(person.id, merchant_id=merchant.id)
    second = asked_to_join(person, other_merchant, Role.OWNER)

    with pytest.raises(BadToken):
        invitations.accept_invitation(second, signed_in=None, password=PASSWORD)
    invitations.use_link(first, PASSWORD)

    assert roles() == {merchant.id: Role.WAREHOUSE}
    with pytest.raises(BadToken):
        invitations.accept_invitation(second, signed_in=None, password="Ebbe bei Vollmond")
    invitations.accept_invitation(second, signed_in=person.id)
    assert roles() == {merchant.id: Role.WAREHOUSE, other_merchant.id: Role.OWNER}
    person.refresh_from_db()
    assert person.check_password(PASSWORD)


def test_of_two_links_for_somebody_who_works_for_nobody_one_sets_the_password(
    merchant: Merchant, other_merchant: Merchant, person: User
) -> None:
    services.revoke_role(person.id, merchant_id=merchant.id)
    first = asked_to_join(person, merchant, Role.VIEWER)
    second = asked_to_join(person, other_merchant, Role.OWNER)

    invitations.accept_invitation(first, signed_in=None, password=PASSWORD)
    with pytest.raises(BadToken, match="sign in as the person"):
        invitations.accept_invitation(second, signed_in=None, password="Ebbe bei Vollmond")

    assert roles() == {merchant.id: Role.VIEWER}


def test_of_two_links_that_are_used_at_once_one_sets_the_password(
    merchant: Merchant, other_merchant: Merchant, person: User
) -> None:
    services.revoke_role(person.id, merchant_id=merchant.id)
    first = asked_to_join(person, merchant, Role.VIEWER)
    second = asked_to_join(person, other_merchant, Role.OWNER)

    def use_the_second() -> None:
        try:
            invitations.accept_invitation(second, signed_in=None, password="Ebbe bei Vollmond")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with scope.system():
            invitations.accept_invitation(first, signed_in=None, password=PASSWORD)
            using = pool.submit(use_the_second)
            while not sql.fetch_value(_WAITERS):
                assert not using.done()
        with pytest.raises(BadToken, match="sign in as the person"):
            using.result(timeout=60)

    assert roles() == {merchant.id: Role.VIEWER}
    person.refresh_from_db()
    assert person.check_password(PASSWORD)


def test_a_link_to_join_is_told_as_what_it_is(
    merchant: Merchant, other_merchant: Merchant, person: User
) -> None:
    invitations.password_token(person.id, merchant_id=merchant.id)
    asked_to_join(person, other_merchant, Role.SUPPORT)

    with scope.system():
        told = Event.objects.filter(name__endswith="_link_made").order_by("id")
        assert list(told.values_list("merchant_id", "name", "data")) == [
            (merchant.id, "user.password_link_made", {"takes_factor_off": False}),
            (other_merchant.id, "user.join_link_made", {"role": "support"}),
        ]
