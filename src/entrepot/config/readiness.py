"""Whether this process can do its work: the database answers and has every migration."""

import time

from django.db import DatabaseError, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

_FRESH_FOR_S = 1.0


class Readiness:
    """Answers from memory for a second, so that frequent probes cost the database nothing."""

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._wanted: set[tuple[str, str]] | None = None
        self._checked_at = float("-inf")
        self._faults: list[str] = []

    def faults(self) -> list[str]:
        """What is missing, in words for a person; empty when ready. Blocks on the database."""
        if time.monotonic() - self._checked_at > _FRESH_FOR_S:
            self._faults = self._check()
            self._checked_at = time.monotonic()
        return self._faults

    def _check(self) -> list[str]:
        if self._wanted is None:
            self._wanted = set(MigrationLoader(None).disk_migrations)
        connection = connections[self._alias]
        try:
            applied = set(MigrationRecorder(connection).applied_migrations())
        except DatabaseError:
            return ["the database does not answer"]
        finally:
            connection.close()
        missing = sorted(self._wanted - applied)
        if not missing:
            return []
        first = ".".join(missing[0])
        lacks = f"{len(missing)} migrations are not applied, the first of them"
        if len(missing) == 1:
            lacks = "one migration is not applied,"
        return [f"{lacks} {first}: run `entrepot migrate`"]
