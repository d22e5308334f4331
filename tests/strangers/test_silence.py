"""What a stranger is answered is the same whether the first merchant has a full day or nothing.

The walk looks for words of the first merchant; this finds what has none: a count, a number, one row
more in a list.
"""

import re
from collections.abc import Iterator

import pytest
from django.test import Client

from tests.api.calling import Caller
from tests.strangers.addresses import addresses, calls

pytestmark = pytest.mark.timeout(900)
# Figures of the machinery, which all merchants share; they name nobody and count no orders.
SHARED = {"get_health", "get_admin_health"}
SHARED_PAGES = {"jobs/", "test/jobs/", "health/", "test/health/"}
# What differs from one answer to the next, whoever asks.
_passing = re.compile(
    r"csrfmiddlewaretoken\" value=\"\w+\"|nonce=\"[^\"]*\"|hx-headers='[^']*'"
    r"|name=\"saying\" value=\"[^\"]*\""
    r"|\d\d:\d\d(:\d\d)?(\.\d+)?|\d+ (s|min)\b|PL-\d{4}-\d{4}"
)


def test_a_stranger_is_answered_as_if_the_first_merchant_were_not_there(
    strange_machine: Caller, strange_person: Client, request: pytest.FixtureRequest
) -> None:
    before = dict(_answers(strange_machine, strange_person))

    request.getfixturevalue("things")

    assert len(before) > 60
    after = dict(_answers(strange_machine, strange_person))
    assert {
        name: (before[name], after[name]) for name in before if before[name] != after[name]
    } == {}


def _answers(machine: Caller, person: Client) -> Iterator[tuple[str, str]]:
    for call in calls(addresses()):
        if call.method == "GET" and not call.address.parameters and call.name not in SHARED:
            answer = machine.get(call.address.filled({}))
            yield call.name, f"{answer.status} {_passing.sub('', answer.text)}"
    for page in addresses():
        if page.way == "page" and not page.parameters and page.path not in SHARED_PAGES:
            shown = person.get(page.filled({}))
            yield page.path, f"{shown.status_code} {_passing.sub('', shown.content.decode())}"
