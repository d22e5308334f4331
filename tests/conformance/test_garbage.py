"""No input crashes a mapping: it is understood, or refused by a ValueError that says where."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import entrepot.connectors
from entrepot.connect.ports import Account, InboundMessage
from entrepot.connect.registry import Platform
from entrepot.connect.webhook import WebhookRequest
from tests.conformance.conftest import START
from tests.conformance.examples import example

CAPABILITY = "verify"
FOLDERS = Path(entrepot.connectors.__path__[0])
ODD: tuple[Any, ...] = (
    None, "", "never heard of", "2026-13-45T99:99:99Z", "1e999", "\x00", -1, 10**30, 1.5, True, [],
    [None], {}, {"a": []},
)  # fmt: skip
CHANGES_PER_BODY = 600


@pytest.fixture
def account(platform: Platform) -> Account:
    made: Account = example(platform, "example_account")("http://127.0.0.1:9")
    return made


@pytest.fixture
def delivery(platform: Platform) -> WebhookRequest:
    secrets = example(platform, "example_secrets")()
    made: WebhookRequest = example(platform, "example_webhook")(secrets, at=START)
    return made


def understood_or_refused(
    platform: Platform, account: Account, body: bytes, **message: Any
) -> None:
    """Normalize; anything but a value or a ValueError with words is a failure of the test."""
    try:
        items = platform.webhook.normalize(
            InboundMessage(body=body, received_at=START, **message), account
        )
    except ValueError as error:
        refused: ValueError | None = error
    else:
        refused = None
        assert isinstance(items, tuple)
    assert refused is None or str(refused), "a refusal must say what is wrong"


def messages(platform: Platform, delivery: WebhookRequest) -> list[dict[str, Any]]:
    """The ways in: the webhook as it comes, and each polled flow."""
    flows = [n.removeprefix("pull_") for n in platform.manifest.capabilities if "pull_" in n]
    webhook = {"source": "webhook", "topic": "", "headers": delivery.headers}
    return [webhook, *({"source": "poll", "topic": flow} for flow in sorted(flows))]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(body=st.binary(max_size=200))
def test_bytes_at_random(
    platform: Platform, account: Account, delivery: WebhookRequest, body: bytes
) -> None:
    for message in messages(platform, delivery):
        understood_or_refused(platform, account, body, **message)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    )
)
def test_json_at_random(
    platform: Platform, account: Account, delivery: WebhookRequest, value: Any
) -> None:
    for message in messages(platform, delivery):
        understood_or_refused(platform, account, json.dumps(value).encode(), **message)


def test_a_real_body_with_each_field_made_odd(
    platform: Platform, account: Account, delivery: WebhookRequest
) -> None:
    paths = sorted((FOLDERS / platform.code / "fixtures").rglob("*.json"))
    bodies = [delivery.body, *(p.read_bytes() for p in paths if ".expected" not in p.name)]
    tried = 0

    for body in bodies:
        try:
            whole = json.loads(body)
        except ValueError:
            continue  # not every platform delivers JSON
        for changed in itertools.islice(changes(whole), CHANGES_PER_BODY):
            for message in messages(platform, delivery):
                understood_or_refused(platform, account, changed, **message)
                tried += 1

    assert tried > 100


def test_a_real_body_cut_short(
    platform: Platform, account: Account, delivery: WebhookRequest
) -> None:
    for length in range(0, len(delivery.body), max(1, len(delivery.body) // 60)):
        for message in messages(platform, delivery):
            understood_or_refused(platform, account, delivery.body[:length], **message)


def changes(whole: Any) -> Iterator[bytes]:
    """The body with one value replaced, for each value in it and each odd one."""
    for holder, key in list(places(whole)):
        kept = holder[key]
        for odd in ODD:
            holder[key] = odd
            yield json.dumps(whole).encode()
        holder[key] = kept


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Where every value stands: (holder, key), outer ones first."""
    if isinstance(value, dict):
        keys: list[Any] = list(value)
    elif isinstance(value, list):
        keys = list(range(min(len(value), 2)))
    else:
        return
    for key in keys:
        yield value, key
    for key in keys:
        yield from places(value[key])
