"""`entrepot demo`: a whole hub beside a simulated world, and a day's orders on their way."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

from entrepot.cli.failure import CommandFailed
from entrepot.cli.hub import data_folder, set_up_django

if TYPE_CHECKING:
    from entrepot.sandbox.counting import Tally
    from entrepot.sandbox.setting_up import Demo
    from entrepot.sandbox.telephone import Telephone

DATA = Path("data") / "demo"
START_S = 180.0
LOOK_EVERY_S = 2.0
# Nothing new for this long (real time): what is still under way will be so for a while.
QUIET_S = 25.0
LONGEST_S = 420.0
READ_EVERY_S = 8.0
SLICE = 10
BARS = ("placed", "in the hub", "submitted", "shipped", "told the shop", "delivered")

console = Console(stderr=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the command line asked for."""

    orders: int
    seed: int
    speed: float
    scenario: str
    port: int
    sandbox_port: int
    exits: bool
    is_json: bool


@click.command()
@click.option("--orders", default=200, show_default=True, type=click.IntRange(1, 20_000))
@click.option("--seed", default=7, show_default=True, help="The same seed places the same orders.")
@click.option("--speed", default=60.0, show_default=True, help="Sandbox seconds per second.")
@click.option(
    "--scenario", default="calm", show_default=True, help="Troubles; see the sandbox page."
)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--sandbox-port", default=8001, show_default=True, type=click.IntRange(0, 65535))
@click.option("--exit", "exits", is_flag=True, help="End when all is quiet, instead of Ctrl-C.")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object last.")
def demo(**options: Any) -> None:
    """Run the hub with simulated platforms, and watch orders go through it.

    Its data are in data/demo unless ENTREPOT_DATA says otherwise; a second start goes on with them.
    """
    wish = Wish(**options)
    os.environ.setdefault("ENTREPOT_DATA", str(DATA.absolute()))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    began = time.monotonic()
    with _running_hub(wish, stop) as hub:
        _run(wish, hub, stop, began)


def _run(wish: Wish, hub: dict[str, Any], stop: threading.Event, began: float) -> None:
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
    with because(actor="command_line"):
        with console.status("Setting up a merchant and the accounts …"):
            merchant = setting_up.set_up(telephone)
        telephone.tell("clock", speed=wish.speed)
        telephone.tell("scenario", name=wish.scenario, seed=wish.seed)
        _greet(hub, merchant)
        tally = _follow(wish, telephone, merchant, stop)
    told = _told(tally, telephone, seconds=time.monotonic() - began)
    _show(tally, hub, merchant)
    if wish.is_json:
        click.echo(json.dumps(told, ensure_ascii=False))
    if not wish.exits and not stop.is_set():
        console.print("\nEverything keeps running. Ctrl-C ends it.")
        stop.wait()


@contextmanager
def _running_hub(wish: Wish, stop: threading.Event) -> Iterator[dict[str, Any]]:
    """The hub of the data folder, started unless it runs; ended again by whoever started it.

    Yields what `entrepot up --json` says: address, sandbox, pid.
    """
    with console.status("Starting PostgreSQL, the hub, its worker and the sandbox …"):
        process = subprocess.Popen(  # noqa: S603 -- our own command, no shell
            [
                *(sys.executable, "-m", "entrepot", "up", "--sandbox", "--json"),
                *("--port", str(wish.port), "--sandbox-port", str(wish.sandbox_port)),
            ],
            stdout=subprocess.PIPE,
            stderr=_log_file(),
            start_new_session=True,
            text=True,
        )
        line = _first_line(process, stop)
    try:
        if not line:
            raise CommandFailed(
                f"the hub did not start: {data_folder() / 'demo.log'} says why"
                + (f" (exit code {process.returncode})" if process.poll() is not None else "")
            )
        told: dict[str, Any] = json.loads(line)
        if not told["sandbox"]:
            raise CommandFailed(
                f"a hub without a sandbox runs on {data_folder()} (process {told['pid']}): end it,"
                " or name another folder in ENTREPOT_DATA"
            )
        yield told
    finally:
        if process.poll() is None:
            with console.status("Ending the hub …"):
                process.send_signal(signal.SIGTERM)
                process.wait()


