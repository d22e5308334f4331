"""The documentation and the code say the same."""

import ast
import copy
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from entrepot.cli.main import cli
from entrepot.config.environment import MAIL_SERVICES
from entrepot.connect import registry
from entrepot.connect.simulator import Clock
from entrepot.connectors.woocommerce.simulator import example_account
from tests.cli.shell import run
from tests.serving import serve
from tests.sources import tracked_files
from tools import write_docs

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "entrepot"
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
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


# Decisions are not edited later: what they name may be called otherwise by now.
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.parent.name != "decisions"],
    ids=lambda page: page.name,
)
def test_files_that_a_page_names_exist(page: Path) -> None:
    named = set(re.findall(r"`([a-z_]+(?:/[a-z_]+)*\.py)`", page.read_text()))

    missing = [
        path
        for path in sorted(named)
        if not any((folder / path).exists() for folder in (SOURCE, ROOT, page.parent))
        and not ("/" not in path and any(SOURCE.rglob(path)))
    ]

    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_in_the_pages_compiles(page: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)

    compiled = [compile(block, page.name, "exec") for block in blocks]

    assert len(compiled) == page.read_text().count("```python\n")


def test_every_decision_has_a_claim_for_a_title() -> None:
    pages = sorted((DOCS / "decisions").glob("*.md"))
    numbers = [page.name[:4] for page in pages]

    assert numbers == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for page in pages:
        headings = re.findall(r"^#+ .*", page.read_text(), re.MULTILINE)
        assert headings[1:] == ["## Context", "## Decision", "## Consequences"], page.name


CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
MAKE = re.compile(r"make ([a-z][a-z-]*)((?: ARGS=(?:\"[^\"]*\"|[^\s`]+))?)")
# What other programs do, which no test of ours can promise.
FOREIGN = ("docker ", "printf ", "curl ", "install ")


def commands() -> list[tuple[str, str]]:
    """Every command that a page shows with its prompt: (page, command)."""
    return [
        (page.name, line.removeprefix("$ ").partition("   #")[0].strip())
        for page in PAGES
        for block in CONSOLE.findall(page.read_text())
        for line in block.splitlines()
        if line.startswith("$ ")
    ]


def shown(program: str) -> list[tuple[str, str]]:
    """Those that run one program of ours, without the variables before it."""
    found = []
    for page, command in commands():
        words = re.sub(r"^(?:[A-Z_]+=\S+ )+", "", command).removeprefix(".venv/bin/")
        if words.startswith(f"{program} "):
            found.append((page, words.removeprefix(f"{program} ")))
    return found


def test_every_command_of_a_page_is_ours_or_known_to_be_foreign() -> None:
    ours = len(shown("entrepot")) + len(shown("make"))
    foreign = [command for _, command in commands() if command.startswith(FOREIGN)]

    assert len(commands()) == ours + len(foreign)
    assert ours > 20


@pytest.mark.parametrize(("page", "command"), shown("entrepot"))
def test_a_command_of_a_page_is_understood(page: str, command: str) -> None:
    name, *words = shlex.split(command)

    context = click.Context(cli)
    found = cli.get_command(context, name)
    assert found is not None
    while isinstance(found, click.Group):
        inner = found.get_command(context, words.pop(0))
        assert inner is not None, command
        found = inner
    found = copy.copy(found)
    found.params = [_without_looking(parameter) for parameter in found.params]
    found.make_context(name, words)


def _without_looking(parameter: click.Parameter) -> click.Parameter:
    """The same, but files of other machines need not be here."""
    same = copy.copy(parameter)
    if isinstance(same.type, click.Path):
        same.type = click.Path(path_type=Path)
    return same


def test_every_target_of_a_page_exists_and_so_does_what_it_names() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = [
        (page.name, target, arguments)
        for page in PAGES
        for target, arguments in MAKE.findall("\n".join(_code_of(page)))
    ]

    assert sorted({row[1] for row in named} - targets) == []
    paths = {
        (page, word)
        for page, _, arguments in named
        for word in re.split(r"[\s\"=]+", arguments)
        if "/" in word and "<" not in word and "acme" not in word
    }
    assert sorted((page, path) for page, path in paths if not (ROOT / path).exists()) == []


