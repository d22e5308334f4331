"""Counts what a page asks of the database, on every connection and without savepoints."""

import re
from contextlib import ExitStack

from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

NOT_COUNTED = re.compile(
    r"^\s*(SAVEPOINT|RELEASE|ROLLBACK|BEGIN|COMMIT|SELECT set_config)", re.IGNORECASE
)


def queries_of(client: Client, path: str) -> list[str]:
    """The statements of one page; those that only open and close transactions are left out."""
    with ExitStack() as stack:
        captured = [
            stack.enter_context(CaptureQueriesContext(connections[alias]))
            for alias in ("default", "system", "owner")
        ]
        answer = client.get(path)
    assert answer.status_code == 200, path
    told = [str(query["sql"]) for one in captured for query in one.captured_queries]
    return [statement for statement in told if not NOT_COUNTED.match(statement)]
