"""Which database role a query runs as: the one of the scope that is open."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

APP = "default"
SYSTEM = "system"
OWNER = "owner"

_role: ContextVar[str] = ContextVar("entrepot_database_role", default=APP)


def current_role() -> str:
    """The alias of the role that this context's queries use."""
    return _role.get()


@contextmanager
def as_role(alias: str) -> Iterator[None]:
    """Send the queries of a block to another role's connection."""
    token = _role.set(alias)
    try:
        yield
    finally:
        _role.reset(token)


class ScopeRouter:
    """Routes every model to the role of the open scope; only the owner migrates."""

    def db_for_read(self, model: type, **hints: object) -> str:
        return current_role()

    def db_for_write(self, model: type, **hints: object) -> str:
        return current_role()

    def allow_relation(self, first: object, second: object, **hints: object) -> bool:
        return True  # the roles share one database

    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool:
        return db == OWNER
