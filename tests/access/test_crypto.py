"""Sealed columns, keyed hashes and signed links, with keys that rotate."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django.fixtures import Settings

from entrepot.access import crypto, signing

OLD, NEW = bytes(range(32)), bytes(range(100, 132))


def use_keys(settings: Settings, *keys: bytes) -> None:
    settings.SECRET_KEYS = list(keys)
    settings.SECRET_KEY = keys[0].hex()
    settings.SECRET_KEY_FALLBACKS = [key.hex() for key in keys[1:]]


def test_a_value_opens_for_its_purpose_and_context_only() -> None:
    sealed = crypto.encrypt("connection credentials", "geheim ✓".encode(), context=b"41")

    assert b"geheim" not in sealed
    assert crypto.decrypt("connection credentials", sealed, context=b"41") == "geheim ✓".encode()
    for purpose, context in (("connection credentials", b"42"), ("email address", b"41")):
        with pytest.raises(crypto.CannotDecrypt, match=purpose):
            crypto.decrypt(purpose, sealed, context=context)


def test_a_changed_or_cut_value_does_not_open() -> None:
    sealed = crypto.encrypt("email address", b"mia@example.com")

    for spoiled in (sealed[:-1], sealed[:5], b"", sealed[:-1] + bytes([sealed[-1] ^ 1])):
        with pytest.raises(crypto.CannotDecrypt):
            crypto.decrypt("email address", spoiled)


def test_the_same_value_is_sealed_differently_each_time() -> None:
    assert crypto.encrypt("email address", b"x") != crypto.encrypt("email address", b"x")


def test_old_values_open_and_are_found_after_a_rotation(settings: Settings) -> None:
    use_keys(settings, OLD)
    sealed, hashed = crypto.encrypt("email address", b"x"), crypto.keyed_hash("email", "x")

    use_keys(settings, NEW, OLD)

    assert crypto.decrypt("email address", sealed) == b"x"
    assert crypto.keyed_hashes("email", "x") == [crypto.keyed_hash("email", "x"), hashed]


def test_a_value_whose_key_is_gone_says_so(settings: Settings) -> None:
    use_keys(settings, OLD)
    sealed = crypto.encrypt("email address", b"x")

    use_keys(settings, NEW)

    with pytest.raises(crypto.CannotDecrypt, match="ENTREPOT_SECRET_KEYS"):
        crypto.decrypt("email address", sealed)


def test_hashes_are_the_same_for_the_same_text_and_differ_by_purpose() -> None:
    assert crypto.keyed_hash("email", "mia@example.com") == crypto.keyed_hash(
        "email", "mia@example.com"
    )
    assert crypto.keyed_hash("email", "x") != crypto.keyed_hash("phone", "x")
    assert len(crypto.keyed_hash("email", "x")) == 33


def test_a_link_carries_its_values_until_it_expires() -> None:
    token = signing.make_token("tracking", {"order_id": 77}, lifetime=timedelta(days=90))

    assert signing.read_token("tracking", token) == {"order_id": 77}
    with (
        time_machine.travel(timezone.now() + timedelta(days=90, seconds=2)),
        pytest.raises(signing.ExpiredToken, match="ask for another"),
    ):
        signing.read_token("tracking", token)


def test_a_link_for_something_else_or_changed_is_refused() -> None:
    token = signing.make_token("tracking", {"order_id": 77}, lifetime=timedelta(days=90))

    for purpose, spoiled in (
        ("unsubscribe", token),
        ("tracking", token[:-2]),
        ("tracking", "x" + token),
        ("tracking", ""),
    ):
        with pytest.raises(signing.BadToken):
            signing.read_token(purpose, spoiled)


def test_a_link_outlives_a_rotation_of_the_keys(settings: Settings) -> None:
    use_keys(settings, OLD)
    token = signing.make_token("tracking", {"order_id": 77}, lifetime=timedelta(days=90))

    use_keys(settings, NEW, OLD)

    assert signing.read_token("tracking", token) == {"order_id": 77}
