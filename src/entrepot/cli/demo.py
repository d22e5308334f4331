"""`entrepot demo`: a whole hub beside a simulated world, and a day's orders on their way."""

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
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
from rich.console import Console

from entrepot.cli import summary
from entrepot.cli.failure import CommandFailed
from entrepot.cli.following import Run, follow
from entrepot.cli.hub import data_folder, set_up_django

if TYPE_CHECKING:
    from types import FrameType

DATA = Path("data") / "demo"
START_S = 180.0
PORT, SANDBOX_PORT = 8000, 8001
OWN_WORDS = "entrepot: "
CALM = "calm"

console = Console(stderr=True)


class Stopped(BaseException):
    """Somebody pressed Ctrl-C, or sent SIGTERM, before there was anything to show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the command line asked for. A port of None: the usual one, or any when that is taken."""

    orders: int
    seed: int
    speed: float
    scenario: str
    port: int | None
    sandbox_port: int | None
    exits: bool
    is_json: bool


@click.command()
@click.option("--orders", default=200, show_default=True, type=click.IntRange(1, 20_000))
@click.option(
    "--seed",
    default=7,
    show_default=True,
    help="The same seed places the same orders in new data, and others in each later run.",
)
@click.option(
    "--speed",
    default=120.0,
    show_default=True,
    type=click.FloatRange(1, 100_000),
    help="Sandbox seconds per second.",
)
@click.option(
    "--scenario", default="calm", show_default=True, help="Troubles; docs/sandbox.md has them."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), help=f"{PORT}, or any when that is taken; 0: any."
)
@click.option("--sandbox-port", type=click.IntRange(0, 65535), help=f"Likewise, {SANDBOX_PORT}.")
@click.option("--exit", "exits", is_flag=True, help="End when all is quiet, instead of Ctrl-C.")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object last.")
def demo(**options: Any) -> int:
    """Run the hub with simulated platforms, and watch orders go through it.

    Its data are in data/demo unless ENTREPOT_DATA says otherwise; a second start goes on with them.
    """
    wish = Wish(**options)
    os.environ.setdefault("ENTREPOT_DATA", str(DATA.absolute()))
    began = time.monotonic()
    stop = _Stop()
    try:
        with _running_hub(wish, stop) as hub:
            return _run(wish, hub, stop, began)
    except Stopped:
        return 130


class _Stop(threading.Event):
    """Set by Ctrl-C and SIGTERM. While `interrupts`, the first of them also ends what is going on.

    What it raises passes through every `finally`: the hub is ended in order. Further signals are
    heard and change nothing, so that nothing is left behind half ended.
    """

    def __init__(self) -> None:
        super().__init__()
        self.interrupts = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hear)

    def _hear(self, _number: int, _frame: "FrameType | None") -> None:
        is_first = not self.is_set()
        self.set()
        if is_first and self.interrupts:
            raise Stopped


def _run(wish: Wish, hub: dict[str, Any], stop: _Stop, began: float) -> int:
    os.environ |= {
        "ENTREPOT_URL": hub["address"],
        "ENTREPOT_SANDBOX": "1",
        "ENTREPOT_SANDBOX_URL": hub["sandbox"],
        "ENTREPOT_LOG_LEVEL": "error",
    }
    set_up_django()
    from entrepot.events.outbox import because  # noqa: PLC0415 -- app not ready
    from entrepot.sandbox import setting_up  # noqa: PLC0415 -- app not ready
    from entrepot.sandbox.telephone import Telephone  # noqa: PLC0415 -- app not ready

    telephone = Telephone(hub["sandbox"])
    known = telephone.ask("scenarios")
    if wish.scenario not in known:
        raise CommandFailed(f"no scenario {wish.scenario!r}: known are {', '.join(known)}")
    with because(actor="command_line"):
        telephone.tell("scenario", name=CALM, seed=wish.seed)  # a hub that runs may have another
        with console.status("Setting up a merchant and the accounts …"):
            merchant = setting_up.set_up(telephone)
        telephone.tell("clock", speed=wish.speed)
        telephone.tell("scenario", name=wish.scenario, seed=wish.seed)
        summary.show_addresses(hub, merchant, tracked_order_id=None, console=console)
        run = Run(
            orders=wish.orders,
            seed=wish.seed,
            speed=wish.speed,
            telephone=telephone,
            merchant=merchant,
            stop=stop,
        )
        tally = follow(run, console)
    stands = summary.standing(tally, merchant)
    deliveries = telephone.ask("state")["deliveries"]
    figures = summary.figures(
        tally, stands, deliveries=deliveries, seconds=time.monotonic() - began
    )
    summary.show(tally, stands, console=console)
    if wish.is_json:
        click.echo(json.dumps(figures, ensure_ascii=False))
    if not wish.exits:
        summary.show_addresses(
            hub, merchant, tracked_order_id=tally.tracked_order_id, console=console
        )
        console.print("\nEverything keeps running. Ctrl-C ends it.")
        stop.interrupts = False
        stop.wait()
    return 1 if tally.lost or tally.doubled else 0


