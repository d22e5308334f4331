"""How long a hub takes until it answers, and what it holds in memory when nothing happens."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.frame import Figure, benchmark
from benchmarks.up import running_up

SETTLE_S = 5


@benchmark(title="Start and memory", order=60)
def start(*, times: int = 3) -> Iterator[Figure]:
    """`entrepot up` on an empty data folder, then again on the same one, until it answers.

    The first start makes the database cluster and every table. Memory is what its own processes
    hold resident a few seconds later (supervisor, web, worker; PostgreSQL is not counted), with
    pages that they share counted in each.
    """
    with tempfile.TemporaryDirectory(prefix="entrepot-bench-") as name:
        Path(name).chmod(0o755)  # the server's unprivileged user has to enter it
        folder = Path(name) / "data"
        with running_up(folder) as first:
            pass
        again, held = [], {}
        for _ in range(times):
            with running_up(folder) as hub:
                again.append(hub.seconds)
                time.sleep(SETTLE_S)
                held = hub.memory_mb()
    yield Figure(name="first start", value=round(first.seconds, 1), unit="s", n=1, at_most=20)
    yield Figure(
        name="start when set up before", value=round(median(again), 1), unit="s", n=times, at_most=5
    )
    yield Figure(
        name="memory of its own processes",
        value=round(sum(held.values())),
        unit="MB",
        n=1,
        at_most=500,
        note=", ".join(f"{role} {size:.0f} MB" for role, size in held.items()),
    )
