"""Scenes stop a process at a crash point, also when the first one to stop does not live to tell."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rehearsal.acting import frozen_at
from rehearsal.processes import state_of
from rehearsal.speaking import until

POINT = "submit.before_intend_commit"
PASSING = f"""
from entrepot.connect.crashpoint import crashpoint
crashpoint({POINT!r})
"""


def passing(points: Path) -> "subprocess.Popen[bytes]":
    """A process that comes to the point, and ends if nothing stops it there."""
    environment = os.environ | {"ENTREPOT_CRASH_POINTS": str(points)}
    return subprocess.Popen([sys.executable, "-c", PASSING], env=environment)


def test_a_process_that_stops_at_a_point_goes_on_after_the_block(tmp_path: Path) -> None:
    with frozen_at(tmp_path, POINT) as wait_until_frozen:
        process = passing(tmp_path)
        assert wait_until_frozen() == process.pid
        assert state_of(process.pid) == "T"
    assert process.wait(20) == 0


def test_another_process_stops_when_the_first_is_killed_before_anybody_looks(
    tmp_path: Path,
) -> None:
    with frozen_at(tmp_path, POINT) as wait_until_frozen, ThreadPoolExecutor(1) as scene:
        first = passing(tmp_path)
        until(lambda: state_of(first.pid) == "T", "first process that stopped")
        first.kill()
        assert first.wait(20) == -signal.SIGKILL
        waiting = scene.submit(wait_until_frozen)
        until((tmp_path / POINT).exists, "point that is armed again")
        second = passing(tmp_path)
        assert waiting.result(20) == second.pid
    assert second.wait(20) == 0
