"""The flow adds up, and every number leads to the rows that make it."""

import re
from datetime import UTC, datetime

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from entrepot.access import scope
from entrepot.dashboard.drawing import drawn
from entrepot.dashboard.reading import flow, standing
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@given(st.dictionaries(st.sampled_from([row[0] for row in flow.PLACES]), st.integers(0, 5000)))
def test_stages_and_drops_add_up_whatever_the_numbers(numbers: dict[str, int]) -> None:
    made = flow.flow_of(NOON, numbers)

    assert made.received == sum(numbers.values())
    assert made.received == made.standing + made.under_way + made.ended + made.delivered
    for before, after in zip(made.stages, made.stages[1:], strict=False):
        assert before.number - sum(drop.number for drop in before.drops) == after.number
    assert len(drawn(made)) == len(flow.STAGES)


def rows_behind(client: Client, address: str) -> int:
    answer = client.get(address.replace("&amp;", "&"))
    assert answer.status_code == 200
    return answer.content.decode().count("data-select ")


def test_every_number_of_the_flow_is_the_length_of_its_list(scene: Scene, sign_in: SignIn) -> None:
    client = sign_in(scene)
    page = client.get("/?days=30").content.decode()

    links = re.findall(r'<a href="(/orders/\?[^"]+)"><text class="[nx][^>]*>([\d,]+)', page)

    assert len(links) > 8
    for address, number in links:
        assert rows_behind(client, address) == int(number.replace(",", "")), address


@pytest.mark.parametrize("bucket", ["overdue", "hour", "today", "met"])
def test_every_tile_counts_its_list(scene: Scene, sign_in: SignIn, bucket: str) -> None:
    client = sign_in(scene)
    home = client.get("/").content.decode()

    number = re.search(rf'href="/owed/{bucket}/">.*?<span class="big">(\d+)<', home, re.DOTALL)
    listed = client.get(f"/owed/{bucket}/").content.decode().count('<th scope="row">')

    assert number is not None
    assert int(number[1]) == listed


def test_what_stands_still_is_counted_once_everywhere(scene: Scene, sign_in: SignIn) -> None:
    client = sign_in(scene)
    with scope.merchant(scene.merchant.id):
        causes = standing.causes("live")

    tabs = re.findall(r'<span class="n">(\d+)</span>', client.get("/attention/").content.decode())
    home = re.findall(r'<td class="num strong">(\d+)</td>', client.get("/").content.decode())

    total = sum(cause.number for cause in causes)
    assert total == 14
    assert int(tabs[0]) == sum(map(int, tabs[1:])) == total
    assert sum(map(int, home[: len(standing.summary(causes))])) == total
