"""`entrepot up`: the whole hub on one machine, under one supervisor that loads no Django."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from entrepot.cli.failure import CommandFailed
from entrepot.cli.hub import data_folder, embedded_server
from entrepot.cli.roles import listener
from entrepot.cli.running import RunningHub, Whereabouts
from entrepot.cli.supervisor import Child, Supervisor
from entrepot.config.environment import Environment
from entrepot.database.embedded import EmbeddedServer

PROBE_S = 1.0
DATABASE_CHECK_S = 2.0
# How long processes of a killed hub may take to notice and to let go of the address.
LEFTOVERS_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the command line asked for; ports of 0 mean any free one."""

    host: str
    port: int
    is_json: bool
    has_sandbox: bool
    sandbox_port: int


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--sandbox", "has_sandbox", is_flag=True, help="Run the simulated platforms as well.")
@click.option("--sandbox-port", default=8001, show_default=True, type=click.IntRange(0, 65535))
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object when ready.")
def up(*, host: str, port: int, has_sandbox: bool, sandbox_port: int, is_json: bool) -> None:
    """Run the whole hub on this machine: database, web, worker.

    Without DATABASE_URL it runs a PostgreSQL of its own in the data folder. A second start on the
    same data folder says where the first one is. Ctrl-C or SIGTERM ends everything in order.
    """
    wish = Wish(
        host=host, port=port, is_json=is_json, has_sandbox=has_sandbox, sandbox_port=sandbox_port
    )
    hub = RunningHub(data_folder())
    previous = hub.whereabouts()
    if not hub.claim():
        _tell_of(previous or _wait_for_whereabouts(hub), is_json=is_json)
        return
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        _run(wish, hub, stop, patience_s=LEFTOVERS_S if previous else 0.0)
    finally:
        hub.release()


def _run(wish: Wish, hub: RunningHub, stop: threading.Event, *, patience_s: float) -> None:
    web = _listener(wish.host, wish.port, patience_s=patience_s)
    sandbox = (
        _listener(wish.host, wish.sandbox_port, patience_s=patience_s, option="--sandbox-port")
        if wish.has_sandbox
        else None
    )
    whereabouts = Whereabouts(
        pid=os.getpid(),
        address=_address(web),
        sandbox=_address(sandbox) if sandbox else "",
        allows_private=Environment().flag(
            "ENTREPOT_ALLOW_PRIVATE_ADDRESSES", default=sandbox is not None
        ),
    )
    environment = _environment(whereabouts)
    server = embedded_server()
    if server is not None:
        server.start()
    try:
        children = [_child("web", web), Child(name="worker", command=_command("worker"))]
        if sandbox is not None:
            # A call that is under way when the hub ends still gets its answer.
            children.append(_child("sandbox", sandbox, ends_last=True))
        with _migration(environment) as migration:
            watch = _Watch(whereabouts, wish, hub, server)
            supervisor = Supervisor(
                children,
                environment=environment,
                report=_note,
                each_tick=lambda: _begin_when_migrated(migration, supervisor, watch),
                may_begin=False,
            )
            supervisor.run(stop)
    finally:
        if server is not None:
            server.stop()


class _Watch:
    """What the supervisor looks at beside its children: the first answer, and the database."""

    def __init__(
        self, whereabouts: Whereabouts, wish: Wish, hub: RunningHub, server: EmbeddedServer | None
    ) -> None:
        self._whereabouts = whereabouts
        self._wish = wish
        self._hub = hub
        self._server = server
        self._is_announced = False
        self._database_checked_at = time.monotonic()

    def __call__(self) -> None:
        if not self._is_announced and _is_ready(self._whereabouts.address):
            self._is_announced = True
            self._hub.announce(self._whereabouts)
            _tell(self._whereabouts, is_json=self._wish.is_json, is_new=True)
        if self._server is None or time.monotonic() - self._database_checked_at < DATABASE_CHECK_S:
            return
        self._database_checked_at = time.monotonic()
        if not self._server.is_running():
            _note("PostgreSQL ended, starting it again")
            self._server.start()


def _listener(host: str, port: int, *, patience_s: float, option: str = "--port") -> socket.socket:
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return listener(host, port, option=option)
        except CommandFailed:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.2)


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 -- compared, not bound
    return (
        f"http://[{shown}]:{port}"
        if ":" in shown and "[" not in shown
        else f"http://{shown}:{port}"
    )


def _environment(whereabouts: Whereabouts) -> dict[str, str]:
    given = {"ENTREPOT_URL": url} if (url := os.environ.get("ENTREPOT_URL")) else {}
    return {**whereabouts.settings(), **given, "ENTREPOT_DATA": str(data_folder())}


def _command(role: str, *options: str) -> list[str]:
    return [sys.executable, "-m", "entrepot", role, "--supervised", *options]


def _child(role: str, listening: socket.socket, *, ends_last: bool = False) -> Child:
    # The socket is bound here and inherited: while the process is being restarted, requests wait
    # instead of being refused.
    descriptor = listening.fileno()
    return Child(
        name=role,
        command=_command(role, "--descriptor", str(descriptor)),
        descriptors=(descriptor,),
        ends_last=ends_last,
    )


@contextmanager
def _migration(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Bring the database up to date, in a process of its own: the others load meanwhile."""
    process = subprocess.Popen(
        [sys.executable, "-m", "entrepot", "migrate", "--quiet"],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _begin_when_migrated(
    migration: subprocess.Popen[bytes], supervisor: Supervisor, watch: "_Watch"
) -> None:
    code = migration.poll()
    if code is None:
        return
    if code != 0:
        raise CommandFailed("the database could not be brought up to date; the line above says why")
    if not supervisor.may_begin:
        supervisor.let_begin()
    watch()


def _is_ready(address: str) -> bool:
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=PROBE_S)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _wait_for_whereabouts(hub: RunningHub) -> Whereabouts | None:
    """The other one may still be starting: give it as long as a start takes."""
    deadline = time.monotonic() + LEFTOVERS_S
    while time.monotonic() < deadline and hub.is_running():
        if found := hub.whereabouts():
            return found
        time.sleep(0.2)
    return None


def _tell_of(whereabouts: Whereabouts | None, *, is_json: bool) -> None:
    if whereabouts is None:
        raise CommandFailed(
            f"another process is starting a hub on {data_folder()}; try again in a moment"
        )
    _tell(whereabouts, is_json=is_json, is_new=False)


def _tell(whereabouts: Whereabouts, *, is_json: bool, is_new: bool) -> None:
    if is_json:
        click.echo(json.dumps({**asdict(whereabouts), "already_running": not is_new}))
        return
    if not is_new:
        click.echo(f"Entrepot already runs at {whereabouts.address} (process {whereabouts.pid}).")
        return
    click.echo(f"Entrepot is ready at {whereabouts.address}")
    if whereabouts.sandbox:
        click.echo(f"The sandbox is at    {whereabouts.sandbox}")
    click.echo(f"Its data are in      {_short(data_folder())}. Ctrl-C ends it.")


def _short(folder: Path) -> str:
    try:
        return str(folder.relative_to(Path.cwd()))
    except ValueError:
        return str(folder)


def _note(text: str) -> None:
    click.echo(f"entrepot: {text}", err=True)
