"""The engine's statements as they are used here: fenced by their holder, and without its diary.

The engine writes three lines into its log for every job, and folds them into counters; nobody reads
either. A job that fails leaves its line, with what it raised.
"""

from dataclasses import dataclass
from uuid import UUID

from pgqueuer.adapters.persistence.qb import QueryQueueBuilder
from pgqueuer.domain.types import OnConflict

NOBODY = UUID(int=0)


class EngineChanged(Exception):
    """A statement of the engine is not the one that is known here, and cannot be changed."""


@dataclass
class QuietStatements(QueryQueueBuilder):
    """Statements that defer jobs without a line in the log for each, and never too early.

    The engine counts a job's delay from the begin of the transaction, which may be long ago.
    """

    def build_enqueue_query(self, on_conflict: OnConflict = "raise") -> str:
        """Put jobs into the queue."""
        statement = replaced(
            super().build_enqueue_query(on_conflict),
            "WHERE id IN (SELECT id FROM input)",
            new="WHERE false",
            places=1,
        )
        return replaced(
            statement,
            "execute_after + NOW()",
            new="execute_after + statement_timestamp()",
            places=1,
        )


@dataclass
class FencedStatements(QueryQueueBuilder):
    """Statements that end jobs, of those that `holder` still has.

    The engine ends jobs by their id alone. A worker that was taken for dead, whose jobs others run
    by now, would take these out of the queue, and their next try with them.
    """

    holder: UUID = NOBODY

    def build_log_job_query(self) -> str:
        """Take ended jobs out of the queue, or hold them there as failed."""
        statement = self._fenced(super().build_log_job_query(), "WHERE id = ANY(SELECT", places=2)
        return replaced(
            statement, "FROM merged\n", new="FROM merged WHERE traceback IS NOT NULL\n", places=1
        )

    def build_retry_job_query(self) -> str:
        """Put a job back until later."""
        return self._fenced(super().build_retry_job_query(), "WHERE id = $1::bigint", places=1)

    def _fenced(self, statement: str, condition: str, *, places: int) -> str:
        mine = f"WHERE queue_manager_id = '{self.holder}' AND"
        return replaced(statement, condition, new=condition.replace("WHERE", mine), places=places)


def replaced(statement: str, old: str, *, new: str, places: int) -> str:
    """A statement with other words. Raises EngineChanged where they are not in so many places."""
    if statement.count(old) != places:
        raise EngineChanged(f"PgQueuer's statement has no {places} times {old!r}")
    return statement.replace(old, new)
