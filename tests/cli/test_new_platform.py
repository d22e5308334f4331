"""`entrepot new-platform`: what it begins keeps every rule from the first minute."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from entrepot.connect import manifest
from tests.cli.shell import run

ROOT = Path(__file__).resolve().parent.parent.parent
COPIED = ("src", "tests", "tools", "conftest.py", "pyproject.toml")
# It wants what only a person can write: which pages were read, and what was done.
FOR_A_PERSON = (
    "test_folders.py::test_the_readme_says_which_pages_were_read_and_the_quality_list_is_filled"
)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A copy of the checkout, without its history."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.timeout(300)
def test_a_begun_platform_is_found_conforms_and_lacks_only_what_a_person_writes(
    scratch: Path,
) -> None:
    done = run(f"new-platform acme --name 'Acme Prints' --into {scratch}/src/entrepot/connectors")
    assert done.code == 0, done.err

    ran = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider"),
            *("-k", "acme", "tests/conformance", "src/entrepot/connectors/acme"),
        ],
        cwd=scratch,
        capture_output=True,
        check=False,
        text=True,
        timeout=280,
    )

    for check in ("check", "format --check"):
        linted = subprocess.run(
            ["ruff", *check.split(), "src/entrepot/connectors/acme"],
            executable=Path(sys.executable).with_name("ruff"),
            cwd=scratch,
            capture_output=True,
            check=False,
            text=True,
        )
        assert linted.returncode == 0, linted.stdout
    failed = re.findall(r"^FAILED (\S+)\[acme\]", ran.stdout, re.MULTILINE)
    passed = re.search(r"(\d+) passed", ran.stdout)
    assert failed == [f"tests/conformance/{FOR_A_PERSON}"], ran.stdout[-3000:]
    assert passed is not None
    assert int(passed[1]) > 20


def test_a_folder_that_exists_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "acme").mkdir()

    done = run(f"new-platform acme --into {tmp_path}")

    assert (done.code, done.out) == (1, "")
    assert done.err == (
        f"entrepot: {tmp_path}/acme exists: remove it first, or choose another code\n"
    )
    assert list((tmp_path / "acme").iterdir()) == []


def test_a_code_that_is_no_name_is_refused(tmp_path: Path) -> None:
    answer = run(f"new-platform Pack-Pferd --into {tmp_path}")

    assert (answer.code, list(tmp_path.iterdir())) == (1, [])


@pytest.mark.parametrize("code", ["größe", "_acme", "2nd", "class"])
def test_a_code_is_a_plain_word(tmp_path: Path, code: str) -> None:
    answer = run(f"new-platform {code} --into {tmp_path}")

    assert (answer.code, list(tmp_path.iterdir())) == (1, [])
    assert f"{code!r} cannot be a platform's code" in answer.err


@pytest.mark.parametrize("name", ['The "Best" Prints', "Acme\\Prints", "Acme\nPrints"])
def test_a_name_that_would_break_the_files_is_refused(tmp_path: Path, name: str) -> None:
    answer = run(f"new-platform acme --name {shlex.quote(name)} --into {tmp_path}")

    assert (answer.code, list(tmp_path.iterdir())) == (1, [])
    assert "cannot be a platform's name here: it has quotation marks" in answer.err


@pytest.mark.timeout(300)
def test_what_a_claim_lacks_is_named_by_the_suite(scratch: Path) -> None:
    folder = scratch / "src" / "entrepot" / "connectors" / "acme"
    assert run(f"new-platform acme --name 'Acme Prints' --into {folder.parent}").code == 0
    told = folder / "manifest.toml"
    told.write_text(told.read_text().replace('"ping"]', '"ping", "cancel", "pull_orders"]'))

    ran = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider"),
            *("-k", "acme", "tests/conformance/test_folders.py"),
        ],
        cwd=scratch,
        capture_output=True,
        check=False,
        text=True,
        timeout=280,
    )

    for words in (
        "add to connectors/acme/client.py what connect/ports.py says of these",
        "Fulfills.cancel",
        "Pulls.pull",
        "add to its manifest.toml: [effects.cancel] with its guarantee",
        "say in its manifest.toml, under [poll_seconds]",
        "add to connectors/acme/simulator.py",
    ):
        assert words in ran.stdout


def test_a_capability_that_nobody_knows_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    assert run(f"new-platform acme --name 'Acme Prints' --into {tmp_path}").code == 0
    told = tmp_path / "acme" / "manifest.toml"
    told.write_text(told.read_text().replace('"ping"]', '"ping", "pull_ordrs"]'))

    with pytest.raises(manifest.BadManifest) as raised:
        manifest.read(told)

    assert str(raised.value).startswith(
        "manifest of acme: unknown capability 'pull_ordrs' (known: cancel, capture, change_"
    )
