"""The rules of the house about the shape of code: how long, how called, in which order."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.sources import SOURCE, is_test, place, python_files, tree_of

Function = ast.FunctionDef | ast.AsyncFunctionDef

# One screen. About forty is what a reader takes in; a table or a literal may need some more.
MOST_LINES = 60
MOST_POSITIONAL = 2
# Signatures that others fix: Django's views, ASGI's applications, structlog's processors.
FIXED_FIRST = {"request", "context", "_logger"}
ASGI = ["scope", "receive", "send"]
READ_AS_ONE_SENTENCE = {
    "src/entrepot/connect/simulator.py: route": "a method, where, and who answers",
    "src/entrepot/connectors/woocommerce/webhook_desk.py: route": "the port of the one above",
    "src/entrepot/database/rows.py: scope_statements": "migrations call it, which are never edited",
}


def test_a_function_fits_on_a_screen() -> None:
    long = [
        f"{place(path, node)}: {node.name} has {length} lines"
        for path in python_files()
        for node in _functions(tree_of(path))
        if (length := _length(node)) > MOST_LINES
    ]

    assert long == []


def test_what_a_caller_passes_has_a_name_after_the_second() -> None:
    unnamed = [
        f"{place(path, node)}: {node.name}({', '.join(names)})"
        for path in python_files(below=SOURCE)
        if not is_test(path)
        for node, is_method in _public(path)
        if len(names := _positional(node, is_method=is_method)) > MOST_POSITIONAL
        if names[0] not in FIXED_FIRST and names != ASGI
        if f"{place(path)}: {node.name}" not in READ_AS_ONE_SENTENCE
    ]

    assert unnamed == []


def _functions(tree: ast.AST) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node


def _length(node: Function) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def _public(path: Path) -> Iterator[tuple[Function, bool]]:
    """Functions of the module, and methods of classes whose signatures no parent fixes.

    A simulator's methods are not among them: a scenario says what happens in the shop's words.
    """
    for node in tree_of(path).body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield node, False
        if isinstance(node, ast.ClassDef) and not node.bases and "connectors" not in path.parts:
            for method in node.body:
                if isinstance(method, Function) and not method.name.startswith("_"):
                    yield method, True


def _positional(node: Function, *, is_method: bool) -> list[str]:
    names = [one.arg for one in (*node.args.posonlyargs, *node.args.args)]
    is_static = any(ast.unparse(one) == "staticmethod" for one in node.decorator_list)
    return names[1:] if is_method and not is_static else names
