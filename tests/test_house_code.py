"""The rules of the house about the shape of code: how long, how called, in which order."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.sources import ROOT, SOURCE, is_test, place, python_files, tree_of

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


def test_a_callee_stands_below_its_caller() -> None:
    above = [
        f"{place(path, node)}: {name}"
        for path in python_files(below=SOURCE)
        if not is_test(path)
        for name, node in _private(path)
        if (users := _users(path, name)) and min(one.lineno for one in users) > node.lineno
        if not any(_needs_now(one, name) for one in users)
    ]

    assert above == []


def test_no_test_only_runs_something() -> None:
    silent = [
        f"{place(path, node)}: {node.name}"
        for path in python_files()
        if path.name.startswith("test_")
        for node in tree_of(path).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        if not _says_what_is_true(node, path, seen=set())
    ]

    assert silent == []


def _private(path: Path) -> Iterator[tuple[str, Function]]:
    for node in tree_of(path).body:
        if isinstance(node, Function) and node.name.startswith("_"):
            yield node.name, node


def _users(path: Path, name: str) -> list[ast.stmt]:
    """What else of a module names a function of it."""
    return [node for node in tree_of(path).body if _names(node, name) and not _is(node, name)]


def _needs_now(user: ast.stmt, name: str) -> bool:
    """Whether Python asks for the name while it reads the module, and not when something runs."""
    match user:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return any(_names(part, name) for part in (*user.decorator_list, user.args))
        case ast.ClassDef(body=body):
            return any(
                _needs_now(part, name) if isinstance(part, Function) else _names(part, name)
                for part in body
            )
        case _:
            return True


def _names(tree: ast.AST, name: str) -> bool:
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, Function) and node.name == name


def _says_what_is_true(node: ast.AST, path: Path, *, seen: set[str]) -> bool:
    """Whether a test asserts something, by itself or by what it calls of the tests."""
    helpers = {
        one.name: one for one in tree_of(path).body if isinstance(one, Function | ast.ClassDef)
    }
    imported = {
        alias.asname or alias.name: ROOT / f"{one.module.replace('.', '/')}.py"
        for one in tree_of(path).body
        if isinstance(one, ast.ImportFrom) and one.module and one.module.startswith("tests.")
        for alias in one.names
    }
    for part in ast.walk(node):
        if isinstance(part, ast.Assert | ast.Raise):
            return True
        if not isinstance(part, ast.Name | ast.Attribute):
            continue
        name = part.id if isinstance(part, ast.Name) else part.attr
        if name in {"raises", "warns", "fail"}:
            return True
        if name in seen:
            continue
        seen.add(name)
        if name in helpers and _says_what_is_true(helpers[name], path, seen=seen):
            return True
        if name in imported and imported[name].exists():
            there = next((one for one in tree_of(imported[name]).body if _is(one, name)), None)
            if there is not None and _says_what_is_true(there, imported[name], seen=seen):
                return True
    return False


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
