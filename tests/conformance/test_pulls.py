"""What every pull promises: all pages, an end, readable bodies, one key per version."""

from datetime import timedelta

import pytest

from entrepot.canon.messages import Flow
from entrepot.connect.ports import InboundMessage, PulledItem
from tests.conformance.conftest import START, Outside

CAPABILITY = "pull_"
TOO_MANY_PAGES = 100


def flows(outside: Outside) -> list[Flow]:
    names = sorted(n for n in outside.platform.manifest.capabilities if n.startswith("pull_"))
    return [Flow(name.removeprefix("pull_")) for name in names]


def run(outside: Outside, flow: Flow, *, limit: int) -> list[PulledItem]:
    """All items of one run from an hour before anything happened."""
    items: list[PulledItem] = []
    cursor = ""
    for _ in range(TOO_MANY_PAGES):
        page = outside.client.pull(
            flow, cursor=cursor, since=START - timedelta(hours=1), limit=limit
        )
        items += page.items
        cursor = page.cursor
        if page.is_last:
            assert page.read_until is not None, "the run must say up to when it has read"
            return items
    pytest.fail(f"{flow}: no end after {TOO_MANY_PAGES} pages")


@pytest.fixture
def happened(outside: Outside) -> Outside:
    outside.example("example_happenings", outside.simulator)
    return outside


def test_a_run_reads_every_page_and_ends(happened: Outside) -> None:
    for flow in flows(happened):
        small = {item.dedupe_key for item in run(happened, flow, limit=2)}
        large = {item.dedupe_key for item in run(happened, flow, limit=100)}

        assert len(small) >= 3, flow
        assert small == large, flow


def test_what_did_not_change_keeps_its_key(happened: Outside) -> None:
    for flow in flows(happened):
        first, again = run(happened, flow, limit=100), run(happened, flow, limit=100)

        assert {each.dedupe_key for each in first} == {each.dedupe_key for each in again}


def test_every_body_is_read_by_the_mapping(happened: Outside) -> None:
    for flow in flows(happened):
        for item in run(happened, flow, limit=100):
            message = InboundMessage(
                source="poll", topic=item.topic, body=item.body, received_at=START
            )

            assert happened.platform.webhook.normalize(message, happened.account)


def test_what_does_not_exist_is_none(outside: Outside) -> None:
    for flow in flows(outside):
        assert outside.client.fetch(flow, "999999999") is None


def test_a_cursor_that_is_not_ours_is_refused(outside: Outside) -> None:
    for flow in flows(outside):
        with pytest.raises(ValueError):  # noqa: PT011 -- the words are each platform's own
            outside.client.pull(flow, cursor="\x00 not a cursor", since=None, limit=10)
