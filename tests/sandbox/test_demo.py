"""`entrepot demo`, as a stranger runs it: everything real, and every order accounted for."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from entrepot.cli.running import RunningHub
from entrepot.database.embedded import EmbeddedServer
from tests.cli.waiting import wait_for

pytestmark = pytest.mark.journey

UNSET = ("DATABASE_URL", "DATABASE_APP_URL", "DATABASE_SYSTEM_URL", "ENTREPOT_URL")
CLASSES = ("delivered", "under_way", "held", "parked", "cancelled", "unpaid")
FIGURES = {
    *("orders_placed", *CLASSES, "orders_in_hub", "submitted", "shipped", "written_back"),
    *("standing_still", "lost", "doubled", "mails", "seconds", "latency_ms"),
}
ORDERS = 24


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "data"
    yield folder
    EmbeddedServer(folder / "postgres").stop()
    place = folder / "postgres" / "place"
    if place.exists():  # as root the cluster stands where an unprivileged user can reach it
        shutil.rmtree(place.read_text())


@pytest.mark.timeout(840)
def test_a_demo_ends_by_itself_and_accounts_for_every_order(data: Path) -> None:
    told = _told_by_a_demo(data)

    assert set(told) == FIGURES
    assert told["orders_placed"] == ORDERS == sum(told[name] for name in CLASSES)
    assert (told["lost"], told["doubled"]) == ([], [])
    assert told["delivered"] >= ORDERS // 3
    # Every sale but those whose customer never paid at the gateway's page.
    assert ORDERS - told["unpaid"] <= told["orders_in_hub"] <= ORDERS
    assert told["submitted"] >= told["shipped"] >= told["delivered"] - 2
    assert told["mails"] >= told["orders_in_hub"] // 2
    stands = told["standing_still"]
    assert len(stands) == sum(told[name] for name in ("held", "parked", "unpaid", "under_way"))
    assert all(still["number"] and still["storefront"] and still["reason"] for still in stands)
    reasons = " ".join(still["reason"] for still in stands)
    for words in ("SKU PUFFIN-TOTE is not mapped", "Artwork missing", "Address refused"):
        assert words in reasons
    assert all(still["repair"] for still in stands if still["state"] == "held")
    latencies = told["latency_ms"]
    assert 0 < latencies["ack_p50"] <= latencies["ack_p99"]
    assert 0 < latencies["paid_to_accepted_p50"] <= latencies["paid_to_accepted_p99"]
    assert _is_gone(data)

    # Once more on the same data: other sales, so that none is taken for one of the first run.
    again = _told_by_a_demo(data)
    assert (again["orders_placed"], again["lost"], again["doubled"]) == (ORDERS, [], [])
    assert again["delivered"] >= ORDERS // 3
    assert "uplicate" not in " ".join(still["reason"] for still in again["standing_still"])


@pytest.mark.timeout(420)
@pytest.mark.parametrize(
    ("_case", "sign", "code"),
    [("while the hub starts", "", 130), ("while orders are on their way", "Sandbox page", 130)],
)
def test_ctrl_c_ends_a_demo_at_any_moment_without_a_trace(
    data: Path, _case: str, sign: str, code: int
) -> None:
    with subprocess.Popen(
        _command("--orders", "500"),
        env=_environment(data),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            assert running.stdout is not None
            assert running.stderr is not None
            wait_for((data / "demo.log").exists)
            said = ""
            while sign not in said:
                line = running.stderr.readline()
                assert line, said
                said += line
            running.send_signal(signal.SIGINT)
            running.send_signal(signal.SIGINT)  # people press it twice
            out, err = running.communicate(timeout=120)
        finally:
            running.kill()

    assert (running.returncode, out) == (code, "")
    assert "Traceback" not in said + err
    assert _is_gone(data)


@pytest.mark.timeout(300)
def test_a_scenario_that_nobody_knows_is_told_with_those_that_there_are(data: Path) -> None:
    ended = subprocess.run(
        _command("--exit", "--scenario", "sharknado"),
        env=_environment(data),
        capture_output=True,
        check=False,
        text=True,
        timeout=280,
    )

    said = ended.stderr.splitlines()[-1]
    assert (ended.returncode, ended.stdout) == (1, "")
    assert said.startswith("entrepot: no scenario 'sharknado': known are calm, lost answers,")
    assert _is_gone(data)


@pytest.mark.timeout(180)
def test_a_port_that_was_asked_for_and_is_taken_is_told_in_one_line(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "entrepot", "demo", "--exit", "--sandbox-port", str(port)],
            env=_environment(data),
            capture_output=True,
            check=False,
            text=True,
            timeout=120,
        )

    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == (
        f"entrepot: the hub did not start: cannot listen on 127.0.0.1:{port}: Address already in"
        " use; choose another with --sandbox-port"
    )
    assert _is_gone(data)


def _told_by_a_demo(data: Path) -> dict[str, Any]:
    ended = subprocess.run(
        _command("--exit", "--json", "--orders", str(ORDERS), "--seed", "5", "--speed", "240"),
        env=_environment(data),
        capture_output=True,
        check=False,
        text=True,
        timeout=400,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    told: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return told


def _command(*options: str) -> list[str]:
    ports = ("--port", "0", "--sandbox-port", "0")
    return [sys.executable, "-m", "entrepot", "demo", *ports, *options]


def _environment(data: Path) -> dict[str, str]:
    known = {name: value for name, value in os.environ.items() if name not in UNSET}
    return {**known, "ENTREPOT_DATA": str(data), "ENTREPOT_LOG_FORMAT": "json"}


def _is_gone(data: Path) -> bool:
    """Whether nothing of a hub runs on the folder any more."""
    return not (RunningHub(data).is_running() or EmbeddedServer(data / "postgres").is_running())