def _first_line(process: subprocess.Popen[str], stop: threading.Event) -> str:
    """The one line that says where the hub is; "" when it ends, or is stopped, before."""
    assert process.stdout is not None
    lines: list[str] = []
    reader = threading.Thread(
        target=lambda stream: lines.append(stream.readline()), args=(process.stdout,), daemon=True
    )
    reader.start()
    deadline = time.monotonic() + START_S
    while reader.is_alive() and not stop.is_set() and time.monotonic() < deadline:
        reader.join(0.1)
    return lines[0] if lines else ""


def _log_file() -> Any:
    folder = data_folder()
    folder.mkdir(parents=True, exist_ok=True)
    return (folder / "demo.log").open("ab")


def _follow(wish: Wish, telephone: "Telephone", merchant: "Demo", stop: threading.Event) -> "Tally":
    """Place the orders, and watch until everything is quiet."""
    columns = (TextColumn("{task.description:>14}"), BarColumn(40), MofNCompleteColumn())
    with Progress(*columns, console=console) as progress:
        bars = {name: progress.add_task(name, total=wish.orders) for name in BARS}
        with ThreadPoolExecutor(1, thread_name_prefix="placing") as pool:
            placing = pool.submit(_place, wish, telephone, merchant, stop)
            watch = _Watch(wish, telephone, merchant)
            while not stop.is_set():
                tally = watch.look(show=lambda t: _advance(progress, bars, t))
                if placing.done() and (placing.exception() or watch.is_quiet(tally)):
                    break
                stop.wait(LOOK_EVERY_S)
            placing.result()
    return watch.count(at_the_end=True)


def _place(wish: Wish, telephone: "Telephone", merchant: "Demo", stop: threading.Event) -> None:
    """Place the orders in slices: shops by the sandbox, checkouts by the merchant's own site."""
    from entrepot.sandbox.own_site import OwnSite  # noqa: PLC0415 -- app not ready

    (gateway,) = merchant.gateways
    site = OwnSite(
        hub=os.environ["ENTREPOT_URL"],
        key=merchant.site_key,
        gateway_id=merchant.connections[gateway],
        run=merchant.run,
    )
    drawn = telephone.tell("draw", count=wish.orders, seed=wish.seed)["sales"]
    for start in range(0, len(drawn), SLICE):
        if stop.is_set():
            return
        some = drawn[start : start + SLICE]
        telephone.tell("place", numbers=[sale["number"] for sale in some if sale["mount"]])
        for cart in (sale["cart"] for sale in some if not sale["mount"]):
            telephone.tell("pay", number=cart["number"], url=site.open_page(cart))


class _Watch:
    """Counts again and again, and notices when nothing moves any more."""

    def __init__(self, wish: Wish, telephone: "Telephone", merchant: "Demo") -> None:
        self._wish = wish
        self._telephone = telephone
        self._merchant = merchant
        self._began = self._moved_at = time.monotonic()
        self._last: object = None
        self._is_waiting = True
        self._read_at = self._began

    def look(self, *, show: Callable[["Tally"], None]) -> "Tally":
        """Count, show, and note whether anything moved."""
        tally = self.count()
        show(tally)
        seen = (
            tally.classes.copy(),
            tally.submitted,
            tally.shipped,
            tally.written_back,
            tally.mails,
        )
        if seen != self._last:
            self._last, self._moved_at = seen, time.monotonic()
        return tally

    def count(self, *, at_the_end: bool = False) -> "Tally":
        """Count once."""
        from entrepot.sandbox.counting import count  # noqa: PLC0415 -- app not ready

        told = self._telephone.ask("placed")
        self._is_waiting = bool(told["waiting"])
        return count(
            merchant_id=self._merchant.merchant_id,
            connections=self._merchant.connections,
            placed=told["sales"],
            books=self._telephone.ask("books"),
            at_the_end=at_the_end,
        )

    def _read_platforms(self) -> None:
        """Have everything polled: the hub does so by a real clock, and this world runs ahead."""
        from entrepot.connections.cursors import poll_now  # noqa: PLC0415 -- app not ready

        for connection_id in self._merchant.connections.values():
            poll_now(connection_id, merchant_id=self._merchant.merchant_id)

    def is_quiet(self, tally: "Tally") -> bool:
        """Whether all is over, or has not moved for long, or it simply takes too long."""
        now = time.monotonic()
        if now - self._began > LONGEST_S:
            return True
        rests = now - self._moved_at
        if now - self._read_at > READ_EVERY_S:
            self._read_at = now
            self._read_platforms()
        is_done = tally.is_over and not tally.untold and not self._is_waiting
        return rests > (3.0 if is_done else QUIET_S)


