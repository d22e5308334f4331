"""What is written is used: nothing in the product that only its tests, or nobody, would miss."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.sources import ROOT, SOURCE, is_test, place, python_files, tracked_files, tree_of

PORTS = SOURCE / "connect" / "ports.py"
CONNECTORS = SOURCE / "connectors"

# Found by their names, not by an import: Django asks for these, and the registry for a platform's.
ASKED_FOR_BY_DJANGO = {"urlpatterns"}
ASKED_FOR_BY_THE_REGISTRY = {
    "client.py": {"base_url", "Client"},
    "webhook.py": {"verify", "normalize"},
    "simulator.py": {"build", "example_*"},
    "world.py": {"places"},
}
ASKED_FOR_BY_THE_SERVER = {"dashboard/live.py: application"}
# What a test replaces or watches, where it may not patch.
SEAMS = {
    "connections/doors.py: door": "calls a platform as a connection does, without its client",
    "connections/effects.py: uninstall": "puts a listener away that a test has put in",
    "database/rows.py: EXEMPT_TABLES": "the reasons why a table has no scope; a test holds it true",
    "events/outbox.py: uninstall": "puts a dispatcher away that a test or benchmark has put in",
    "tasks/idle.py: bring_forward": "lets time go by for the jobs that wait",
    "tasks/idle.py: run_until_idle": "a real worker, until there is nothing left to do",
    "tasks/retry.py: replace_dead_letter_sink": "shows a test what would have been buried",
}
# A decorator of these hands the function to nobody.
PLAIN_DECORATORS = {"cache", "contextmanager", "dataclass", "lru_cache", "runtime_checkable"}
# Classes whose methods somebody else calls by name, though they inherit from nothing.
CALLED_BY_OTHERS = {
    "connect/lines.py: _Hearing": "httptools",
    "database/router.py: ScopeRouter": "Django",
    "database/embedded.py: EmbeddedServer": "the product, and the benchmarks by its programs",
}


@dataclass
class Uses:
    """Who names what: `named` by module, `attributes` and `words` wherever they stand."""

    named: set[tuple[str, str]] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    dotted: set[str] = field(default_factory=set)


def test_what_a_module_offers_is_used_by_the_product() -> None:
    uses = _uses()

    unused = [
        f"{place(path, node)}: {name}"
        for path in _modules()
        for node, name in _offered(path)
        if (_module(path), name) not in uses.named
        and f"{_module(path)}.{name}" not in uses.dotted
        and not _is_asked_for(path, name)
        and f"{path.relative_to(SOURCE)}: {name}" not in SEAMS
    ]

    assert unused == []


def test_what_an_object_of_the_product_can_do_is_asked_of_it() -> None:
    uses = _uses()

    unused = [
        f"{place(path, method)}: {kind.name}.{method.name}"
        for path in _modules()
        if not path.is_relative_to(CONNECTORS)
        for kind in tree_of(path).body
        if isinstance(kind, ast.ClassDef) and not kind.bases
        if f"{path.relative_to(SOURCE)}: {kind.name}" not in CALLED_BY_OTHERS
        for method in kind.body
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
        if not method.name.startswith("__") and method.name not in uses.attributes | uses.words
    ]

    assert unused == []


def test_the_hub_calls_every_method_of_every_port() -> None:
    callers = [path for path in _modules() if not path.is_relative_to(CONNECTORS) and path != PORTS]
    called = {
        node.attr
        for path in callers
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute)
    }

    never = [
        f"{port.name}.{method.name}"
        for port in tree_of(PORTS).body
        if isinstance(port, ast.ClassDef) and any("Protocol" in ast.unparse(b) for b in port.bases)
        for method in port.body
        if isinstance(method, ast.FunctionDef) and method.name not in called
    ]

    assert never == []


def test_every_seam_is_there_and_nothing_but_a_seam() -> None:
    uses = _uses()
    offered = {
        f"{path.relative_to(SOURCE)}: {name}": (_module(path), name)
        for path in _modules()
        for _, name in _offered(path)
    }

    assert set(SEAMS) - set(offered) == set()
    assert {seam for seam in SEAMS if offered[seam] in uses.named} == set()


def _is_asked_for(path: Path, name: str) -> bool:
    if name in ASKED_FOR_BY_DJANGO or (path.name == "apps.py" and name.endswith("Config")):
        return True
    if path == SOURCE / "config" / "settings.py":
        return name.isupper()
    if f"{path.relative_to(SOURCE)}: {name}" in ASKED_FOR_BY_THE_SERVER:
        return True
    if not path.is_relative_to(CONNECTORS):
        return False
    asked = ASKED_FOR_BY_THE_REGISTRY.get(path.name, set())
    return any(re.fullmatch(one.replace("*", ".+"), name) for one in asked)


def _modules() -> list[Path]:
    return [path for path in python_files(below=SOURCE) if not is_test(path)]


def _module(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")


def _offered(path: Path) -> Iterator[tuple[ast.stmt, str]]:
    """Functions, classes and constants of a module; not what a decorator hands to a registry."""
    for node in tree_of(path).body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() if not _is_table(
                path, node
            ):
                if all(_decorator(one) in PLAIN_DECORATORS for one in node.decorator_list):
                    yield node, node.name
            case ast.Assign(targets=targets):
                names = [one for target in targets for one in ast.walk(target)]
                yield from (
                    (node, one.id)
                    for one in names
                    if isinstance(one, ast.Name) and not one.id.startswith("__")
                )
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield node, name
            case _:
                pass


def _is_table(path: Path, node: ast.stmt) -> bool:
    """Whether Django finds it by itself; its rows may be written by statements alone."""
    return path.name == "models.py" and isinstance(node, ast.ClassDef) and bool(node.bases)


def _decorator(node: ast.expr) -> str:
    return ast.unparse(node.func if isinstance(node, ast.Call) else node).rpartition(".")[2]


@cache
def _uses() -> Uses:
    uses = Uses()
    migrations = [path for path in tracked_files() if "migrations" in path.parts]
    pages = [path for path in tracked_files() if path.suffix in {".html", ".txt", ".toml"}]
    for path in [*_modules(), *(path for path in migrations if path.suffix == ".py")]:
        _note_uses(path, uses)
    for path in pages:
        if path.is_relative_to(SOURCE):
            uses.words |= set(re.findall(r"\w+", path.read_text()))
    # The command that starts the product stands in its package's own description.
    uses.dotted |= {
        text.replace(":", ".")
        for text in re.findall(r'"([\w.]+:\w+)"', (ROOT / "pyproject.toml").read_text())
    }
    return uses


def _note_uses(path: Path, uses: Uses) -> None:
    module, tree = _module(path), tree_of(path)
    aliases: dict[str, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(source), names=names):
                for one in names:
                    uses.named.add((source, one.name))
                    aliases[one.asname or one.name] = f"{source}.{one.name}"
            case ast.Constant(value=str(text)) if re.fullmatch(r"[\w.:]+", text):
                uses.dotted.add(text.replace(":", "."))
                uses.words.add(text)
            case _:
                pass
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            uses.attributes.add(node.attr)
            uses.named.add((aliases.get(ast.unparse(node.value), ""), node.attr))
    _note_names(tree, module=module, own="", uses=uses)


def _note_names(tree: ast.AST, *, module: str, own: str, uses: Uses) -> None:
    """Names of the module itself; what speaks only of itself is used by nobody."""
    for node in ast.iter_child_nodes(tree):
        is_definition = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        inside = node.name if isinstance(tree, ast.Module) and is_definition else own  # type: ignore[attr-defined]
        match node:
            case ast.Name(id=name, ctx=ast.Load()) if name != own:
                uses.named.add((module, name))
            case ast.Constant(value=str(text)) if re.fullmatch(r"\w+(\[.*\])?", text):
                uses.named.add((module, text.partition("[")[0]))  # an annotation in quotes
            case _:
                pass
        _note_names(node, module=module, own=inside, uses=uses)
