"""The project's own files: as version control lists them, and as Python reads them."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "entrepot"


@cache
def tracked_files() -> tuple[Path, ...]:
    """Files of the project: those under version control, new ones included."""
    listed = subprocess.run(
        [
            "git",
            "-c",
            "safe.directory=*",
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split("\0")
    return tuple(path for name in listed if name and (path := ROOT / name).is_file())


def python_files(*, below: Path = ROOT) -> Iterator[Path]:
    for path in tracked_files():
        if path.suffix == ".py" and path.is_relative_to(below) and "migrations" not in path.parts:
            yield path


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def place(path: Path, node: ast.AST | None = None) -> str:
    line = f":{node.lineno}" if isinstance(node, ast.expr | ast.stmt | ast.ExceptHandler) else ""
    return f"{path.relative_to(ROOT)}{line}"


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0]


def is_test(path: Path) -> bool:
    return "tests" in path.parts or path.name == "conftest.py"
