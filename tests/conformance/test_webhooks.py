"""What every platform's webhooks are believed by, and what they are not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from entrepot.connect.ports import Secrets
from entrepot.connect.registry import Platform
from entrepot.connect.webhook import Refused, WebhookRequest
from tests.conformance.conftest import START
from tests.conformance.examples import example

CAPABILITY = "verify"
NOW = START + timedelta(seconds=2)


@pytest.fixture
def secrets(platform: Platform) -> Secrets:
    made: Secrets = example(platform, "example_secrets")()
    return made


@pytest.fixture
def delivery(platform: Platform, secrets: Secrets) -> WebhookRequest:
    made: WebhookRequest = example(platform, "example_webhook")(secrets, at=START)
    return made


def rotated(secrets: Secrets, *, signs: bool) -> Secrets:
    """The secrets after a rotation: a new one first, the old one still valid."""
    if signs:
        return replace(secrets, signing=("brand-new-s3cret", *secrets.signing))
    return Secrets(path_token="brand-new-t0ken", signing=(secrets.path_token,))


def test_a_delivery_with_the_right_secret_is_believed(
    platform: Platform, secrets: Secrets, delivery: WebhookRequest
) -> None:
    verified = platform.webhook.verify(delivery, secrets, now=NOW)

    assert verified.topic
    assert verified.is_hint or platform.manifest.signs_webhooks


def test_the_same_delivery_twice_has_one_name(
    platform: Platform, secrets: Secrets, delivery: WebhookRequest
) -> None:
    first = platform.webhook.verify(delivery, secrets, now=NOW)
    again = platform.webhook.verify(delivery, secrets, now=NOW + timedelta(seconds=60))

    assert first.dedupe_key == again.dedupe_key


def test_another_secret_is_refused_and_never_shown(
    platform: Platform, secrets: Secrets, delivery: WebhookRequest
) -> None:
    other = Secrets(signing=("some-0dd-secret",), path_token="some-0dd-token")

    with pytest.raises(Refused) as refused:
        platform.webhook.verify(delivery, other, now=NOW)

    said = str(refused.value)
    for secret in (*secrets.signing, secrets.path_token, "some-0dd"):
        assert not secret or secret not in said


def test_while_a_secret_rotates_the_old_one_is_believed_too(
    platform: Platform, secrets: Secrets, delivery: WebhookRequest
) -> None:
    both = rotated(secrets, signs=platform.manifest.signs_webhooks)

    assert platform.webhook.verify(delivery, both, now=NOW).topic


def test_after_the_rotation_the_old_one_is_refused(
    platform: Platform, secrets: Secrets, delivery: WebhookRequest
) -> None:
    both = rotated(secrets, signs=platform.manifest.signs_webhooks)
    new_only = (
        replace(both, signing=both.signing[:1])
        if platform.manifest.signs_webhooks
        else replace(both, signing=())
    )

    with pytest.raises(Refused):
        platform.webhook.verify(delivery, new_only, now=NOW)


@pytest.mark.parametrize("place", ["first", "middle", "last", "one more", "one less"])
def test_a_body_changed_by_one_byte_is_refused(
    place: str, platform: Platform, secrets: Secrets, delivery: WebhookRequest
) -> None:
    if not platform.manifest.signs_webhooks:
        pytest.skip("it signs nothing: whatever comes is a hint, and read again")
    body = bytearray(delivery.body)
    at = {"first": 0, "middle": len(body) // 2, "last": len(body) - 1}.get(place)
    if at is not None:
        body[at] ^= 1
    elif place == "one more":
        body.append(32)
    else:
        body.pop()

    with pytest.raises(Refused) as refused:
        platform.webhook.verify(replace(delivery, body=bytes(body)), secrets, now=NOW)

    assert refused.value.check == "signature_mismatch"


def test_a_delivery_without_its_proof_is_refused(
    platform: Platform, secrets: Secrets, delivery: WebhookRequest
) -> None:
    bare = WebhookRequest(body=delivery.body, headers={"content-type": "application/json"})

    with pytest.raises(Refused):
        platform.webhook.verify(bare, secrets, now=NOW)
