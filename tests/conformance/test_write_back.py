"""What every storefront that is told of parcels promises."""

import pytest

from entrepot.connect.errors import ConnectorError
from tests.conformance.conftest import Outside

CAPABILITY = "write_back"


def test_news_is_written_once_and_found_afterwards(outside: Outside) -> None:
    news = outside.example("example_news", outside.simulator, "C-1-w1")
    assert outside.client.find_write_back(news) is None

    first = outside.client.write_back(news)
    books = outside.sizes()
    again = outside.client.write_back(news)

    assert not first.was_there
    assert again.was_there
    assert outside.sizes() == books
    assert outside.client.find_write_back(news) is not None


def test_after_a_lost_answer_writing_again_writes_nothing_twice(outside: Outside) -> None:
    news = outside.example("example_news", outside.simulator, "C-1-w1")
    outside.simulator.faults.drop_answer = 1.0
    with pytest.raises(ConnectorError):  # a lost look-up, or a lost write: both are asked again
        outside.client.write_back(news)
    outside.simulator.faults.drop_answer = 0.0

    outside.client.write_back(news)
    books = outside.sizes()

    assert outside.client.write_back(news).was_there
    assert outside.sizes() == books
