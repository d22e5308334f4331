"""A platform that has had enough says for how long."""

import pytest

from entrepot.connect.simulator import Clock, Simulator


@pytest.mark.parametrize(("speed", "seconds"), [(0.0, "7"), (1.0, "7"), (3.0, "3"), (100.0, "1")])
def test_a_pause_is_told_in_the_time_of_those_who_wait(speed: float, seconds: str) -> None:
    assert Simulator(Clock(speed=speed)).pause(7) == {"Retry-After": seconds}