# Where a command of a page is run that this file only parses: each with the test that runs it.
RUN_ELSEWHERE = {
    "demo": "tests/sandbox/test_demo.py",
    "up": "tests/cli/test_up.py",
    "new-platform": "tests/cli/test_new_platform.py",
    "restore": "tests/cli/test_moving.py",
    "reconcile": "tests/cli/test_moving.py",
    "rehearse": "tests/rehearsal",
}
RUN_HERE = {"users", "keys", "connections", "pause", "resume", "doctor", "backup"}


def test_every_command_of_a_page_is_run_by_a_test() -> None:
    targets = {"demo", "up"}  # of make: they run the command of that name
    named = {command.split()[0] for _, command in shown("entrepot")}
    named |= {command.split()[0] for _, command in shown("make")} & targets

    assert sorted(named - RUN_HERE - set(RUN_ELSEWHERE)) == []
    for name, place in RUN_ELSEWHERE.items():
        files = (
            [ROOT / place] if place.endswith(".py") else sorted((ROOT / place).glob("test_*.py"))
        )
        words = "\n".join(path.read_text() for path in files)
        assert re.search(rf"[\"' ]{name}[\"' ]", words), f"{place} runs no {name}"


def test_every_room_and_folder_stands_on_the_map() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text()
    rooms = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    folders = {path.relative_to(ROOT).parts[0] for path in tracked_files() if path.parent != ROOT}

    hidden = {name for name in folders if name.startswith(".")}  # what tools look for themselves
    unnamed = [
        name
        for name in sorted(rooms | folders - hidden)
        if not re.search(rf"(?<![\w-]){name}(?![\w-])", page)
    ]

    assert unnamed == []


def test_a_reader_of_the_readme_is_led_to_every_page() -> None:
    found, ahead = set[Path](), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in found:
            continue
        found.add(page)
        links = re.findall(r"\]\((?!https?://|mailto:|#)([^)#\s]+\.md)", page.read_text())
        ahead += [(page.parent / link).resolve() for link in links]

    lost = sorted(str(page.relative_to(ROOT)) for page in set(PAGES) - found)
    assert lost == [], "link it; a decision from ARCHITECTURE.md"


def _code_of(page: Path) -> list[str]:
    """What a page shows as code: blocks and words between back-ticks."""
    text = page.read_text()
    return re.findall(r"^```.*?^```|`[^`\n]+`", text, re.MULTILINE | re.DOTALL)


def test_commands_for_an_operator_do_what_the_page_says(database: str, tmp_path: Path) -> None:
    page = (DOCS / "operating.md").read_text()
    lines: list[str] = [line[2:] for block in CONSOLE.findall(page) for line in block.splitlines()]

    def on_the_page(beginning: str) -> str:
        [found] = [line for line in lines if line.startswith(f"entrepot {beginning}")]
        return found.removeprefix("entrepot ")

    people = run(f"{on_the_page('users create')} --password-stdin", given="Möwen über der Reede\n")
    key = run(on_the_page("keys create"))
    assert (people.code, key.code) == (0, 0), people.err + key.err
    assert run(on_the_page("connections list")).out == "acme has no connection yet.\n"
    assert run(on_the_page("pause --merchant")).code == 0
    assert run(on_the_page("pause mails")).code == 0
    assert run(on_the_page("resume --merchant")).out == "2 stops ended (live).\n"
    assert run(on_the_page("doctor --merchant")).out == "[]\n"
    asked = run(on_the_page("doctor E-7KQ2MD"))
    assert (asked.code, asked.err) == (1, "entrepot: acme has no order 'E-7KQ2MD'\n")
    with serve(registry.platform("woocommerce").simulator(Clock(start=START))) as address:
        shop = example_account(address).settings
        command = on_the_page("connections add").replace("https://shop.example", address)
        added = run(
            command.replace("=ck_1", f"={shop['consumer_key']}"),
            given=f"{shop['consumer_secret']}\n",
        )
        tested = run(on_the_page("connections test"))
        live = run(on_the_page("connections go-live"))
    assert (added.code, tested.code, live.code) == (0, 0, 0), added.err + tested.err + live.err
    dump = tmp_path / "entrepot.dump"
    made = run(on_the_page("backup /backups").replace("/backups/entrepot.dump", str(dump)))
    assert (made.code, dump.exists()) == (0, True), made.err
