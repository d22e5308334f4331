"""Whether an outside effect may happen now; the fuse that stops a flow which runs away."""

from collections.abc import Callable
from dataclasses import dataclass

from entrepot.access import scope
from entrepot.canon.orders import Mode
from entrepot.connections import services
from entrepot.connections.models import Connection
from entrepot.connections.services import STOPPED
from entrepot.connections.states import EffectFlow, Status
from entrepot.database import sql

LEAST_CEILING = 50
TIMES_USUAL = 5
STOPS = """
SELECT reason, is_fuse, connection_id, flow
FROM connections_effect_pause
WHERE merchant_id = %s
    AND mode = %s
    AND resumed_at IS NULL
    AND (connection_id IS NULL OR connection_id = %s)
    AND flow IN ('', %s)
ORDER BY id
LIMIT 1
"""
WHY_NOT = {
    Status.OBSERVING: "{name} observes: it shows what it would do; press Go live to let it",
    Status.PAUSED: "{name} is paused: {reason}",
    Status.MISCONFIGURED: "{name} refuses our credentials: {reason}",
    Status.ARCHIVED: "{name} was removed",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an effect may happen; `reason` says why not, in words for an operator."""

    is_allowed: bool
    reason: str = ""


ALLOWED = Verdict(is_allowed=True)

InstallationCheck = Callable[[], str]
_installation_checks: list[InstallationCheck] = []


def install(check: InstallationCheck) -> None:
    """Have a function asked, in the open scope, why this installation's effects are paused.

    It answers "" when they are not. Installing the same function again changes nothing.
    """
    if check not in _installation_checks:
        _installation_checks.append(check)


def uninstall(check: InstallationCheck) -> None:
    """Ask a function no more."""
    if check in _installation_checks:
        _installation_checks.remove(check)


def effects_allowed(connection: Connection, flow: EffectFlow) -> Verdict:
    """Whether effects of a flow may reach outside through a connection, as of this transaction.

    Runs in an open scope; the connection should have been read in it.
    """
    for check in _installation_checks:
        if reason := check():
            return Verdict(is_allowed=False, reason=reason)
    if connection.status != Status.LIVE:
        text = WHY_NOT[Status(connection.status)]
        reason = text.format(name=connection.name, reason=connection.status_reason)
        return Verdict(is_allowed=False, reason=reason)
    return flow_allowed(
        connection.merchant_id,
        mode=Mode(connection.mode),
        flow=flow,
        connection_id=connection.id,
    )


def flow_allowed(
    merchant_id: int, *, mode: Mode, flow: EffectFlow, connection_id: int | None = None
) -> Verdict:
    """Whether nobody has stopped a flow: for effects without a connection, such as mail."""
    for check in _installation_checks:
        if reason := check():
            return Verdict(is_allowed=False, reason=reason)
    asked = (merchant_id, mode, connection_id, flow)
    row = scope.once(STOPPED, asked, read=lambda: sql.fetch_one(STOPS, list(asked)))
    if row is None:
        return ALLOWED
    reason, is_fuse, stopped_connection, stopped_flow = row
    what = stopped_flow.replace("_", "-") if stopped_flow else "effects"
    where = "of this connection" if stopped_connection else "of all connections"
    who = "the fuse stopped" if is_fuse else "stopped:"
    return Verdict(is_allowed=False, reason=f"{who} {what} {where}: {reason}")


def ceiling_of(connection: Connection, flow: EffectFlow, *, usual_per_hour: float) -> int:
    """The most effects of a flow in an hour: the merchant's choice, else five times the usual."""
    chosen = connection.policy.get("hourly_ceilings", {}).get(flow)
    return int(chosen) if chosen else max(LEAST_CEILING, round(TIMES_USUAL * usual_per_hour))


def check_fuse(
    connection: Connection, flow: EffectFlow, *, in_last_hour: int, usual_per_hour: float
) -> Verdict:
    """Pause a connection's flow when it does more in an hour than it ever should.

    The caller counts, since effects are kept in other rooms: those intended within the last hour,
    the one about to be intended among them; and its average over the hours of the last four weeks
    in which there was any.
    """
    ceiling = ceiling_of(connection, flow, usual_per_hour=usual_per_hour)
    if in_last_hour <= ceiling:
        return ALLOWED
    reason = (
        f"{in_last_hour} {flow.replace('_', '-')} within an hour, {usual_per_hour:.0f} are usual"
        f" and {ceiling} the most; resume if they are right"
    )
    with scope.merchant(connection.merchant_id):
        services.pause_effects(
            connection.merchant_id,
            mode=Mode(connection.mode),
            connection_id=connection.id,
            flow=flow,
            reason=reason,
            by="fuse",
            is_fuse=True,
        )
    return Verdict(is_allowed=False, reason=reason)