def _advance(progress: Progress, bars: dict[str, TaskID], tally: "Tally") -> None:
    values = (
        tally.placed,
        tally.in_hub,
        tally.submitted,
        tally.shipped,
        tally.written_back,
        tally.classes["delivered"],
    )
    for name, value in zip(BARS, values, strict=True):
        progress.update(bars[name], completed=value)


def _told(tally: "Tally", telephone: "Telephone", *, seconds: float) -> dict[str, Any]:
    from entrepot.sandbox.counting import CLASSES, percentile  # noqa: PLC0415 -- app not ready

    tally.check()
    deliveries = telephone.ask("state")["deliveries"]
    return {
        "orders_placed": tally.placed,
        **{name: tally.classes[name] for name in CLASSES},
        "orders_in_hub": tally.in_hub,
        "submitted": tally.submitted,
        "shipped": tally.shipped,
        "written_back": tally.written_back,
        "standing_still": [asdict(still) for still in tally.still],
        "lost": tally.lost,
        "doubled": tally.doubled,
        "mails": tally.mails,
        "seconds": round(seconds, 1),
        "latency_ms": {
            "ack_p50": _number(deliveries["acknowledged_ms_p50"]),
            "ack_p99": _number(deliveries["acknowledged_ms_p99"]),
            "paid_to_accepted_p50": percentile(tally.waits_ms, 0.5),
            "paid_to_accepted_p99": percentile(tally.waits_ms, 0.99),
        },
    }


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))


def _greet(hub: dict[str, Any], merchant: "Demo") -> None:
    console.print(f"The dashboard is at [bold]{hub['address']}[/bold]")
    if merchant.password:
        console.print(f"Sign in as [bold]{merchant.email}[/bold] with {merchant.password}")
        console.print("(this password is shown once; data/demo keeps only its hash)")
    else:
        console.print(f"Sign in as [bold]{merchant.email}[/bold], as before.")


def _show(tally: "Tally", hub: dict[str, Any], merchant: "Demo") -> None:
    from entrepot.notifications.links import tracking_page, tracking_token  # noqa: PLC0415 -- app not ready
    from entrepot.sandbox.counting import CLASSES  # noqa: PLC0415 -- app not ready

    parts = " + ".join(
        f"{tally.classes[name]} {name.replace('_', ' ')}" for name in CLASSES if tally.classes[name]
    )
    console.print(f"\n[bold]{tally.placed} orders placed[/bold] = {parts}")
    if tally.lost or tally.doubled:
        for text in (*tally.lost, *tally.doubled):
            console.print(f"[red]{text}[/red]", highlight=False)
    else:
        console.print("Nothing lost, nothing doubled, by the books of every simulator.")
    if tally.still:
        table = Table(title="Standing still", title_justify="left")
        for name in ("order", "state", "reason"):
            table.add_column(name, overflow="fold")
        for still in tally.still:
            table.add_row(still.number, still.state, still.reason)
        console.print(table)
    console.print(f"Dashboard      {hub['address']}")
    console.print(f"Sandbox        {hub['sandbox']}/control/state")
    if tally.tracked_order_id is not None:
        token = tracking_token(merchant.merchant_id, tally.tracked_order_id)
        console.print(f"Tracking page  {tracking_page(token)}", soft_wrap=True)
