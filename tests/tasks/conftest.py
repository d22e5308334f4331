"""Tasks of the tests, and who keeps those that give up."""

from collections.abc import Iterator

import pytest

from entrepot.tasks import retry
from entrepot.tasks.retry import DeadJob
from tests.rules.conftest import house, provider, trade
from tests.tasks import examples

__all__ = ["house", "provider", "trade"]


@pytest.fixture
def notes() -> Iterator[list[object]]:
    """What the example tasks noted."""
    examples.NOTES.clear()
    examples.GO.clear()
    yield examples.NOTES
    examples.NOTES.clear()


@pytest.fixture
def buried() -> Iterator[list[DeadJob]]:
    """The jobs that gave up, in place of the hub's dead letters."""
    jobs: list[DeadJob] = []
    before = retry.replace_dead_letter_sink(jobs.append)
    yield jobs
    retry.replace_dead_letter_sink(before)
