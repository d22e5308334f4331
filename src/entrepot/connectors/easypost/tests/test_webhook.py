"""Events are believed by their signature, as the official client makes and checks it."""

from datetime import UTC, datetime

import pytest
from easypost.errors.general.signature_verification_error import SignatureVerificationError
from easypost.util import validate_webhook
from hypothesis import given
from hypothesis import strategies as st

from entrepot.connect.ports import Secrets
from entrepot.connect.webhook import Refused, WebhookRequest
from entrepot.connectors.easypost import webhook

NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)
BODY = (
    b'{"id":"evt_1","object":"Event","description":"tracker.updated","mode":"test","result":'
    b'{"id":"trk_1","object":"Tracker","tracking_code":"EZ4000000004","status":"delivered"}}'
)
SIGNATURE = "hmac-sha256-hex=1d11bc1b186c99a8b27c55a5e57e99a6b100ec4134f6cf571d06a1d7c5576589"


def event(body: bytes = BODY, *, signature: str | None = None) -> WebhookRequest:
    headers = {"x-hmac-signature": signature} if signature is not None else {}
    return WebhookRequest(body=body, headers=headers)


def test_the_test_vector_is_accepted_whichever_form_the_secret_is_typed_in() -> None:
    composed, decomposed = "sécret", "sécret"

    for secret in (composed, decomposed):
        verified = webhook.verify(event(signature=SIGNATURE), Secrets(signing=(secret,)), now=NOW)
        assert (verified.topic, verified.dedupe_key) == ("tracker.updated", "evt_1")
        assert not verified.is_hint


@given(secret=st.text(min_size=1), number=st.integers())
def test_the_official_client_accepts_what_we_sign(secret: str, number: int) -> None:
    body = b'{"id":"evt_%d"}' % number

    try:
        headers = {"X-Hmac-Signature": webhook.sign(secret, body)}
    except UnicodeEncodeError:
        return  # half a surrogate pair is no secret: neither side can encode it

    assert validate_webhook(body, headers, secret) == {"id": f"evt_{number}"}


def test_the_official_client_refuses_what_we_refuse() -> None:
    with pytest.raises(SignatureVerificationError):
        validate_webhook(BODY + b" ", {"X-Hmac-Signature": SIGNATURE}, "sécret")
    with pytest.raises(Refused):
        webhook.verify(
            event(BODY + b" ", signature=SIGNATURE), Secrets(signing=("sécret",)), now=NOW
        )


@pytest.mark.parametrize(
    ("_case", "signature", "secrets", "check"),
    [
        ("no header", None, ("sécret",), "signature_missing"),
        ("no secret to compare", SIGNATURE, (), "secret_missing"),
        ("another scheme", "sha1=1d11", ("sécret",), "signature_malformed"),
        ("another secret", SIGNATURE, ("secret",), "signature_mismatch"),
        (
            "upper case",
            SIGNATURE.upper().replace("HMAC-SHA256-HEX", "hmac-sha256-hex"),
            ("sécret",),
            "signature_mismatch",
        ),
    ],
)
def test_an_event_is_refused_with_the_cause_and_never_the_secret(
    _case: str, signature: str | None, secrets: tuple[str, ...], check: str
) -> None:
    with pytest.raises(Refused) as refused:
        webhook.verify(event(signature=signature), Secrets(signing=secrets), now=NOW)

    assert refused.value.check == check
    assert "sécret" not in str(refused.value)


def test_while_a_secret_rotates_the_old_one_is_valid_too() -> None:
    secrets = Secrets(signing=("brand-new", "sécret"))

    assert webhook.verify(event(signature=SIGNATURE), secrets, now=NOW).dedupe_key == "evt_1"


def test_a_signed_body_that_cannot_be_read_is_kept_to_be_parked() -> None:
    body = b"\x00 not JSON"
    signed = event(body, signature=webhook.sign("sécret", body))

    assert webhook.verify(signed, Secrets(signing=("sécret",)), now=NOW).topic == ""
