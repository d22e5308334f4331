"""The verdict of this moment: the books of every simulator, held against one merchant's records.

For the page that steers the sandbox; the demo counts its own run by `counting`.
"""

from dataclasses import dataclass, field
from typing import Any

from entrepot.access import scope
from entrepot.connections.models import Connection
from entrepot.connections.states import Status
from entrepot.sandbox.counting import Records, Tally, compare


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What one account believes of something beside what the hub has of it."""

    what: str
    theirs: int
    ours: int

    @property
    def agrees(self) -> bool:
        """Whether both say the same."""
        return self.theirs == self.ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The count, who agrees by mount, and sales at accounts that no connection of ours reads."""

    tally: Tally
    agreements: dict[str, Agreement] = field(default_factory=dict)
    elsewhere: int = 0


def judge(
    merchant_id: int,
    *,
    accounts: dict[str, Any],
    books: dict[str, Any],
    placed: list[dict[str, Any]],
) -> Verdict:
    """Compare; the arguments are as the sandbox's /control/ interface tells them."""
    mounts = _connections(merchant_id, accounts)
    records = Records.read(merchant_id, list(mounts.values()))
    known = {mount: told for mount, told in books.items() if mount in mounts}
    ours = [sale for sale in placed if sale["mount"] in mounts]
    return Verdict(
        tally=compare(records, connections=mounts, placed=ours, books=known),
        agreements={
            mount: agreement
            for mount, told in known.items()
            if (agreement := _agreement(records, mounts[mount], told)) is not None
        },
        elsewhere=len(placed) - len(ours),
    )


def _connections(merchant_id: int, accounts: dict[str, Any]) -> dict[str, int]:
    """The merchant's connections by the mount of the account that each is connected to."""
    with scope.merchant(merchant_id):
        rows = list(Connection.objects.exclude(status=Status.ARCHIVED).order_by("id"))
    found = {}
    for place in accounts.get("places", ()):
        mount = place["mount"]
        for row in rows:
            is_named = row.code == f"{mount}-{accounts.get('run', '')}"
            if row.platform == place["platform"] and (is_named or _leads_to(row, mount)):
                found[mount] = row.id
    return found


def _leads_to(row: Connection, mount: str) -> bool:
    return any(
        isinstance(value, str) and value.rstrip("/").endswith(f"/{mount}")
        for value in row.settings.values()
    )


def _agreement(records: Records, connection_id: int, told: dict[str, Any]) -> Agreement | None:
    if "works" in told:
        theirs = {work["external_id"] for work in told["works"]}
        taken = {
            row["external_id"]
            for row in records.attempts
            if (row["kind"], row["status"]) == ("submit", "accepted")
        }
        return Agreement(what="works", theirs=len(theirs), ours=len(theirs & taken))
    if "sales" in told:
        ours = [row for row in records.orders if row["connection_id"] == connection_id]
        return Agreement(what="orders", theirs=len(told["sales"]), ours=len(ours))
    return None
