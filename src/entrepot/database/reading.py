"""Rows read by their keys, as whole instances: the statement is built once for each model.

Most of what a worker reads it finds by key. The general way builds each such statement anew, which
takes several times as long as asking the database.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from django.db import connections, models

from entrepot.database import saving, sql
from entrepot.database.router import current_role

Row = TypeVar("Row", bound=models.Model)


def by_key(model: type[Row], keys: Iterable[int]) -> dict[int, Row]:
    """The rows of these keys, by key; those that are not there are left out. In the open scope."""
    return {row.pk: row for row in _read(model, keys, locks=False)}


def locked(model: type[Row], keys: Iterable[int]) -> list[Row]:
    """Lock the rows of these keys, in key order; those that are not there are left out."""
    return _read(model, keys, locks=True)


def one(model: type[Row], key: int) -> Row:
    """The row of a key, in the open scope. Raises the model's DoesNotExist."""
    return _only(model, key, _read(model, [key], locks=False))


def one_locked(model: type[Row], key: int) -> Row:
    """Lock the row of a key. Raises the model's DoesNotExist."""
    return _only(model, key, _read(model, [key], locks=True))


def _only(model: type[Row], key: int, rows: list[Row]) -> Row:
    if not rows:
        missing: type[Exception] = model.DoesNotExist  # type: ignore[attr-defined]
        raise missing(f"there is no {model.__name__} {key} in this scope")
    return rows[0]


def _read(model: type[Row], keys: Iterable[int], *, locks: bool) -> list[Row]:
    wanted = sorted(set(keys))
    if not wanted:
        return []
    saving.flush(model)
    shape, alias = _shape(model), current_role()
    rows = sql.fetch(f"{shape.statement}{' FOR UPDATE' if locks else ''}", [wanted])
    if shape.converted:
        connection = connections[alias]
        rows = [
            tuple(
                shape.converted[place](value, None, connection)
                if place in shape.converted
                else value
                for place, value in enumerate(row)
            )
            for row in rows
        ]
    return [model.from_db(alias, shape.names, row) for row in rows]


@dataclass(frozen=True, slots=True)
class _Shape:
    """How whole rows of a model are read; `converted` are the places that a field converts."""

    statement: str
    names: list[str]
    converted: dict[int, Callable[[Any, None, Any], Any]]


@cache
def _shape(model: type[models.Model]) -> _Shape:
    meta = model._meta  # noqa: SLF001 -- Django's documented way to a model's names
    fields = meta.concrete_fields
    columns = ", ".join(f'"{field.column}"' for field in fields)
    key = f'"{meta.pk.column}"'
    return _Shape(
        # of names that the models declare
        statement=f'SELECT {columns} FROM "{meta.db_table}" WHERE {key} = ANY(%s) ORDER BY {key}',  # noqa: S608
        names=[field.attname for field in fields],
        converted={
            place: field.from_db_value
            for place, field in enumerate(fields)
            if hasattr(field, "from_db_value")
        },
    )
