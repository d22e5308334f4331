"""One hub per data folder."""

import subprocess
import sys
from pathlib import Path

from entrepot.cli.running import RunningHub, Whereabouts

HOLD = """
import sys
from pathlib import Path
from entrepot.cli.running import RunningHub, Whereabouts
hub = RunningHub(Path(sys.argv[1]))
assert hub.claim()
hub.announce(Whereabouts(pid=4711, address="http://127.0.0.1:8123"))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_claim_is_refused_and_learns_where_the_first_is(tmp_path: Path) -> None:
    with _holder(tmp_path) as holder:
        hub = RunningHub(tmp_path)

        assert hub.is_running()
        assert not hub.claim()
        assert hub.whereabouts() == Whereabouts(pid=4711, address="http://127.0.0.1:8123")
        holder.kill()

    assert not hub.is_running()


def test_a_killed_hub_leaves_its_whereabouts_and_no_lock(tmp_path: Path) -> None:
    with _holder(tmp_path) as holder:
        holder.kill()

    hub = RunningHub(tmp_path)

    assert hub.whereabouts() == Whereabouts(pid=4711, address="http://127.0.0.1:8123")
    assert hub.claim()


def test_a_hub_that_ended_in_order_leaves_nothing(tmp_path: Path) -> None:
    hub = RunningHub(tmp_path / "data")
    assert hub.claim()
    hub.announce(Whereabouts(pid=12, address="http://[::1]:80", sandbox="http://127.0.0.1:8001"))

    hub.release()

    assert hub.whereabouts() is None
    assert not hub.is_running()


def test_no_folder_is_made_by_asking(tmp_path: Path) -> None:
    assert not RunningHub(tmp_path / "data").is_running()
    assert not (tmp_path / "data").exists()


def _holder(folder: Path) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder
