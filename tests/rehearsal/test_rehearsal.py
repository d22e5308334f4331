"""The rehearsal itself, with few orders: what it does to a hub, and that it tells when it fails."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from entrepot.connect.crashpoint import POINTS
from rehearsal.checker import Findings
from rehearsal.levels import POINTS as REHEARSED
from rehearsal.main import Report

ROOT = Path(__file__).parents[2]
OURS = ("ENTREPOT_", "DATABASE_", "DJANGO_")


def report_of(findings: Findings, *, struck_never: list[str], is_finished: bool = True) -> Report:
    return Report(
        orders=40,
        seed=7,
        faults="heavy",
        seconds=71.5,
        up_after_s=8.25,
        placed=39,
        in_hub=38,
        works=31,
        mails=96,
        findings=findings,
        recovery_p99_s=17.5,
        slowest_recoveries=[],
        recoveries=12,
        deaths={"worker": 9},
        struck={"kill worker": 9},
        struck_never=struck_never,
        is_finished=is_finished,
        scenes={"reship": ""},
        standing_still={},
    )


def imports_of(module: str) -> set[str]:
    """Modules that a module of the rehearsal imports, and those of the rehearsal it leads to."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        if not name.startswith("rehearsal"):
            continue
        tree = ast.parse((ROOT / f"{name.replace('.', '/')}.py").read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                waiting += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                waiting.append(node.module or "")
    return found


def test_the_checker_imports_nothing_of_the_product() -> None:
    reached = imports_of("rehearsal.checker")

    assert {"rehearsal.speaking", "rehearsal.post_office", "httpx"} <= reached
    assert [name for name in reached if name.partition(".")[0] in {"entrepot", "django"}] == []


def test_every_crash_point_of_the_hub_is_rehearsed() -> None:
    assert sorted(REHEARSED) == sorted(POINTS)


@pytest.mark.parametrize(
    ("_case", "report", "is_good"),
    [
        ("all is well", report_of(Findings(), struck_never=[]), True),
        ("one is lost", report_of(Findings(lost=["eur/317"]), struck_never=[]), False),
        ("a mail is asked about", report_of(Findings(mail_unknown=["m"]), struck_never=[]), True),
        (
            "a fault never struck",
            report_of(Findings(), struck_never=["point job.after_run"]),
            False,
        ),
        ("it did not end", report_of(Findings(), struck_never=[], is_finished=False), False),
    ],
)
def test_a_run_is_good_only_when_everything_struck_and_nothing_is_found(
    _case: str, report: Report, is_good: bool
) -> None:
    assert report.is_good is is_good
    assert report.as_json()["is_good"] is is_good


@pytest.mark.timeout(1200)
def test_two_hundred_orders_survive_kill_after_kill() -> None:
    """By the command, in a process of its own: it leaves no socket or pipe to other tests."""
    words = "--orders 200 --faults light --seed 20261121 --per-second 20 --patience 720 --json"
    done = subprocess.run(
        [sys.executable, "-m", "entrepot", "rehearse", *words.split()],
        cwd=ROOT,
        env={name: text for name, text in os.environ.items() if not name.startswith(OURS)},
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(done.stdout.splitlines()[-1])

    assert told["found"].keys() <= {"mail_unknown"}, told  # SMTP: such a mail is a person's
    assert (done.returncode, told["is_good"], told["struck_never"]) == (0, True, [])
    assert told["in_hub"] >= 150  # some never pay
    assert told["works"] >= 100  # some are held or cancelled
    assert told["deaths"]["worker"] >= 10
