"""The environment of a test run: its own data folder, its own keys, its own PostgreSQL.

Imported before Django's settings, so nothing here may import Django. The process that begins the
run (pytest itself, or xdist's controller) makes the folder and removes it; xdist's workers inherit
its name from the environment.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from entrepot.database.embedded import EmbeddedServer

FOLDER = "ENTREPOT_TESTS_FOLDER"
SECRET_KEY = "5e" * 32
# Read by the settings; the server's address is known once a test needs the database.
VARIABLES = {
    "DJANGO_SETTINGS_MODULE": "entrepot.config.settings",
    "DATABASE_URL": "postgresql://entrepot_owner:tests@127.0.0.1:1/entrepot",
    "ENTREPOT_SECRET_KEYS": SECRET_KEY,
    "ENTREPOT_URL": "http://testserver",
    "ENTREPOT_LOG_FORMAT": "console",
    "ENTREPOT_WORKER_THREADS": "8",
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
        os.environ[FOLDER] = str(made)
        _began_here = True
    os.environ.update(VARIABLES)
    os.environ["ENTREPOT_DATA"] = str(folder() / f"data-{os.getpid()}")


def folder() -> Path:
    """The folder of this run."""
    return Path(os.environ[FOLDER])


def server() -> EmbeddedServer:
    """The run's PostgreSQL; the first who asks makes and starts it."""
    postgres = EmbeddedServer(folder() / "postgres", for_tests=True)
    postgres.start()
    return postgres


@contextmanager
def alone() -> Iterator[None]:
    """Let the processes of a run through one by one."""
    with (folder() / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def clean_up() -> None:
    """Stop the server and remove the folder, if this process began the run."""
    if not _began_here:
        return
    EmbeddedServer(folder() / "postgres", for_tests=True).stop()
    shutil.rmtree(folder(), ignore_errors=True)
