"""Rows written many at a time: one statement for a batch, whoever decided about each of its rows.

Services decide about one thing after another and save it. Within a block of `together`, what they
insert and save is kept back and written at its end: one INSERT for each table, one UPDATE for each
table and set of columns. A model whose manager is a `SavingManager` has written what is kept back
before anybody queries it, so that no query misses what the block has decided.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from django.db import connections, models
from django.db.models.expressions import DatabaseDefault

from entrepot.database import sql
from entrepot.database.router import current_role

Row = TypeVar("Row", bound=models.Model)
Saved = tuple[models.Model, set[str]]
KEY = "key_of_row"
DRAW = "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)"


class RowsMissing(Exception):
    """Rows to be saved are not there, or belong to another merchant than the scope's."""

    def __init__(self, table: str, *, wanted: int, saved: int) -> None:
        super().__init__(
            f"cannot save {wanted - saved} of {wanted} rows of {table}: they are gone, or are"
            " another merchant's"
        )
        self.table = table


@dataclass(slots=True)
class _Kept:
    """What a block has decided and not written yet, and the keys that are ready for its rows."""

    expected: int
    inserts: dict[type[models.Model], list[models.Model]] = field(default_factory=dict)
    saves: dict[type[models.Model], dict[int, Saved]] = field(default_factory=dict)
    keys: dict[type[models.Model], list[int]] = field(default_factory=dict)


_kept: ContextVar[_Kept | None] = ContextVar("entrepot_kept_back", default=None)


class SavingManager(models.Manager[Row]):
    """A manager that has written what a block keeps back of its model before it is queried."""

    def get_queryset(self) -> "models.QuerySet[Row]":
        """All rows, those that the block has decided about included."""
        flush(self.model)
        return super().get_queryset()


@contextmanager
def together(expected: int = 1) -> Iterator[None]:
    """Keep back what the block inserts and saves, and write it at the end; inside an open scope.

    `expected` is how many rows of a kind it will likely insert. A block within another joins it.
    An error writes nothing: the transaction is to end with it.
    """
    if _kept.get() is not None:
        yield
        return
    token = _kept.set(_Kept(max(expected, 1)))
    try:
        yield
        flush()
    finally:
        _kept.reset(token)


@contextmanager
def discarding_on_error() -> Iterator[None]:
    """Around a savepoint: an error takes back what was decided within it, and nothing else.

    The savepoint itself ends with a `flush`, so that an error of the database belongs to it.
    """
    flush()
    try:
        yield
    except BaseException:
        kept = _kept.get()
        if kept is not None:
            kept.inserts.clear()
            kept.saves.clear()
        raise


def insert(row: models.Model) -> None:
    """Insert a row whose key the database chooses; it has its key when this returns."""
    kept = _kept.get()
    if kept is None:
        row.save(force_insert=True)
        return
    model = type(row)
    keys = kept.keys.setdefault(model, [])
    if not keys:
        keys += reversed(_draw_keys(model, kept.expected))
    row.pk = keys.pop()
    kept.inserts.setdefault(model, []).append(row)


def save(row: models.Model, *fields: str) -> None:
    """Save these fields of a locked row. Their values must be plain, not expressions."""
    kept = _kept.get()
    if kept is None:
        row.save(update_fields=fields)
        return
    model = type(row)
    if any(row is new for new in kept.inserts.get(model, ())):
        return  # it is written as it will be
    known, names = kept.saves.setdefault(model, {}).setdefault(row.pk, (row, set()))
    if known is not row:  # read twice: what the other one decided has to stand
        flush(model)
        kept.saves.setdefault(model, {})[row.pk] = (row, set(fields))
        return
    names.update(fields)


def flush(model: type[models.Model] | None = None) -> None:
    """Write what is kept back, of one model or of all, in the open scope.

    New rows go in whatever their model: those of one model may refer to those of another, and are
    inserted in the order in which the first of each was decided.
    """
    kept = _kept.get()
    if kept is None or (model and model not in kept.inserts and model not in kept.saves):
        return
    while kept.inserts:
        one = next(iter(kept.inserts))
        insert_together(kept.inserts.pop(one))
    for one in [model] if model else list(kept.saves):
        by_fields: dict[tuple[str, ...], list[models.Model]] = {}
        for row, names in kept.saves.pop(one, {}).values():
            by_fields.setdefault(tuple(sorted(names)), []).append(row)
        for fields, some in by_fields.items():
            save_together(some, fields)


