"""The clock: each schedule once, whatever the number of workers and the length of a downtime."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from entrepot.access import scope
from entrepot.database import sql
from entrepot.tasks import schedule
from entrepot.tasks.schedule import SCHEDULES, Schedule
from tests.surroundings import ROOT

BEGIN = datetime(2031, 3, 30, 0, 59, 30, tzinfo=UTC)  # a Sunday; clocks change in Europe


@pytest.fixture(autouse=True)
def _no_other_schedules() -> Iterator[None]:
    before = dict(SCHEDULES)
    SCHEDULES.clear()
    yield
    SCHEDULES.clear()
    SCHEDULES.update(before)


def jobs() -> int:
    with scope.system():
        return int(sql.fetch_value("SELECT count(*) FROM pgqueuer"))


def forget_jobs() -> None:
    with scope.system():
        sql.run("DELETE FROM pgqueuer")


@pytest.mark.parametrize(
    ("every", "offset", "expected"),
    [
        (timedelta(minutes=5), timedelta(0), datetime(2031, 3, 30, 1, 0, tzinfo=UTC)),
        (timedelta(days=1), timedelta(hours=3), datetime(2031, 3, 30, 3, 0, tzinfo=UTC)),
        (timedelta(days=1), timedelta(0), datetime(2031, 3, 31, tzinfo=UTC)),
        (timedelta(days=7), timedelta(0), datetime(2031, 3, 31, tzinfo=UTC)),
    ],
)
def test_runs_fall_on_the_multiples_of_their_period(
    every: timedelta, offset: timedelta, expected: datetime
) -> None:
    plan = Schedule("examples.tidy", every, offset, "skip")

    assert plan.next_after(BEGIN) == expected
    assert plan.next_after(expected) == expected + every


def test_a_schedule_runs_once_for_several_workers(database: str) -> None:
    schedule.schedule("examples.tidy", every=timedelta(minutes=5), after_downtime="skip")
    schedule.adopt(BEGIN)
    schedule.adopt(BEGIN + timedelta(minutes=2))

    begun = [schedule.tick(BEGIN + timedelta(seconds=seconds)) for seconds in (0, 29, 30, 30, 31)]

    assert begun == [[], [], ["examples.tidy"], [], []]
    assert jobs() == 1


def test_after_a_downtime_once_runs_once_and_goes_on_regularly(database: str) -> None:
    schedule.schedule("examples.tidy", every=timedelta(minutes=5), after_downtime="once")
    schedule.adopt(BEGIN)
    assert schedule.tick(BEGIN) == ["examples.tidy"]
    forget_jobs()

    back = BEGIN + timedelta(hours=7, minutes=3)
    begun = [schedule.tick(back + timedelta(minutes=minutes)) for minutes in (0, 1, 2, 3)]

    assert begun == [["examples.tidy"], [], [], ["examples.tidy"]]
    assert jobs() == 1  # the first was still waiting


def test_after_a_downtime_skip_waits_for_its_regular_time(database: str) -> None:
    schedule.schedule("examples.tidy", every=timedelta(minutes=5), after_downtime="skip")
    schedule.adopt(BEGIN)

    back = BEGIN + timedelta(hours=7, minutes=3)
    begun = [schedule.tick(back + timedelta(minutes=minutes)) for minutes in (0, 1, 2, 3)]

    assert begun == [[], [], [], ["examples.tidy"]]
    with scope.system():
        assert sql.fetch("SELECT name, skipped FROM tasks_schedule") == [("examples.tidy", 1)]


def test_being_a_little_late_is_no_downtime(database: str) -> None:
    schedule.schedule("examples.tidy", every=timedelta(minutes=5), after_downtime="skip")
    schedule.adopt(BEGIN)

    assert schedule.tick(BEGIN + timedelta(minutes=5)) == ["examples.tidy"]


def test_a_process_that_runs_no_jobs_knows_how_often_tasks_run() -> None:
    program = """
import django
django.setup()
from entrepot.tasks.schedule import period_of
print(period_of("tracking.presume"), period_of("examples.of_a_version_long_gone"))
"""
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout

    assert said == "1:00:00 None\n"
