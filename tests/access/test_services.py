"""Merchants, people and roles."""

import pytest
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.test import RequestFactory

from entrepot.access import queries, scope, services
from entrepot.access.models import Membership, Merchant, User
from entrepot.access.permissions import ROLE_SCOPES, SCOPES, NotAllowed, require, scopes_of
from entrepot.access.states import Role
from entrepot.events.models import Event
from entrepot.events.outbox import because


def test_an_address_is_one_person_whatever_its_capitals(database: str) -> None:
    user = services.create_user(email=" Žofie@Example.COM ", name="Žofie Nováková")

    with pytest.raises(IntegrityError):
        services.create_user(email="žofie@example.com", name="Somebody else")

    assert user.email == "žofie@example.com"
    assert User.objects.get_by_natural_key("ŽOFIE@example.com") == user
    assert User.objects.count() == 1


def test_a_person_signs_in_with_the_password_and_not_without(database: str) -> None:
    services.create_user(email="mia@example.com", name="Mia", password="Kornblume-1932")
    services.create_user(email="ben@example.com", name="Ben")

    request = RequestFactory().post("/sign-in/")
    assert authenticate(request, username="MIA@example.com", password="Kornblume-1932") is not None
    assert authenticate(request, username="mia@example.com", password="kornblume-1932") is None
    assert authenticate(request, username="ben@example.com", password="") is None


def test_a_weak_password_makes_nobody(database: str) -> None:
    with pytest.raises(ValidationError):
        services.create_user(email="mia@example.com", name="Mia", password="password")

    assert User.objects.count() == 0


def test_a_role_is_granted_once_and_says_who_did_it(merchant: Merchant) -> None:
    user = services.create_user(email="mia@example.com", name="Mia")

    with because(actor="user:77"):
        services.grant_role(user.id, merchant_id=merchant.id, role=Role.SUPPORT)
        services.grant_role(user.id, merchant_id=merchant.id, role=Role.SUPPORT)
        services.grant_role(user.id, merchant_id=merchant.id, role=Role.WAREHOUSE)

    assert [(m.merchant.code, m.role) for m in queries.memberships_of(user.id)] == [
        ("nordlicht", "warehouse")
    ]
    with scope.merchant(merchant.id):
        events = Event.objects.filter(name="user.role_granted").order_by("id")
        assert [(e.actor, e.data) for e in events] == [
            ("user:77", {"role": "support"}),
            ("user:77", {"role": "warehouse"}),
        ]


def test_the_last_owner_stays(merchant: Merchant) -> None:
    user = services.create_user(email="mia@example.com", name="Mia")
    second = services.create_user(email="ben@example.com", name="Ben")
    services.grant_role(user.id, merchant_id=merchant.id, role=Role.OWNER)
    services.grant_role(second.id, merchant_id=merchant.id, role=Role.VIEWER)

    with pytest.raises(services.LastOwner):
        services.revoke_role(user.id, merchant_id=merchant.id)
    with pytest.raises(services.LastOwner):
        services.grant_role(user.id, merchant_id=merchant.id, role=Role.SUPPORT)

    services.grant_role(second.id, merchant_id=merchant.id, role=Role.OWNER)
    services.revoke_role(user.id, merchant_id=merchant.id)
    with scope.merchant(merchant.id):
        assert list(Membership.objects.values_list("user_id", "role")) == [(second.id, "owner")]


def test_a_person_may_do_at_a_merchant_only_what_the_role_there_allows(
    merchant: Merchant, other_merchant: Merchant
) -> None:
    user = services.create_user(email="mia@example.com", name="Mia")
    services.grant_role(user.id, merchant_id=merchant.id, role=Role.WAREHOUSE)

    roles = {one.merchant_id: Role(one.role) for one in queries.memberships_of(user.id)}

    assert roles == {merchant.id: Role.WAREHOUSE}
    assert other_merchant.id not in roles
    here = scopes_of(roles[merchant.id])
    assert here == ROLE_SCOPES[Role.WAREHOUSE]
    require("fulfillment:write", here)
    with pytest.raises(NotAllowed, match="refunds:write"):
        require("refunds:write", here)
    with pytest.raises(NotAllowed):
        require("no:such:scope", {*here, "no:such:scope"})


def test_roles_have_only_scopes_that_exist_and_only_owners_have_all() -> None:
    assert set(ROLE_SCOPES) == set(Role)
    for role, scopes in ROLE_SCOPES.items():
        assert scopes <= set(SCOPES)
        assert (scopes == set(SCOPES)) is (role == Role.OWNER)
    assert "users:write" not in ROLE_SCOPES[Role.OPERATOR]
    assert "personal_data:read" not in ROLE_SCOPES[Role.VIEWER]
