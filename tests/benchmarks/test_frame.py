"""A figure says what it is held against, and the page says what the figures say."""

import json
import subprocess
import sys
from typing import Any

import pytest

from benchmarks.frame import RESULTS, Figure, registered


def test_a_figure_keeps_its_promise_only_when_every_bound_is_kept() -> None:
    figure = Figure(
        name="stored",
        value=5_210,
        unit="/s",
        n=10_000,
        baseline=9_800,
        against="pgbench",
        at_least=5_000,
        ratio_at_least=0.6,
    )

    assert figure.ratio == 0.532
    assert figure.holds is False
    assert json.loads(figure.line()) == {
        "name": "stored",
        "value": 5_210,
        "unit": "/s",
        "n": 10_000,
        "baseline": 9_800,
        "against": "pgbench",
        "at_least": 5_000,
        "ratio_at_least": 0.6,
        "ratio": 0.532,
        "holds": False,
    }


@pytest.mark.parametrize(
    ("_case", "bounds", "holds"),
    [
        ("nothing is promised", {}, None),
        ("above the least", {"at_least": 99}, True),
        ("below the least", {"at_least": 101}, False),
        ("below the most", {"at_most": 101}, True),
        ("above the most", {"at_most": 99}, False),
        ("ratio below the most", {"ratio_at_most": 1.3}, True),
        ("ratio above the most", {"ratio_at_most": 1.2}, False),
    ],
)
def test_a_bound_is_read_in_its_direction(
    _case: str, bounds: dict[str, Any], *, holds: bool | None
) -> None:
    figure = Figure(name="list", value=100, unit="ms", n=300, baseline=80, **bounds)

    assert figure.holds is holds


def test_every_kept_result_belongs_to_a_benchmark() -> None:
    kept = {path.stem for path in RESULTS.glob("*.json")}

    assert sorted(kept - set(registered())) == []


def test_a_word_that_is_no_benchmark_is_told_with_the_usage() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--try", "ingest", "connections=3"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert told.returncode == 2
    assert told.stderr.startswith("'connections=3' is neither a benchmark nor a size")
