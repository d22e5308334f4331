"""`entrepot demo`, as a stranger runs it: everything real, and every order accounted for."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrepot.database.embedded import EmbeddedServer

pytestmark = pytest.mark.journey

UNSET = ("DATABASE_URL", "DATABASE_APP_URL", "DATABASE_SYSTEM_URL", "ENTREPOT_URL")
CLASSES = ("delivered", "under_way", "held", "parked", "cancelled", "unpaid")
ORDERS = 24


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "data"
    yield folder
    EmbeddedServer(folder / "postgres").stop()
    place = folder / "postgres" / "place"
    if place.exists():  # as root the cluster stands where an unprivileged user can reach it
        shutil.rmtree(place.read_text())


@pytest.mark.timeout(300)
def test_a_demo_ends_by_itself_and_accounts_for_every_order(data: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in UNSET}
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "entrepot", "demo", "--exit", "--json"),
            *("--orders", str(ORDERS), "--seed", "5", "--speed", "240"),
            *("--port", "0", "--sandbox-port", "0"),
        ],
        env={**environment, "ENTREPOT_DATA": str(data), "ENTREPOT_LOG_FORMAT": "json"},
        capture_output=True,
        check=False,
        text=True,
        timeout=280,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    told = json.loads(ended.stdout.splitlines()[-1])

    assert told["orders_placed"] == ORDERS == sum(told[name] for name in CLASSES)
    assert (told["lost"], told["doubled"]) == ([], [])
    assert told["delivered"] >= ORDERS // 3
    # Every sale but those whose customer never paid at the gateway's page.
    assert ORDERS - told["unpaid"] <= told["orders_in_hub"] <= ORDERS
    assert told["submitted"] >= told["shipped"] >= told["delivered"] - 2
    assert told["mails"] >= told["orders_in_hub"]
    reasons = {still["reason"].partition(":")[0] for still in told["standing_still"]}
    assert reasons >= {"unmapped_sku", "missing_artwork", "refused"}
    assert all(still["number"] for still in told["standing_still"])
    latencies = told["latency_ms"]
    assert 0 < latencies["ack_p50"] <= latencies["ack_p99"]
    assert 0 < latencies["paid_to_accepted_p50"] <= latencies["paid_to_accepted_p99"]
    assert not EmbeddedServer(data / "postgres").is_running()