def insert_together(rows: Sequence[models.Model]) -> None:
    """Insert rows of one model with one statement, in the order given; they learn nothing by it.

    What a row leaves to the database (`db_default`, a key) it has to leave to it in each.
    Values are plain, not expressions.
    """
    if not rows:
        return
    shape = _new_shape(type(rows[0]), tuple(_given(rows[0])))
    batch = [
        {column: _plain(one, one.pre_save(row, add=True)) for column, one in shape.columns}
        for row in rows
    ]
    recordset = sql.recordset(batch, shape.types)
    sql.run(shape.statement.format(batch=recordset.sql), [recordset.parameter])


def save_together(rows: Sequence[models.Model], fields: Iterable[str]) -> None:
    """Save the same fields of several locked rows of a model with one statement, in key order.

    Values are plain, not expressions; each column gets exactly what `save` would have written.

    Raises:
        RowsMissing: not every row was there to be written.
    """
    if not rows:
        return
    shape = _shape(type(rows[0]), tuple(fields))
    batch = [
        {
            KEY: row.pk,
            **{column: _plain(one, getattr(row, one.attname)) for column, one in shape.columns},
        }
        for row in sorted(rows, key=lambda row: row.pk)
    ]
    recordset = sql.recordset(batch, shape.types)
    saved = sql.run(shape.statement.format(batch=recordset.sql), [recordset.parameter])
    if saved != len(rows):
        raise RowsMissing(_meta_of(type(rows[0])).db_table, wanted=len(rows), saved=saved)


@dataclass(frozen=True, slots=True)
class _Shape:
    """How some fields of a model travel: their columns, the types of these, and the statement."""

    columns: "tuple[tuple[str, models.Field[Any, Any]], ...]"
    types: dict[str, str]
    statement: str


@cache
def _shape(model: type[models.Model], fields: tuple[str, ...]) -> _Shape:
    meta, connection = _meta_of(model), connections[current_role()]
    columns = tuple((one.column, one) for one in map(meta.get_field, fields))
    types = {name: str(one.db_type(connection)) for name, one in columns}
    assignments = ", ".join(f'"{name}" = batch."{name}"' for name in types)
    quoted = {f'"{name}"': kind for name, kind in types.items()}
    return _Shape(
        columns=columns,
        types={KEY: "bigint", **quoted},
        statement=(  # of names that the models declare
            f'UPDATE "{meta.db_table}" AS mine SET {assignments}'  # noqa: S608
            f' FROM {{batch}} WHERE mine."{meta.pk.column}" = batch.{KEY}'
        ),
    )


def _given(row: models.Model) -> Iterator[str]:
    """The fields of a new row that it does not leave to the database."""
    for one in _meta_of(type(row)).concrete_fields:
        value = getattr(row, one.attname)
        if not (isinstance(value, DatabaseDefault) or (one.primary_key and value is None)):
            yield one.attname


@cache
def _new_shape(model: type[models.Model], fields: tuple[str, ...]) -> _Shape:
    meta, connection = _meta_of(model), connections[current_role()]
    by_name = {one.attname: one for one in meta.concrete_fields}
    columns = tuple((by_name[name].column, by_name[name]) for name in fields)
    types = {f'"{name}"': str(one.rel_db_type(connection)) for name, one in columns}
    listed = ", ".join(types)
    return _Shape(
        columns=columns,
        types=types,
        statement=(  # of names that the models declare
            f'INSERT INTO "{meta.db_table}" ({listed})'  # noqa: S608
            f" SELECT {listed} FROM {{batch}} ORDER BY n"
        ),
    )


def _plain(one: "models.Field[Any, Any]", value: Any) -> Any:
    """A field's value as it travels in a recordset."""
    if value is None or isinstance(one, models.JSONField):
        return value
    if isinstance(one, models.BinaryField):
        return f"\\x{bytes(value).hex()}"
    return one.get_prep_value(value)


def _draw_keys(model: type[models.Model], count: int) -> list[int]:
    meta = _meta_of(model)
    return [key for (key,) in sql.fetch(DRAW, [f'"{meta.db_table}"', meta.pk.column, count])]


def _meta_of(model: type[models.Model]) -> Any:
    return model._meta  # noqa: SLF001 -- Django's documented way to a model's names
