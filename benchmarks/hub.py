"""A hub of its own for a benchmark: a data folder, a PostgreSQL that flushes, migrated tables."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from entrepot.database.embedded import EmbeddedServer


@contextmanager
def fresh_hub(environment: Mapping[str, str] | None = None) -> Iterator[EmbeddedServer]:
    """Make and start an empty hub; child processes find it by the environment.

    `environment` are settings besides the usual ones.
    """
    with tempfile.TemporaryDirectory(prefix="entrepot-bench-") as name:
        Path(name).chmod(0o755)  # the server's unprivileged user has to enter it
        with hub_in(Path(name), environment) as server:
            yield server


@contextmanager
def hub_in(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[EmbeddedServer]:
    """Start the hub of a data folder, made and migrated if need be, and set up Django for it."""
    for variable in [one for one in os.environ if one.startswith(("ENTREPOT_", "DATABASE_"))]:
        del os.environ[variable]
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "entrepot.config.settings",
        "ENTREPOT_DATA": str(folder),
        "ENTREPOT_LOG_LEVEL": "warning",
        **(environment or {}),
    }
    server = EmbeddedServer(folder / "postgres")
    server.start()
    try:
        import django  # noqa: PLC0415 -- after the environment is set

        django.setup()
        from entrepot.database.migrate import migrate_database  # noqa: PLC0415 -- app not ready

        migrate_database()
        yield server
    finally:
        server.stop()
