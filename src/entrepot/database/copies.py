"""Logical copies of the database: made, verified by restoring them, and restored.

A copy holds every row and none of the keys: what is sealed in it opens only with the secret keys,
which are kept apart from it on purpose.
"""

import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

TABLES = """
    SELECT relname FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
    ORDER BY relname
"""


class CopyFailed(Exception):
    """A copy could not be made, verified or restored; the message quotes the program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A verified copy: where, how large, and how many rows each table has in it.

    `proof` is "restored", or "read" where the server does not let us make a scratch database: then
    the whole file was read back, and the rows are those of the original.
    """

    path: Path
    size: int
    rows: dict[str, int]
    proof: str


def make(url: str, path: Path, *, programs: Path, superuser_url: str) -> Copied:
    """Copy the database behind the owner's `url` to a file and prove that it can be restored.

    The proof is a restore into a scratch database of the same server, which is dropped again. The
    file appears under its name only once it is proven.

    Raises:
        CopyFailed: with the words of the program that failed.
    """
    unproven = path.with_name(f".{path.name}.unproven")
    unproven.parent.mkdir(parents=True, exist_ok=True)
    # Row-level security is on for the owner too; its own policy lets it see every row.
    _run(
        str(programs / "pg_dump"),
        "--format=custom",
        "--compress=6",
        "--enable-row-security",
        "--no-owner",
        "--no-privileges",
        f"--file={unproven}",
        url,
    )
    unproven.chmod(0o600)
    proof, rows = _prove(url, unproven, programs=programs, superuser_url=superuser_url)
    unproven.rename(path)
    return Copied(path=path, size=path.stat().st_size, rows=rows, proof=proof)


def restore(url: str, path: Path, *, programs: Path) -> dict[str, int]:
    """Restore a copy into the empty database behind `url`; answers with the rows of each table.

    Raises:
        CopyFailed: the file is no copy, or the database is not empty.
    """
    if not path.is_file():
        raise CopyFailed(f"cannot restore {path}: there is no such file")
    with psycopg.connect(url) as connection:
        tables = connection.execute(TABLES).fetchall()
    if tables:
        raise CopyFailed(
            f"cannot restore into a database that has {len(tables)} tables: name an empty one"
        )
    _restore(url, path, programs=programs)
    return _count(url)


def _prove(
    url: str, copy: Path, *, programs: Path, superuser_url: str
) -> tuple[str, dict[str, int]]:
    scratch = f"entrepot_proof_{secrets.token_hex(4)}"
    name = Identifier(scratch)
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        try:
            connection.execute(SQL("CREATE DATABASE {}").format(name))
        except psycopg.errors.InsufficientPrivilege:
            _run(str(programs / "pg_restore"), "--file=/dev/null", str(copy))
            return "read", _count(url)
        try:
            scratch_url = _with_database(superuser_url, scratch)
            _restore(scratch_url, copy, programs=programs)
            return "restored", _count(scratch_url)
        finally:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def _restore(url: str, path: Path, *, programs: Path) -> None:
    _run(
        str(programs / "pg_restore"),
        "--no-owner",
        "--no-privileges",
        "--exit-on-error",
        "--single-transaction",
        f"--dbname={url}",
        str(path),
    )


def _count(url: str) -> dict[str, int]:
    with psycopg.connect(url) as connection:
        names = [row[0] for row in connection.execute(TABLES)]
        counts = {}
        for name in names:
            counted = connection.execute(SQL("SELECT count(*) FROM {}").format(Identifier(name)))
            row = counted.fetchone()
            counts[name] = int(row[0]) if row else 0
    return counts


def _run(*words: str) -> None:
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 -- ours
    except OSError as error:
        raise CopyFailed(f"cannot run {words[0]}: {error}") from error
    if done.returncode != 0:
        told = done.stderr.strip().splitlines()[:3]
        raise CopyFailed(f"{Path(words[0]).name}: {' '.join(told)}")


def _with_database(url: str, name: str) -> str:
    head, _, _tail = url.rpartition("/")
    return f"{head}/{name}"
