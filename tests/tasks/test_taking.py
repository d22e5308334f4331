"""Which jobs a lane takes next: merchants by turns, each one's urgent jobs first."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from django.conf import settings

from entrepot.access import scope
from entrepot.database import clock, sql
from entrepot.database.router import SYSTEM
from entrepot.database.urls import DatabaseUrl
from entrepot.tasks import queue, taking
from entrepot.tasks.lanes import LaneManager
from entrepot.tasks.queue import Job
from entrepot.tasks.registry import Lane, Priority

ME, ANOTHER = UUID(int=1), UUID(int=2)
LIVE = ("examples.note", "examples.go")
HEARTBEAT = timedelta(minutes=1)

pytestmark = pytest.mark.usefixtures("database")


def deferred(merchant_id: int, count: int = 1, **more: Any) -> list[int | None]:
    job = Job(task="examples.note", args={"merchant_id": merchant_id})
    with scope.system():
        return queue.defer([replace(job, **more) for _ in range(count)])


def taken(
    at_once: int = 10,
    *,
    in_hands: int = 1000,
    tasks: Iterable[str] = LIVE,
    lane: Lane = Lane.LIVE,
    holder: UUID = ME,
) -> list[int]:
    """What one look of a lane takes, in its order."""

    async def look() -> list[int]:
        connection = await asyncpg.connect(
            str(DatabaseUrl.of_settings(settings.DATABASES[SYSTEM])),
            server_settings=taking.BY_INDEX_ONLY,
        )
        arguments = taking.arguments(
            holder=holder,
            lane=lane,
            tasks=list(tasks),
            at_once=at_once,
            in_hands=in_hands,
            heartbeat=HEARTBEAT,
        )
        try:
            return [row["id"] for row in await connection.fetch(taking.TAKE, *arguments)]
        finally:
            await connection.close()

    return asyncio.run(look())


def test_one_merchant_alone_is_served_in_order_by_as_many_places_as_there_are() -> None:
    ids = deferred(1, 12)

    assert [taken(5), taken(5), taken(5), taken(5)] == [ids[:5], ids[5:10], ids[10:], []]


def test_who_has_few_jobs_does_not_wait_for_whom_has_many() -> None:
    many, few = deferred(1, 30), deferred(2, 2)

    assert taken(8) == [many[0], few[0], many[1], few[1], many[2], many[3]]
    assert taken(8) == many[4:12]


def test_a_free_place_goes_to_the_merchant_with_the_fewest_in_hand() -> None:
    many = deferred(1, 30)
    assert taken(10, in_hands=10) == many[:10]
    few = deferred(2, 3, priority=Priority.LOW)

    assert taken(10, in_hands=12) == few[:2]
    assert taken(10, in_hands=13) == few[2:]
    assert taken(10, in_hands=13) == []
    assert taken(10, in_hands=13, holder=ANOTHER) == many[10:20]


def test_of_one_merchant_the_urgent_go_first_then_the_longest_due() -> None:
    usual = deferred(1, 2)
    low = deferred(1, priority=Priority.LOW)
    urgent = deferred(1, 2, priority=Priority.URGENT)

    assert taken() == [*urgent, *usual, *low]


def test_what_is_not_due_of_another_lane_or_unknown_is_left() -> None:
    later = deferred(1, run_at=clock.now() + timedelta(hours=1), priority=Priority.URGENT)
    bulk = deferred(1, task="examples.bulk")
    unknown = deferred(1, task="examples.tidy")
    due = deferred(1)

    assert taken(tasks=[*LIVE, "examples.bulk"]) == due
    assert taken(lane=Lane.BULK, tasks=["examples.bulk"]) == bulk
    assert taken(lane=Lane.UPKEEP, tasks=["examples.bulk"]) == []
    assert later
    assert unknown


def test_a_job_whose_workers_heart_stopped_is_taken_again() -> None:
    (left,) = deferred(1)
    assert taken(holder=ANOTHER) == [left]
    assert taken() == []
    with scope.system():
        sql.run("UPDATE pgqueuer SET heartbeat = now() - %s", [2 * HEARTBEAT])

    assert taken() == [left]


def test_jobs_that_another_version_put_into_another_lane_are_adopted() -> None:
    mine, other = deferred(1), deferred(1, task="examples.bulk")
    with scope.system():
        sql.run("UPDATE pgqueuer SET headers = %s WHERE id = %s", ['{"lane": "upkeep"}', mine[0]])
    assert taken() == []

    async def begin() -> None:
        connection = await asyncpg.connect(str(DatabaseUrl.of_settings(settings.DATABASES[SYSTEM])))
        manager = LaneManager.over(connection, Lane.LIVE)
        manager.entrypoint("examples.note")(_nothing)
        await manager.adopt()
        await connection.close()

    asyncio.run(begin())

    assert taken(tasks=[*LIVE, "examples.bulk"]) == mine
    assert taken(lane=Lane.BULK, tasks=["examples.bulk"]) == other


async def _nothing(_: object) -> None:
    pass
