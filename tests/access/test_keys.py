"""API keys: shown once, limited, rotated with an overlap, revoked."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import IntegrityError
from django.utils import timezone

from entrepot.access import keys, scope
from entrepot.access.models import ApiKey, Merchant
from entrepot.access.permissions import UnknownScope
from entrepot.database.rows import Mode
from entrepot.events.models import Event


def test_a_key_is_recognised_and_only_its_hash_is_kept(merchant: Merchant) -> None:
    issued = keys.create_api_key(
        merchant_id=merchant.id,
        name="Kasse Köln",
        scopes=["orders:write", "orders:read", "orders:read"],
        mode=Mode.TEST,
    )

    found = keys.authenticate_api_key(issued.secret, address="203.0.113.7")

    assert issued.secret.startswith(f"ek_test_{issued.key.prefix}_")
    assert (found.id, found.merchant_id, found.mode) == (issued.key.id, merchant.id, "test")
    assert found.scopes == ["orders:read", "orders:write"]
    with scope.merchant(merchant.id):
        kept = ApiKey.objects.get()
    assert issued.secret.split("_")[3].encode() not in bytes(kept.secret_hash)
    assert issued.secret not in repr(issued)


def _wrong_secret(secret: str) -> str:
    return secret[:-1] + ("0" if secret[-1] != "0" else "1")


@pytest.mark.parametrize(
    ("_case", "spoil"),
    [
        ("another secret", _wrong_secret),
        ("another prefix", lambda secret: secret[:8] + "0" * 12 + secret[20:]),
        ("the other mode", lambda secret: secret.replace("ek_live", "ek_test")),
        ("no key at all", lambda _: "hunter2"),
        ("nothing", lambda _: ""),
    ],
)
def test_what_is_not_exactly_the_key_is_refused(merchant: Merchant, _case: str, spoil) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    issued = keys.create_api_key(merchant_id=merchant.id, name="Kasse", scopes=["orders:read"])

    with pytest.raises(keys.KeyRefused):
        keys.authenticate_api_key(spoil(issued.secret), address="203.0.113.7")


@pytest.mark.parametrize(
    ("address", "is_allowed"),
    [
        ("203.0.113.7", True),
        ("::ffff:203.0.113.7", True),
        ("2001:db8::9", True),
        ("203.0.114.7", False),
        ("", False),
        ("not an address", False),
    ],
)
def test_a_key_works_from_its_addresses_only(
    merchant: Merchant, address: str, is_allowed: bool
) -> None:
    issued = keys.create_api_key(
        merchant_id=merchant.id,
        name="Kasse",
        scopes=["orders:read"],
        allowed_addresses=["203.0.113.0/24", "2001:db8::/32"],
    )

    if is_allowed:
        assert keys.authenticate_api_key(issued.secret, address=address).id == issued.key.id
        return
    with pytest.raises(keys.KeyRefused, match="not for the address"):
        keys.authenticate_api_key(issued.secret, address=address)


def test_rotation_leaves_the_old_key_working_for_the_overlap(merchant: Merchant) -> None:
    old = keys.create_api_key(
        merchant_id=merchant.id, name="Kasse", scopes=["orders:read"], rate_limit_per_minute=90
    )

    new = keys.rotate_api_key(old.key.id, merchant_id=merchant.id, overlap=timedelta(days=3))

    assert new.key.scopes == ["orders:read"]
    assert new.key.rate_limit_per_minute == 90
    for secret in (old.secret, new.secret):
        keys.authenticate_api_key(secret, address="203.0.113.7")
    with time_machine.travel(timezone.now() + timedelta(days=3, seconds=1)):
        keys.authenticate_api_key(new.secret, address="203.0.113.7")
        with pytest.raises(keys.KeyRefused, match="expired"):
            keys.authenticate_api_key(old.secret, address="203.0.113.7")
    with pytest.raises(keys.KeyRefused, match="was rotated"):
        keys.rotate_api_key(old.key.id, merchant_id=merchant.id)


def test_rotation_never_lengthens_a_life(merchant: Merchant) -> None:
    end = datetime(2032, 2, 29, 12, tzinfo=UTC)
    old = keys.create_api_key(
        merchant_id=merchant.id, name="Kasse", scopes=["orders:read"], expires_at=end
    )

    new = keys.rotate_api_key(old.key.id, merchant_id=merchant.id, overlap=timedelta(days=99_999))

    assert new.key.expires_at == end
    with scope.merchant(merchant.id):
        assert ApiKey.objects.get(id=old.key.id).expires_at == end


def test_revoking_twice_is_one_change_and_one_event(merchant: Merchant) -> None:
    issued = keys.create_api_key(merchant_id=merchant.id, name="Kasse", scopes=["orders:read"])

    first = keys.revoke_api_key(issued.key.id, merchant_id=merchant.id, reason="laptop lost")
    second = keys.revoke_api_key(issued.key.id, merchant_id=merchant.id)

    assert first.revoked_at == second.revoked_at
    with pytest.raises(keys.KeyRefused, match="revoked"):
        keys.authenticate_api_key(issued.secret, address="203.0.113.7")
    with scope.merchant(merchant.id):
        events = Event.objects.filter(subject_kind="api_key").order_by("id")
        assert list(events.values_list("name", "reason")) == [
            ("api_key.created", ""),
            ("api_key.revoked", "laptop lost"),
        ]


def test_another_merchants_key_is_as_if_it_did_not_exist(
    merchant: Merchant, other_merchant: Merchant
) -> None:
    issued = keys.create_api_key(merchant_id=merchant.id, name="Kasse", scopes=["orders:read"])

    with pytest.raises(ApiKey.DoesNotExist):
        keys.revoke_api_key(issued.key.id, merchant_id=other_merchant.id)
    with pytest.raises(ApiKey.DoesNotExist):
        keys.rotate_api_key(issued.key.id, merchant_id=other_merchant.id)

    keys.authenticate_api_key(issued.secret, address="203.0.113.7")


def test_a_link_to_another_merchants_key_is_refused_by_the_database(
    merchant: Merchant, other_merchant: Merchant
) -> None:
    ours = keys.create_api_key(merchant_id=merchant.id, name="Kasse", scopes=["orders:read"])
    theirs = keys.create_api_key(merchant_id=other_merchant.id, name="レジ", scopes=["orders:read"])

    with pytest.raises(IntegrityError, match="access_api_key_replaced_by_id_link"), scope.system():
        ApiKey.objects.filter(id=ours.key.id).update(replaced_by_id=theirs.key.id)


def test_last_use_is_written_once_a_minute(merchant: Merchant) -> None:
    issued = keys.create_api_key(merchant_id=merchant.id, name="Kasse", scopes=["orders:read"])
    begin = datetime(2031, 5, 4, 8, 0, tzinfo=UTC)

    for seconds in (0, 20, 59, 61):
        with time_machine.travel(begin + timedelta(seconds=seconds), tick=False):
            keys.authenticate_api_key(issued.secret, address="203.0.113.7")
        with scope.merchant(merchant.id):
            used_at = ApiKey.objects.get().last_used_at
        expected = begin + timedelta(seconds=61 if seconds == 61 else 0)
        assert used_at == expected, seconds


def test_a_scope_that_does_not_exist_makes_no_key(merchant: Merchant) -> None:
    with pytest.raises(UnknownScope, match="orders:burn"):
        keys.create_api_key(
            merchant_id=merchant.id, name="Kasse", scopes=["orders:read", "orders:burn"]
        )

    with scope.merchant(merchant.id):
        assert ApiKey.objects.count() == 0
