"""A part of a page that may be missing: when it cannot be read, the rest still stands."""

from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_hex
from typing import Generic, TypeVar

import structlog
from django.db import DatabaseError, transaction

from entrepot.database.router import current_role

Content = TypeVar("Content")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Panel(Generic[Content]):
    """What was read, or the id under which the log says why not."""

    content: Content | None
    error_id: str = ""


def read(name: str, reading: Callable[[], Content]) -> Panel[Content]:
    """Read a panel's content in a savepoint; a database that answers too late takes only this."""
    try:
        with transaction.atomic(using=current_role()):
            return Panel(reading())
    except DatabaseError:
        error_id = f"err-{token_hex(3)}"
        _log.exception("a panel could not be read", panel=name, error_id=error_id)
        return Panel(None, error_id)
