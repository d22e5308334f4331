"""docs/rules.md names each rule, where it is kept, and tests that exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ROW = re.compile(r"^\| (\d+) \|([^|]+)\|([^|]+)\|([^|]+)\|$", re.MULTILINE)
QUOTED = re.compile(r"`([^`]+)`")
RULES = {int(row[1]): row for row in ROW.finditer((ROOT / "docs" / "rules.md").read_text())}


def names_in(path: Path) -> set[str]:
    return {
        node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)
    }


def test_every_rule_stands_on_the_page_once_and_in_order() -> None:
    page = (ROOT / "docs" / "rules.md").read_text()

    assert [int(row[1]) for row in ROW.finditer(page)] == list(range(1, 25))


@pytest.mark.parametrize("number", range(1, 25))
def test_a_rule_names_code_and_tests_that_exist_and_has_a_file_by_its_number(number: int) -> None:
    row = RULES[number]
    kept, proved = QUOTED.findall(row[3]), QUOTED.findall(row[4])

    assert kept
    assert [path for path in kept if not (ROOT / "src" / "entrepot" / path).exists()] == []
    assert any(name.startswith(f"rules/test_rule_{number:02}.py::") for name in proved)
    for name in proved:
        path, _, test = name.partition("::")
        assert test in names_in(ROOT / "tests" / path), name


@pytest.mark.parametrize("number", range(1, 25))
def test_the_tests_of_a_rule_say_which_it_is(number: int) -> None:
    path = ROOT / "tests" / "rules" / f"test_rule_{number:02}.py"

    assert (ast.get_docstring(ast.parse(path.read_text())) or "").startswith(f"Rule {number}: ")
