"""Whatever is written, read or tried in whatever scope, a merchant's rows stay the merchant's."""

from collections.abc import Callable

import pytest
from django.db import DatabaseError
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.access.scope import ScopeConflict
from entrepot.database import sql
from entrepot.obligations.states import Kind

MERCHANTS = 2
KINDS = tuple(Kind.values)
Rules = dict[tuple[int, str], int]
KEEP = """
    INSERT INTO obligations_deadline_rule AS known (merchant_id, kind, seconds)
    VALUES (%s, %s, %s)
    ON CONFLICT (merchant_id, kind) DO UPDATE SET seconds = excluded.seconds
"""
CHANGE = "UPDATE obligations_deadline_rule SET seconds = %s"
READ = "SELECT merchant_id, kind, seconds FROM obligations_deadline_rule ORDER BY 1, 2"
steps = st.tuples(
    st.sampled_from(["keep", "keep", "keep", "read", "forge", "change", "remove", "hand over"]),
    st.integers(0, MERCHANTS - 1),
    st.sampled_from(KINDS),
    st.integers(1, 10**6),
)


@settings(settings.get_profile("properties"), max_examples=30)
@given(program=st.lists(steps, min_size=3, max_size=12))
def test_a_merchants_rows_are_seen_and_changed_by_that_merchant_only(
    merchant: Merchant, other_merchant: Merchant, program: list[tuple[str, int, str, int]]
) -> None:
    ids = (merchant.id, other_merchant.id)
    with scope.system():
        sql.run("DELETE FROM obligations_deadline_rule")
    known: Rules = {}

    for move, who, kind, seconds in program:
        mine, theirs = ids[who], ids[1 - who]
        match move:
            case "keep":
                with scope.merchant(mine):
                    sql.run(KEEP, [mine, kind, seconds])
                known[mine, kind] = seconds
            case "read":
                assert _seen(mine) == {key: known[key] for key in known if key[0] == mine}
            case "forge":
                assert _is_refused(mine, lambda: sql.run(KEEP, [theirs, kind, seconds]))  # noqa: B023 -- called now
            case "hand over":
                moved = "UPDATE obligations_deadline_rule SET merchant_id = %s WHERE kind = %s"
                has_any = (mine, kind) in known
                assert _is_refused(mine, lambda: sql.run(moved, [theirs, kind])) == has_any  # noqa: B023 -- called now
            case "change":
                with scope.merchant(mine):
                    changed = sql.run(CHANGE, [seconds])
                touched = [key for key in known if key[0] == mine]
                assert changed == len(touched)
                known |= dict.fromkeys(touched, seconds)
            case _:
                with scope.merchant(mine):
                    sql.run("DELETE FROM obligations_deadline_rule WHERE kind = %s", [kind])
                known.pop((mine, kind), None)

    with scope.system():
        assert {(row[0], row[1]): row[2] for row in sql.fetch(READ)} == known
    assert sql.fetch(READ) == []


@settings(settings.get_profile("properties"), max_examples=30)
@given(path=st.lists(st.sampled_from(["system", "first", "second"]), min_size=1, max_size=5))
def test_scopes_nest_only_where_they_share_a_merchant(
    merchant: Merchant, other_merchant: Merchant, path: list[str]
) -> None:
    ids = {"first": merchant.id, "second": other_merchant.id, "system": None}

    deepest = _nest([ids[name] for name in path])

    inner, allowed = None, 0
    for name in path:
        if inner is not None and ids[name] != inner:
            break
        inner = ids[name]
        allowed += 1
    assert deepest == allowed
    assert not scope.is_open()


def _nest(path: list[int | None], depth: int = 0) -> int:
    """Open one scope inside the other; how many could be opened."""
    if not path:
        return depth
    try:
        with scope.system() if path[0] is None else scope.merchant(path[0]):
            assert scope._open().merchant_id == path[0]
            return _nest(path[1:], depth + 1)
    except ScopeConflict:
        return depth


def _seen(merchant_id: int) -> Rules:
    with scope.merchant(merchant_id):
        return {(row[0], row[1]): row[2] for row in sql.fetch(READ)}


def _is_refused(merchant_id: int, write: Callable[[], object]) -> bool:
    try:
        with scope.merchant(merchant_id):
            write()
    except DatabaseError as refused:
        if "row-level security" in str(refused):
            return True
        raise
    return False


def test_a_refusal_is_told_apart_from_success(merchant: Merchant) -> None:
    assert not _is_refused(merchant.id, lambda: sql.run(KEEP, [merchant.id, "ship", 77]))
    with pytest.raises(DatabaseError, match="no_such_table"):
        _is_refused(merchant.id, lambda: sql.run("SELECT FROM no_such_table"))