@contextmanager
def _running_hub(wish: Wish, stop: _Stop) -> Iterator[dict[str, Any]]:
    """The hub of the data folder, started unless it runs; ended again by whoever started it.

    Yields what `entrepot up --json` says: address, sandbox, pid.
    """
    with _log_file() as log:
        said_before = log.tell()
        process = _started(wish, log)
        try:
            stop.interrupts = True
            if stop.is_set():
                raise Stopped
            with console.status("Starting PostgreSQL, the hub, its worker and the sandbox …"):
                line = _first_line(process)
            if not line:
                raise CommandFailed(_why_not(process, said_before))
            told: dict[str, Any] = json.loads(line)
            if not told["sandbox"]:
                raise CommandFailed(
                    f"a hub without a sandbox runs on {data_folder()} (process {told['pid']}):"
                    " end it, or name another folder in ENTREPOT_DATA"
                )
            if told["already_running"]:
                console.print(
                    f"A hub runs here already (process {told['pid']}, {told['address']}):"
                    f" {wish.orders} more orders go through it, and the sign-in below is a new one."
                )
            yield told
        finally:
            stop.interrupts = False
            if process.poll() is None:
                console.print("Ending the hub …")
                process.send_signal(signal.SIGTERM)
                process.wait()


def _started(wish: Wish, log: IO[bytes]) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 -- our own command, no shell
        [
            *(sys.executable, "-m", "entrepot", "up", "--sandbox", "--json"),
            *("--port", str(_port(wish.port, PORT))),
            *("--sandbox-port", str(_port(wish.sandbox_port, SANDBOX_PORT))),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        start_new_session=True,
        text=True,
    )


def _port(wanted: int | None, usual: int) -> int:
    """The port that was asked for; else the usual one, or any when another program has that."""
    if wanted is not None:
        return wanted
    try:
        socket.create_server(("127.0.0.1", usual)).close()
    except OSError:
        return 0
    return usual


def _first_line(process: subprocess.Popen[str]) -> str:
    """The one line that says where the hub is; "" when it ends before, or takes too long."""
    assert process.stdout is not None
    lines: list[str] = []
    reader = threading.Thread(
        target=lambda stream: lines.append(stream.readline()), args=(process.stdout,), daemon=True
    )
    reader.start()
    deadline = time.monotonic() + START_S
    while reader.is_alive() and time.monotonic() < deadline:
        reader.join(0.1)
    return lines[0] if lines else ""


def _log_file() -> IO[bytes]:
    folder = data_folder()
    folder.mkdir(parents=True, exist_ok=True)
    return (folder / "demo.log").open("ab")


def _why_not(process: subprocess.Popen[str], said_before: int) -> str:
    """The hub's own words for why it did not start, as far as it had any."""
    path = data_folder() / "demo.log"
    with path.open("rb") as log:
        log.seek(said_before)
        lines = log.read().decode(errors="replace").splitlines()
    said = [line.removeprefix(OWN_WORDS) for line in lines if line.startswith(OWN_WORDS)]
    if said:
        return f"the hub did not start: {said[-1]}"
    code = process.poll()
    how = f"it ended with exit code {code}" if code is not None else f"not within {START_S:g} s"
    return f"the hub did not start ({how}): {path} says more"
