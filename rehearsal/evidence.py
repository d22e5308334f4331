"""All that a rehearsal is judged by: what everybody outside would swear to, and what the hub says.

Nothing of entrepot is imported here: the hub is asked through its public API.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from rehearsal.post_office import Taken
from rehearsal.speaking import HubApi, Sandbox


@dataclass(slots=True, kw_only=True)
class Senders:
    """What those who asked something of the hub or of a shop know: the rehearsal's own notes.

    `units` by a page's id are those of carts, whose books lack them. All others are by the name of
    a sale, "woocommerce-eur/317": `reshipped` is how many units a person had sent again, `refunds`
    how much a person had given back, `history` was sold before go-live, `never_made` is what must
    never have been made (completed by hand, or cancelled before it was sent), `twins` are pairs of
    which one at most may be made, `captures` is how much authorized money a person wanted taken,
    and `voids` whose they wanted to let go. `methods` is the shipping method that a person chose
    last, by the hub's number of the share. `forgotten` are webhooks that were acknowledged after a
    copy was made that somebody has restored since.
    """

    units: dict[str, dict[str, int]] = field(default_factory=dict)
    reshipped: dict[str, int] = field(default_factory=dict)
    refunds: dict[str, Decimal] = field(default_factory=dict)
    history: dict[str, int] = field(default_factory=dict)
    never_made: dict[str, str] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    twins: list[tuple[str, str]] = field(default_factory=list)
    captures: dict[str, Decimal] = field(default_factory=dict)
    voids: set[str] = field(default_factory=set)
    methods: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Evidence:
    """Everything that is compared, as read at (nearly) one moment."""

    accounts: dict[str, Any]
    books: dict[str, Any]
    placed: list[dict[str, Any]]
    acknowledged: list[str]
    mails: list[Taken]
    senders: Senders
    connections: list[dict[str, Any]]
    orders: list[dict[str, Any]]
    shares: list[dict[str, Any]]
    attempts: list[dict[str, Any]]
    obligations: list[dict[str, Any]]
    letters: list[dict[str, Any]]
    told: list[dict[str, Any]]
    received: list[dict[str, Any]]
    parked: list[str]

    @classmethod
    def gather(
        cls, api: HubApi, sandbox: Sandbox, *, mails: list[Taken], senders: Senders
    ) -> "Evidence":
        """Ask everybody. What was acknowledged is read first, so that the hub must know it."""
        acknowledged = sandbox.ask("acknowledged")
        placed = sandbox.ask("placed")["sales"]
        received = list(api.every("inbox"))
        parked = [row["id"] for row in received if row["outcome"] == "parked"]
        return cls(
            accounts=sandbox.ask("accounts"),
            books=sandbox.ask("books"),
            placed=placed,
            acknowledged=[name for name in acknowledged if name not in senders.forgotten],
            mails=list(mails),
            senders=senders,
            connections=list(api.every("connections")),
            orders=list(api.every("orders")),
            shares=list(api.every("fulfillment-orders")),
            attempts=list(api.every("attempts")),
            obligations=list(api.every("obligations")),
            letters=list(api.every("dead-letters")),
            told=list(api.every("mails")),
            received=received,
            parked=[str(api.get(f"inbox/{one}/body")) for one in parked],
        )
