"""Prepare `.venv`: the locked dependencies and this project, editable. Standard library only.

Usage: `python3 tools/setup.py runtime|dev`, or `python3 tools/setup.py lock [--upgrade]`.

A second run with unchanged locks does nothing: each finished installation leaves a stamp with the
hash of what it was made from. The development environment contains the runtime one.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
LOCKS = {"runtime": ROOT / "requirements.lock", "dev": ROOT / "requirements-dev.lock"}
UV_LOCK = ROOT / "requirements-uv.lock"
PROJECT = ROOT / "pyproject.toml"
OLDEST_PYTHON = (3, 11)
# What the processes of a hub import, for the first of them to find it compiled.
IMPORTS = """
import django
django.setup()
import entrepot.config.asgi, entrepot.sandbox.app, entrepot.tasks.worker
from django.db.migrations.loader import MigrationLoader
from entrepot.tasks import registry
MigrationLoader(None)
registry.load()
"""


class SetupFailed(Exception):
    pass


def prepare(kind: str) -> None:
    """Make `.venv` hold the named lock and the project, unless it already does."""
    wanted = _fingerprint(kind)
    if _stamp(kind).is_file() and _stamp(kind).read_text() == wanted:
        return
    if kind == "runtime" and _stamp("dev").is_file():
        if _stamp("dev").read_text() == _fingerprint("dev"):
            return
        kind, wanted = "dev", _fingerprint("dev")  # never take a developer's tools away

    print(f"Setting up .venv from {LOCKS[kind].name} ...", file=sys.stderr, flush=True)
    _make_venv()
    for stale in LOCKS:
        _stamp(stale).unlink(missing_ok=True)
    _uv("pip", "sync", "--require-hashes", str(LOCKS[kind]))
    _uv("pip", "install", "--no-deps", "--editable", str(ROOT))
    _compile()
    _stamp(kind).write_text(wanted)


def lock(options: list[str]) -> None:
    """Rewrite the lock files from pyproject.toml, for every system and Python that it allows."""
    _make_venv()
    compiled = ("--universal", "--generate-hashes", "--no-header", "--no-annotate", "--quiet")
    for kind, path in LOCKS.items():
        group = ["--group", "dev"] if kind == "dev" else []
        _uv("pip", "compile", str(PROJECT), *group, *compiled, "-o", str(path), *options)


def _make_venv() -> None:
    if sys.version_info < OLDEST_PYTHON:
        raise SetupFailed(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}")
    if not (BIN / "python").exists() and not (BIN / "python.exe").exists():
        try:
            venv.create(VENV, with_pip=True, clear=True, symlinks=os.name != "nt")
        except subprocess.CalledProcessError as error:
            shutil.rmtree(VENV, ignore_errors=True)
            raise SetupFailed(
                "this Python cannot make a virtual environment with pip: install the package"
                " that holds its venv and ensurepip modules (Debian: python3-venv)"
            ) from error
    pip = [str(BIN / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--require-hashes", "--requirement", str(UV_LOCK)])


def _compile() -> None:
    """Keep the bytecode of what a hub imports.

    Its processes start at the same moment: each would compile all of it, and where
    PYTHONDONTWRITEBYTECODE is set would do so at every start, which takes longer than the start.
    """
    strange = ("ENTREPOT_", "DATABASE_", "PYTHONDONTWRITEBYTECODE")
    environment = {name: it for name, it in os.environ.items() if not name.startswith(strange)}
    subprocess.run(
        [str(BIN / "python"), "-c", IMPORTS],
        cwd=ROOT,
        env={
            **environment,
            "DJANGO_SETTINGS_MODULE": "entrepot.config.settings",
            "ENTREPOT_SECRET_KEYS": "00" * 32,  # of no use to anybody: no data are touched
        },
        check=False,  # what cannot be imported says so when it is used
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _uv(*arguments: str) -> None:
    quiet = () if "--quiet" in arguments else ("--quiet",)
    _run([str(BIN / "python"), "-m", "uv", *arguments, *quiet])


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command,
        cwd=ROOT,
        # Certificates that the machine trusts (a company's own, say) count for uv as for pip.
        env={"UV_SYSTEM_CERTS": "1", **os.environ, "VIRTUAL_ENV": str(VENV)},
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        raise SetupFailed(f"{' '.join(command[1:6])} ... ended with {done.returncode}; see above")


def _fingerprint(kind: str) -> str:
    parts = [LOCKS[kind], UV_LOCK, PROJECT]
    content = b"\0".join(part.read_bytes() for part in parts)
    return hashlib.sha256(content + sys.version.encode() + str(ROOT).encode()).hexdigest()


def _stamp(kind: str) -> Path:
    return VENV / f".entrepot-{kind}"


def main(arguments: list[str]) -> int:
    """Run one command of the usage above; a failure is one line."""
    try:
        match arguments:
            case ["runtime" | "dev" as kind]:
                prepare(kind)
            case ["lock", *options]:
                lock(options)
            case _:
                raise SetupFailed("usage: setup.py runtime | dev | lock [--upgrade]")
    except SetupFailed as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
