"""How the command line speaks: help, errors, exit codes."""

import subprocess
import sys

import click
import pytest

from entrepot.cli import main as command_line
from entrepot.cli.main import COMMANDS, Entry, main


@click.command()
@click.argument("how")
def failing(how: str) -> None:
    match how:
        case "plainly":
            raise ValueError("cannot ship order\n  E-7: it is closed")
        case "silently":
            raise KeyError
        case _:
            raise KeyboardInterrupt


@pytest.fixture
def failing_command() -> object:
    COMMANDS["failing"] = Entry(f"{__name__}:failing", "Fail, for this test.")
    yield
    del COMMANDS["failing"]


def test_every_command_of_the_table_can_be_loaded_and_says_what_it_does() -> None:
    group = command_line.cli
    assert isinstance(group, click.Group)
    context = click.Context(group)

    for name, entry in COMMANDS.items():
        command = group.get_command(context, name)
        assert command is not None, name
        assert command.name == name
        assert command.help, name
        assert entry.help.endswith("."), name


def test_help_names_every_command_and_loads_no_django() -> None:
    program = (
        "import sys; from entrepot.cli.main import main; code = main(['--help']);"
        " assert 'django' not in sys.modules; assert 'psycopg' not in sys.modules; sys.exit(code)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    for name, entry in COMMANDS.items():
        assert name in done.stdout
        assert entry.help in done.stdout


@pytest.mark.parametrize(
    ("_case", "words", "code", "told"),
    [
        (
            "an unknown command",
            ["ship-it"],
            2,
            "entrepot: No such command 'ship-it'. (see `entrepot --help`)\n",
        ),
        (
            "a missing argument",
            ["failing"],
            2,
            "entrepot: Missing argument 'HOW'. (see `entrepot failing --help`)\n",
        ),
        (
            "a failure in several lines",
            ["failing", "plainly"],
            1,
            "entrepot: cannot ship order E-7: it is closed\n",
        ),
        ("a failure without words", ["failing", "silently"], 1, "entrepot: KeyError\n"),
        ("Ctrl-C", ["failing", "by hand"], 130, ""),
    ],
)
@pytest.mark.usefixtures("failing_command")
def test_an_error_is_one_line_and_an_exit_code(
    _case: str, words: list[str], code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == code

    seen = capsys.readouterr()
    assert seen.err.removeprefix("\n") == told
    assert seen.out == ""


@pytest.mark.usefixtures("failing_command")
def test_debug_shows_where_an_error_came_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--debug", "failing", "plainly"]) == 1

    assert "Traceback" in capsys.readouterr().err


def test_all_faults_of_the_environment_are_named_at_once() -> None:
    environment = {"ENTREPOT_URL": "ftp://x", "ENTREPOT_WORKER_THREADS": "many", "PATH": ""}

    done = subprocess.run(
        [sys.executable, "-c", "import entrepot.config.settings"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )

    assert done.returncode == 1
    assert "ENTREPOT_URL: 'ftp://x' is not an http or https address" in done.stderr
    assert "ENTREPOT_WORKER_THREADS: 'many' is not a whole number above zero" in done.stderr
