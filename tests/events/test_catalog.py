"""Every event that the catalogue promises is recorded somewhere, and each that is shown exists."""

import ast
import re
from collections.abc import Iterator

from entrepot.dashboard.reading.telling import TELLINGS
from entrepot.events.catalog import CATALOG
from tests.sources import SOURCE, is_test, python_files, tree_of

TELLERS = {SOURCE / "events" / "catalog.py", SOURCE / "dashboard" / "reading" / "telling.py"}


def written() -> Iterator[str]:
    """A pattern for each text in the sources that may name an event."""
    for path in python_files(below=SOURCE):
        if path in TELLERS or is_test(path) or "migrations" in path.parts:
            continue
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield re.escape(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = [
                    str(part.value) if isinstance(part, ast.Constant) else ""
                    for part in node.values
                ]
                if re.fullmatch(r"[a-z_]*\.[a-z_]*", "".join(parts)) and len("".join(parts)) > 4:
                    yield "".join(re.escape(part) or "[a-z_]+" for part in parts)


def test_every_event_of_the_catalog_is_recorded_somewhere() -> None:
    patterns = [re.compile(one) for one in {*written()} if len(one) < 80]
    exact = {one.replace("\\", "") for one in {*written()}}

    missing = [
        name
        for name in CATALOG
        if name not in exact and not any(one.fullmatch(name) for one in patterns)
    ]

    assert missing == []


def test_nothing_is_worded_that_is_no_event() -> None:
    assert TELLINGS.keys() - CATALOG.keys() == set()
