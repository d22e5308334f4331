"""The order in which a run takes its tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.order import longest_first

USUAL = 120.0


@dataclass(frozen=True)
class Item:
    name: str
    timeout: float | None

    def get_closest_marker(self, name: str) -> Any:
        assert name == "timeout"
        return None if self.timeout is None else SimpleNamespace(args=(self.timeout,))


def items(quick: int, patient: Mapping[str, float]) -> list[pytest.Item]:
    made = [Item(f"quick {number}", None) for number in range(quick)]
    made += [Item(name, timeout) for name, timeout in patient.items()]
    return cast("list[pytest.Item]", made)


def names(found: list[pytest.Item]) -> list[str]:
    return [one.name for one in found]


def test_each_process_begins_with_one_of_those_that_take_longest() -> None:
    given = items(7, {"demo": 840, "killing": 1200, "short": 60, "walk": 300, "no limit": 0})

    found = names(longest_first(given, at_once=3, usual=USUAL))

    assert [found[0], found[4], found[8]] == ["killing", "demo", "walk"]
    assert sorted(found) == sorted(names(given))
    rest = [name for name in names(given) if name not in {"killing", "demo", "walk"}]
    assert [name for name in found if name in rest] == rest


@pytest.mark.parametrize("at_once", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("quick", [0, 1, 2, 11, 40])
def test_none_is_lost_or_doubled_whatever_their_number(quick: int, at_once: int) -> None:
    given = items(quick, {"ü": 300, "鴎": 900, "demo": 840, "walk": 300})

    found = longest_first(given, at_once=at_once, usual=USUAL)

    assert sorted(names(found)) == sorted(names(given))
    assert found[0].name == "鴎"
