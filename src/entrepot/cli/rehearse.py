"""`entrepot rehearse`: kills, liars and mistakes, and whether a single order was lost or doubled.

The rehearsal itself stands in the source tree beside this package, and is no part of the wheel: a
machine that serves has nothing in it that kills.
"""

import importlib.util
import json
import signal
import sys
from pathlib import Path
from typing import Any

import click

from entrepot.cli.failure import CommandFailed


@click.command()
@click.option("--orders", default=200, show_default=True, type=click.IntRange(1, 20_000))
@click.option("--seed", default=7, show_default=True, help="The same seed breaks the same things.")
@click.option(
    "--faults", default="light", show_default=True, type=click.Choice(["none", "light", "heavy"])
)
@click.option("--patience", default=600.0, show_default=True, help="Seconds before it gives up.")
@click.option("--haste", default=4.0, show_default=True, help="How much shorter the hub waits.")
@click.option(
    "--per-second",
    default=0.0,
    help="Orders placed in a second; 10, or more where they are thousands, and few at first.",
)
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 8))
@click.option("--folder", type=click.Path(path_type=Path), help="Keep everything there.")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object last.")
def rehearse(*, is_json: bool, patience: float, **options: Any) -> None:
    """Run a hub through kills, liars and mistakes, and compare everybody's books.

    Only in a checkout of the source. Exits with 1 when anything was lost, doubled or stuck.
    """
    sys.path.insert(0, str(Path.cwd()))
    if importlib.util.find_spec("rehearsal") is None:
        raise CommandFailed("the rehearsal is no part of the package: run it in a source checkout")
    from rehearsal.main import Wish  # noqa: PLC0415 -- only in a checkout
    from rehearsal.main import rehearse as run  # noqa: PLC0415 -- likewise

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is ended
    report = run(
        Wish(patience_s=patience, **options), tell=lambda text: click.echo(text, err=True)
    ).as_json()
    if is_json:
        click.echo(json.dumps(report, ensure_ascii=False))
    else:
        for name, value in report.items():
            click.echo(f"{name}: {value}")
    if not report["is_good"]:
        raise CommandFailed("the rehearsal found what must not be: see above")
