"""How the hub is, as its page shows it: verdicts in words, alerts that stand and that are over."""

from collections.abc import Iterable
from dataclasses import dataclass

from entrepot.connections.states import Status
from entrepot.dashboard import words_of_states
from entrepot.dashboard.reading import shell
from entrepot.dashboard.wording import Chip, count_words, plain, sentence
from entrepot.monitoring.health import ConnectionHealth, LaneHealth, Verdict
from entrepot.monitoring.models import Alert
from entrepot.tasks.health import Health

VERDICT = {
    Verdict.HEALTHY: Chip("good", "check", "Healthy"),
    Verdict.DEGRADED: Chip("warn", "warn", "Degraded"),
    Verdict.UNHEALTHY: Chip("bad", "stop", "Unhealthy"),
}
IN_TIME = Chip("good", "check", "In time")
LATE = Chip("warn", "clock", "Late")
BREAKER = {
    "closed": Chip("good", "check", "Answers"),
    "half_open": Chip("warn", "clock", "Being tried"),
    "open": Chip("bad", "stop", "Not asked"),
}
# Where alerts of a kind are mended, where that is no connection's page.
MENDED_ON = {"dead_letters": "jobs", "obligations_overdue": "attention", "fuse_blown": "pause"}
SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLine:
    """An alert with the name of the page where it is mended, and who has seen it."""

    alert: Alert
    page: str
    seen_by: str
    is_own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLine:
    """A connection's state and whether its platform answers."""

    row: ConnectionHealth
    chip: Chip
    breaker: Chip


def why(found: Health) -> list[str]:
    """What keeps the hub from being healthy, a few words each; as its verdict is made."""
    retries, orders = found.retries, found.orders
    said = {
        "nothing leaves": bool(found.effects_paused_reason),
        "the last backup is late": found.backup.is_late,
        "the database is slow": found.database.verdict is not Verdict.HEALTHY,
    }
    counted = (
        (retries.dead_letters, "dead letter", "dead letters"),
        (orders.overdue, "overdue promise", "overdue promises"),
        (retries.needing_a_person, "outcome to decide", "outcomes to decide"),
    )
    return [
        *(words for words, is_so in said.items() if is_so),
        *(f"{one.name} is {_standing(one)}" for one in found.connections if _is_ill(one)),
        *(f"{plain(one.name)} is late" for one in found.lanes if _is_ill(one)),
        *(count_words(number, one, plural=more) for number, one, more in counted if number),
    ]


def _is_ill(part: ConnectionHealth | LaneHealth) -> bool:
    return part.verdict is not Verdict.HEALTHY


def _standing(one: ConnectionHealth) -> str:
    """How a connection that is not healthy stands: by its status, else by its breaker."""
    if one.status in {Status.MISCONFIGURED, Status.PAUSED}:
        return one.status
    return "not answering"


def alerts(own: Iterable[Alert], of_the_installation: Iterable[Alert]) -> list[AlertLine]:
    """Alerts that stand: those of the installation first, which only its machine can mend."""
    mine = list(own)
    people = shell.names_of_actors({one.acknowledged_by for one in mine if one.acknowledged_by})
    return [
        *(AlertLine(alert=one, page="", seen_by="", is_own=False) for one in of_the_installation),
        *(
            AlertLine(
                alert=one,
                page="" if one.connection_id else MENDED_ON.get(one.kind, ""),
                seen_by=people.get(one.acknowledged_by, ""),
                is_own=True,
            )
            for one in mine
        ),
    ]


def over(merchant_id: int, mode: str) -> list[Alert]:
    """The alerts that recovered lately, the latest first."""
    rows = Alert.objects.filter(merchant_id=merchant_id, mode=mode, recovered_at__isnull=False)
    return list(rows.order_by("-recovered_at")[:SHOWN])


def connection_lines(rows: Iterable[ConnectionHealth]) -> list[ConnectionLine]:
    """Connections by name."""
    return [
        ConnectionLine(
            row=row,
            chip=words_of_states.chip_of(words_of_states.CONNECTION, row.status),
            breaker=BREAKER[row.breaker],
        )
        for row in rows
    ]


def lane_lines(lanes: Iterable[LaneHealth]) -> list[tuple[str, LaneHealth, Chip]]:
    """Lanes with their names and whether they keep up."""
    return [
        (sentence(lane.name), lane, IN_TIME if lane.verdict is Verdict.HEALTHY else LATE)
        for lane in lanes
    ]


def attempt_lines(attempts: dict[str, int]) -> list[tuple[Chip, int]]:
    """How many effects outside ended how."""
    return [
        (words_of_states.chip_of(words_of_states.ATTEMPT, status), number)
        for status, number in attempts.items()
    ]
