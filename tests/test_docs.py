"""The documentation and the code say the same."""

import ast
import re
from pathlib import Path

import pytest

from entrepot.config.environment import MAIL_SERVICES
from tools import write_docs

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "entrepot"
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
SETTING = re.compile(r"(?:ENTREPOT|DATABASE)_[A-Z][A-Z_]*[A-Z]")


def test_every_setting_is_documented() -> None:
    text = (DOCS / "settings.md").read_text()
    documented = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", text))
    used = {
        node.value
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and SETTING.fullmatch(node.value)
    }
    used |= {f"ENTREPOT_MAIL_{name}" for names in MAIL_SERVICES.values() for name in names}

    assert sorted(used - documented) == []


@pytest.mark.parametrize("path", write_docs.pages(), ids=lambda path: path.name)
def test_pages_made_from_the_code_are_current(path: Path) -> None:
    assert path.read_text() == write_docs.pages()[path], "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|mailto:|#)([^)#\s]+)", page.read_text())

    broken = [target for target in targets if not (page.parent / target).exists()]

    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_in_the_pages_compiles(page: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)

    for block in blocks:
        compile(block, page.name, "exec")


def test_every_decision_has_a_claim_for_a_title() -> None:
    pages = sorted((DOCS / "decisions").glob("*.md"))
    numbers = [page.name[:4] for page in pages]

    assert numbers == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for page in pages:
        headings = re.findall(r"^#+ .*", page.read_text(), re.MULTILINE)
        assert headings[1:] == ["## Context", "## Decision", "## Consequences"], page.name
