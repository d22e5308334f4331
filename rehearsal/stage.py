"""Puts a whole hub up for a rehearsal: PostgreSQL, sandbox, mail server, processes, a merchant."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from entrepot.cli.supervisor import BEGIN
from entrepot.database.embedded import EmbeddedServer
from rehearsal.post_office import PostOffice, post_office
from rehearsal.processes import ROOT, Hub, address_of, listener, starter
from rehearsal.speaking import HubApi, Sandbox

READY_WITHIN_S = 300.0
USUAL_THREADS = 8


class NotReady(Exception):
    """A part of the stage did not come up; the message names it and its log."""


@dataclass(kw_only=True)
class Stage:
    """Everything that a rehearsal plays with."""

    folder: Path
    server: EmbeddedServer
    sandbox: Sandbox
    office: PostOffice
    hub: Hub
    api: HubApi
    edge: str
    web: str
    environment: dict[str, str]
    orders: int
    seed: int
    merchant: dict[str, Any] = field(default_factory=dict)
    to_strike: frozenset[str] = frozenset()  # crash points that will, and have not yet

    @property
    def crash_points(self) -> Path:
        """The folder where strikes are armed."""
        return self.folder / "points"

    def sell_some(self, count: int) -> None:
        """Let a few sales happen at the shops, at once."""
        self.sandbox.tell("sell", count=count, seed=self.seed + len(self.office.taken))

    def entrepot(self, *words: str) -> str:
        """Run one `entrepot` command as a person would; what it printed."""
        return _run([sys.executable, "-m", "entrepot", *words], self.environment)


@contextmanager
def stage(
    *,
    orders: int,
    seed: int,
    haste: float,
    workers: int,
    is_durable: bool = True,
    code: Path | None = None,
    folder: Path | None = None,
) -> Iterator[Stage]:
    """A hub that is up, with a merchant whose accounts are all live; everything ends with it.

    `code` is a folder with another `entrepot` package, for the hub only. PostgreSQL
    flushes nothing to the disk unless `is_durable`: it survives its own death, not the machine's.
    """
    with ExitStack() as stack:
        place = folder or Path(tempfile.mkdtemp(prefix="rehearsal-"))
        if folder is None:
            stack.callback(shutil.rmtree, place, ignore_errors=True)
        (place / "points").mkdir(parents=True)
        place.chmod(0o755)  # the server's own user has to enter it
        log = stack.enter_context((place / "hub.log").open("ab"))
        sockets = {name: stack.enter_context(listener()) for name in ("edge", "web", "sandbox")}
        office = stack.enter_context(post_office(seed))
        environment = _environment(place, sockets, mail_port=office.port, haste=haste)
        if code is not None:
            environment["PYTHONPATH"] = str(code)
        server = EmbeddedServer(place / "data" / "postgres", for_tests=not is_durable)
        server.start()
        stack.callback(server.stop)
        _serve_sandbox(stack, sockets["sandbox"], environment, log)
        hub = stack.enter_context(
            starter(environment, sockets=[sockets["edge"], sockets["web"]], log=log)
        )
        _run([sys.executable, "-m", "entrepot", "migrate", "--quiet"], environment)
        hub.add("edge", "edge", "--descriptor", str(sockets["edge"].fileno()))
        hub.add("web", "web", "--descriptor", str(sockets["web"].fileno()))
        for number in range(workers):
            hub.add(f"worker-{number + 1}", "worker")
        built = Stage(
            folder=place,
            server=server,
            sandbox=Sandbox(address_of(sockets["sandbox"])),
            office=office,
            hub=hub,
            api=HubApi(address_of(sockets["web"]), ""),
            edge=address_of(sockets["edge"]),
            web=address_of(sockets["web"]),
            environment=environment,
            orders=orders,
            seed=seed,
        )
        _open(built)
        yield built


def _open(built: Stage) -> None:
    """Wait until everything answers, and set the merchant up."""
    for address, path in (
        (built.sandbox.address, "/healthz"),
        (built.edge, "/healthz"),
        (built.web, "/readyz"),
    ):
        _wait_for(f"{address}{path}", log=built.folder / "hub.log")
    built.sandbox.tell("clock", speed=1)  # both clocks begin alike
    command = [sys.executable, "-m", "rehearsal.setting_up", built.sandbox.address]
    built.merchant = json.loads(_run(command, built.environment))
    built.api.key = built.merchant["key"]


def _environment(
    place: Path, sockets: Mapping[str, socket.socket], *, mail_port: int, haste: float
) -> dict[str, str]:
    """The settings of the hub, as its processes and its commands get them."""
    return {
        **_inherited(),
        "DJANGO_SETTINGS_MODULE": "entrepot.config.settings",
        "ENTREPOT_DATA": str(place / "data"),
        "ENTREPOT_URL": address_of(sockets["edge"]),
        "ENTREPOT_SECRET_KEYS": secrets.token_hex(32),
        "ENTREPOT_SANDBOX": "1",
        "ENTREPOT_SANDBOX_URL": address_of(sockets["sandbox"]),
        "ENTREPOT_SANDBOX_MAIL": f"smtp://127.0.0.1:{mail_port}",
        "ENTREPOT_HASTE": f"{haste:g}",
        "ENTREPOT_WORKER_THREADS": str(USUAL_THREADS),
        "ENTREPOT_LOG_LEVEL": "warning",
        "ENTREPOT_CRASH_POINTS": str(place / "points"),
    }


def _serve_sandbox(stack: ExitStack, listening: Any, environment: Any, log: Any) -> None:
    """The simulated world is never the mutated code's, and dies only with the stage."""
    descriptor = listening.fileno()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "entrepot", "sandbox", "--supervised"),
            *("--descriptor", str(descriptor)),
        ],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        env={name: value for name, value in environment.items() if name != "PYTHONPATH"},
        stderr=log,
        stdout=log,
        pass_fds=[descriptor],
    )
    assert process.stdin is not None
    process.stdin.write(BEGIN)
    process.stdin.flush()
    stack.callback(process.wait)
    stack.callback(process.kill)


def _inherited() -> dict[str, str]:
    """This process's environment without settings of another hub."""
    strange = ("ENTREPOT_", "DATABASE_", "DJANGO_", "STRIPE_", "PRODIGI_", "PYTHONPATH")
    return {name: value for name, value in os.environ.items() if not name.startswith(strange)}


def _run(words: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode:
        raise NotReady(f"{' '.join(words[2:])} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def _wait_for(url: str, *, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        try:
            if httpx.get(url, timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise NotReady(f"{url} does not answer; its log ends: {log.read_text()[-2000:]}")
