"""The rules of the house about rows and names, which a reader would otherwise have to notice."""

import ast
import re
from collections.abc import Iterator

from django.apps import apps
from django.db import models

from entrepot.events.catalog import CATALOG
from entrepot.tasks.registry import TASKS, load
from tests.sources import SOURCE, is_test, place, python_files, tree_of

# An instant ends in `_at`, or says that it bounds a time.
INSTANT = re.compile(r".*_(at|since|until|after|before)|at|since")
INSTANTS_OF_OTHERS = {"access.User.last_login": "Django's", "hour": "the hour that is counted"}
# Of what is no column also: this moment, and either end of a time.
INSTANT_OR_BOUND = re.compile(
    r"(.*_)?(at|since|until|after|before|from|to|now)|instant|moment|start|newest|hour"
)
INSTANTS_NAMED_BY_OTHERS = {
    ("src/entrepot/api/interfaces/shapes.py", "estimated_delivery"): "a documented interface",
    ("src/entrepot/api/interfaces/shapes.py", "estimated_delivery_date"): "a documented interface",
    ("src/entrepot/connectors/woocommerce/listing.py", "bound"): "WordPress knows one at each end",
    ("src/entrepot/connectors/woocommerce/pulling.py", "began"): "cursors are kept under it",
    ("src/entrepot/connectors/woocommerce/pulling.py", "second"): "cursors are kept under it",
    ("src/entrepot/connectors/woocommerce/pulling.py", "site_time"): "the site's own, not UTC",
}
# A yes or no is a statement of its row: "is live", "restocks", "prices include tax".
STATEMENT = re.compile(r"(is|has|can|may|was|needs|knows)_\w+|\w+_include_\w+|[a-z]+s(_\w+)?")
NEGATIVE = re.compile(r"(not|no|isnt|non|never|cannot|(is|has|was|may|can)_(not|no))(_|$)")
# A share of a call is no amount of anything: a rate's bucket fills between two calls.
FRACTIONS = {"connections.RateBudget.tokens", "api.RateBucket.tokens"}
# Where a type is proved beside the line, and the checker cannot follow.
CASTS = {"src/entrepot/tasks/calls.py", "src/entrepot/connect/registry.py"}


def ours() -> Iterator[tuple[str, type[models.Model], models.Field]]:  # type: ignore[type-arg]
    """Every column of every table of ours, with its name in full."""
    for model in apps.get_models():
        if model.__module__.startswith("entrepot."):
            for column in model._meta.fields:
                yield f"{model._meta.label}.{column.name}", model, column


def test_instants_days_and_statements_are_named_so() -> None:
    wrong = []
    for name, _model, column in ours():
        if isinstance(column, models.DateTimeField):
            is_right = bool(INSTANT.fullmatch(column.name)) or (
                not {name, column.name}.isdisjoint(INSTANTS_OF_OTHERS)
            )
        elif isinstance(column, models.DateField):
            is_right = column.name.endswith("_on")
        elif isinstance(column, models.BooleanField):
            is_right = bool(STATEMENT.fullmatch(column.name))
        else:
            continue
        if not is_right:
            wrong.append(name)

    assert wrong == []


def test_an_instant_of_a_value_or_an_argument_is_named_so() -> None:
    wrong = [
        f"{place(path)}:{node.lineno}: {name}"
        for path in python_files(below=SOURCE)
        if not is_test(path)
        for node, name in _instants(tree_of(path))
        if not INSTANT_OR_BOUND.fullmatch(name)
        if (place(path), name) not in INSTANTS_NAMED_BY_OTHERS
    ]

    assert wrong == []


def _instants(tree: ast.Module) -> Iterator[tuple[ast.arg | ast.AnnAssign, str]]:
    """Arguments of functions, and fields of classes, that hold an instant or none."""
    fields = [
        part for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for part in node.body
    ]
    for node in [*ast.walk(tree), *fields]:
        match node:
            case ast.arg(arg=name, annotation=ast.expr() as kind):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), annotation=kind) if node in fields:
                pass
            case _:
                continue
        if ast.unparse(kind) in {"datetime", "datetime | None"}:
            yield node, name


def test_a_status_is_checked_by_the_database() -> None:
    unchecked = [
        name
        for name, model, column in ours()
        if column.name == "status"
        and column.choices
        and not any(
            isinstance(one, models.CheckConstraint) and "status" in str(one.condition)
            for one in model._meta.constraints
        )
    ]

    assert unchecked == []


def test_no_text_is_null_no_amount_a_float_and_no_table_sorts_by_itself() -> None:
    texts = (models.CharField, models.TextField)

    null = [name for name, _, column in ours() if isinstance(column, texts) and column.null]
    floats = {name for name, _, column in ours() if isinstance(column, models.FloatField)}
    sorting = {model._meta.label for _, model, _ in ours() if model._meta.ordering}

    assert (null, floats - FRACTIONS, sorting) == ([], set(), set())


def test_events_are_facts_and_tasks_are_orders() -> None:
    load()
    public = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*")

    assert [name for name in [*CATALOG, *TASKS] if not public.fullmatch(name)] == []


def test_errors_are_named_for_what_happened_and_a_yes_or_no_is_never_negative() -> None:
    wrong = []
    for path in python_files(below=SOURCE):
        for node in ast.walk(tree_of(path)):
            match node:
                case ast.ClassDef(name=name) if name.endswith("Error") and name != "ConnectorError":
                    wrong.append(f"{place(path, node)}: {name}")
                case ast.arg(arg=name) if NEGATIVE.match(name):
                    wrong.append(f"{place(path)}:{node.lineno}: {name}")
                case ast.AnnAssign(target=ast.Name(id=name), annotation=ast.Name(id="bool")) if (
                    NEGATIVE.match(name)
                ):
                    wrong.append(f"{place(path, node)}: {name}")
                case ast.FunctionDef(name=name, returns=ast.Name(id="bool")) if NEGATIVE.match(
                    name.lstrip("_")
                ):
                    wrong.append(f"{place(path, node)}: {name}")
                case _:
                    pass

    assert wrong == []


def test_a_rule_is_set_aside_for_a_reason_and_a_type_is_not_talked_into() -> None:
    late_import = "# noqa: " + "PLC0415"
    wrong = [
        f"{place(path)}:{number}"
        for path in python_files()
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if late_import in line and f"{late_import} -- " not in line
    ]
    wrong += [
        place(path, node)
        for path in python_files(below=SOURCE)
        if place(path) not in CASTS
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "cast"
    ]

    assert wrong == []
