"""A lane whose worker was taken for dead says nothing about jobs that others have by now."""

import asyncio
from datetime import timedelta

import pytest
from django.db import connections
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job

from entrepot.access import scope
from entrepot.database import sql
from tests.tasks.test_lanes import Defer, watch

# As rescue.py does, and another worker then.
TAKE_BACK = """
UPDATE pgqueuer
SET queue_manager_id = gen_random_uuid(), status = 'picked'
WHERE entrypoint = 'examples.mine'
"""
LEFT = "SELECT status::text, attempts FROM pgqueuer WHERE entrypoint = 'examples.mine'"


def run_in_scope(statement: str) -> list[tuple[object, ...]]:
    try:
        with scope.system():
            return sql.fetch(statement)
    finally:
        connections.close_all()


@pytest.mark.parametrize(
    ("_case", "ending"),
    [
        ("it found nothing to do", None),
        ("it could not reach anybody", RetryRequested(timedelta(0), "no connection")),
    ],
)
def test_the_end_of_a_job_that_another_worker_runs_by_now_changes_nothing(
    database: str, _case: str, ending: Exception | None
) -> None:
    has_begun, may_end = asyncio.Event(), asyncio.Event()

    async def wake_up_late(job: Job) -> None:
        has_begun.set()
        await may_end.wait()
        if ending is not None:
            raise ending

    async def run(defer: Defer) -> None:
        await defer("examples.mine")
        await has_begun.wait()
        await asyncio.to_thread(run_in_scope, f"{TAKE_BACK} RETURNING id")
        may_end.set()

    watch(run, wake_up_late)

    assert run_in_scope(LEFT) == [("picked", 0)]
