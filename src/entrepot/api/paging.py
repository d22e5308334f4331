"""Lists by key: a page says where the next one begins, and no page is counted."""

import base64
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Generic, TypeVar

import msgspec
from django.db.models import Model, QuerySet
from ninja import Schema
from pydantic import Field

from entrepot.api.errors import invalid

LARGEST_ID = 2**63 - 1
Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
Item = TypeVar("Item")
Row = TypeVar("Row", bound=Model)
Key = TypeVar("Key")


class Paged(Schema):
    """How much of a list, and from where: `cursor` is the `next` of the page before."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=200)] = ""


class Listed(Schema, Generic[Item]):
    """A page of a list, the newest first. `next` is null on the last one."""

    data: list[Item]
    next: str | None = None


def cursor_of(*key: object) -> str:
    """A place in a list, opaque to callers."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def id_before(paged: Paged) -> int | None:
    """Where a list by id goes on; None at its beginning. Raises Problem, 422."""
    if not paged.cursor:
        return None
    (before,) = _read(paged.cursor, tuple[int])
    return max(1, min(before, LARGEST_ID))


def _read(cursor: str, shape: type[Key]) -> Key:
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return msgspec.json.decode(raw, type=shape)
    except ValueError as error:
        raise invalid("cursor: take it from `next` of the page before, unchanged") from error


def instant_before(paged: Paged) -> tuple[datetime, int] | None:
    """Where a list by instant and id goes on; None at its beginning. Raises Problem, 422."""
    if not paged.cursor:
        return None
    at, row_id = _read(paged.cursor, tuple[datetime, int])
    if at.tzinfo is None or at.year < 1970 or at.year > 9000:
        raise invalid("cursor: take it from `next` of the page before, unchanged")
    return at, max(1, min(row_id, LARGEST_ID))


def page_of(rows: QuerySet[Row], paged: Paged) -> tuple[list[Row], str | None]:
    """A page of rows by id, the newest first, and where the next page begins."""
    before = id_before(paged)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-id")[: paged.limit + 1])
    return cut(found, paged.limit, cursor=lambda row: cursor_of(row.pk))


def cut(
    found: Sequence[Item], limit: int, *, cursor: Callable[[Item], str]
) -> tuple[list[Item], str | None]:
    """The first `limit` of what was found, and the cursor of the last of them if there is more."""
    shown = list(found[:limit])
    return shown, cursor(shown[-1]) if len(found) > limit else None
