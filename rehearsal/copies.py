"""Scenes about copies of a hub: a cloned one is started beside it, an old one is restored."""

import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import psycopg

from entrepot.database.embedded import EmbeddedServer
from rehearsal.evidence import Senders
from rehearsal.processes import ROOT
from rehearsal.speaking import SceneFailed, until
from rehearsal.stage import NotReady, Stage

CLONE_LIVES_S = 12.0
SIX_HOURS_S = 6 * 3600.0
SOLD_MEANWHILE = 12
RECONCILES, BETWEEN_RECONCILES_S = 6, 2.0
DATABASES = "SELECT datname FROM pg_database WHERE datname LIKE 'entrepot%'"


def start_a_clone(stage: Stage, senders: Senders) -> None:
    """Somebody copies the data folder, and starts both: the copy's worker lets nothing out.

    Orders wait meanwhile for either of them: what the clone sent, the original would send again.
    """
    data, clone = Path(stage.environment["ENTREPOT_DATA"]), stage.folder / "clone"
    house = stage.merchant["connections"]["prodigi"]
    stop = stage.api.post("pauses", "clone-pause", connection_id=house, reason="a copy is made")
    stage.sell_some(4)
    until(lambda: has_open_share(stage), "a share that waits")
    stage.api.post(f"pauses/{stop['id']}/resume", "clone-resume", reason="both may go on")
    with stage.hub.down():
        stage.server.stop()
        subprocess.run(["cp", "-a", str(data), str(clone)], check=True, timeout=120)
        stage.server.start()
        works = len(stage.sandbox.ask("books")["prodigi"]["works"])
        mails = len(stage.office.taken)
        copied = EmbeddedServer(clone / "postgres")
        copied.start()
        try:
            _let_work(stage, clone)
        finally:
            copied.stop()
        if len(stage.sandbox.ask("books")["prodigi"]["works"]) != works:
            raise SceneFailed("the clone handed orders to the print house")
        if len(stage.office.taken) != mails:
            raise SceneFailed("the clone sent mails")
    del senders  # both may have known the same: nothing is excused


def restore_an_old_copy(stage: Stage, senders: Senders) -> None:
    """A backup of six hours ago is restored, and reconciled with what the platforms know."""
    file = stage.folder / "old.dump"
    known = set(stage.sandbox.ask("acknowledged"))
    stage.entrepot("backup", str(file), "--json")
    stage.sandbox.tell("clock", jump_seconds=SIX_HOURS_S)
    before = len(stage.sandbox.ask("books")["prodigi"]["works"])
    stage.sell_some(SOLD_MEANWHILE)
    until(
        lambda: len(stage.sandbox.ask("books")["prodigi"]["works"]) > before + 2,
        "works of the six hours that will be forgotten",
    )
    with stage.hub.down():
        senders.forgotten |= set(stage.sandbox.ask("acknowledged")) - known
        with psycopg.connect(stage.server.url(), autocommit=True) as connection:
            for (name,) in connection.execute(DATABASES).fetchall():
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        stage.entrepot("restore", str(file), "--json")
        stage.server.start()
    reason = stage.api.get("health")["effects_paused_reason"]
    if "restored" not in reason:
        raise SceneFailed(f"the restored hub is not paused: {reason!r}")
    _reconcile(stage)


def _reconcile(stage: Stage) -> None:
    """Run it again while a platform does not answer, as the command says.

    The other hub worked until now; platforms tell what it did in their own time, hours ahead.
    """
    now = datetime.fromisoformat(stage.sandbox.tell("clock")["now"])
    worked_until = f"{now + timedelta(minutes=1):%Y-%m-%dT%H:%M}"
    tries_left = RECONCILES
    while True:
        tries_left -= 1
        try:
            stage.entrepot("reconcile", "--worked-until", worked_until, "--json")
        except NotReady as error:
            if not tries_left:
                raise SceneFailed(f"it could not be reconciled: {error}") from error
            time.sleep(BETWEEN_RECONCILES_S)
        else:
            return


def has_open_share(stage: Stage) -> bool:
    """Whether a share waits to be handed over."""
    return any(stage.api.every("fulfillment-orders", status="open"))


def _let_work(stage: Stage, clone: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "entrepot", "worker"],
        cwd=ROOT,
        env={**stage.environment, "ENTREPOT_DATA": str(clone)},
        stdout=subprocess.DEVNULL,
        stderr=(stage.folder / "clone.log").open("ab"),
    ) as worker:
        time.sleep(CLONE_LIVES_S)
        has_lived = worker.poll() is None
        worker.kill()
    if not has_lived:
        raise SceneFailed("the clone's worker did not live; clone.log says why")
