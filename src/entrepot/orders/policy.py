"""What a storefront connection's policy says about releasing its orders."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from entrepot.canon.orders import SourceState
from entrepot.orders.states import ReleasedBy

COOLING_OFF_SECONDS = 30 * 60
# Of what an order brings in, the most that making and sending it may cost; `most_cost_percent`.
MOST_COST_PERCENT = 100
# States in which the source itself wants, or lets, the goods go out.
WORKABLE = frozenset({SourceState.PROCESSING, SourceState.COMPLETED, SourceState.AWAITING})


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPolicy:
    """The merchant's choices for one storefront.

    `release_states` are source words that release whatever was paid (`orderSyncTriggerStates`);
    `terms_methods` are payment methods that ship before they are paid; `real_methods` are those
    known to take real money, where the platform itself cannot tell. `holds_unknown_methods` is off
    for connections in test mode. Orders placed before `live_since` are history.
    """

    live_since: datetime | None
    release_states: tuple[str, ...] = ()
    terms_methods: tuple[str, ...] = ()
    real_methods: tuple[str, ...] = ()
    holds_unknown_methods: bool = False
    cooling_off_seconds: int = COOLING_OFF_SECONDS

    @classmethod
    def read(
        cls, policy: Mapping[str, Any], *, live_since: datetime | None, is_live_mode: bool
    ) -> "OrderPolicy":
        """Read a connection's `policy`; what is absent is the default."""
        return cls(
            live_since=live_since,
            release_states=tuple(policy.get("release_states", ())),
            terms_methods=tuple(policy.get("terms_methods", ())),
            real_methods=tuple(policy.get("real_payment_methods", ())),
            holds_unknown_methods=is_live_mode,
            cooling_off_seconds=int(
                policy.get("cooling_off_seconds", COOLING_OFF_SECONDS if is_live_mode else 0)
            ),
        )

    def is_history(self, placed_at: datetime) -> bool:
        """Whether an order was placed before go-live; without a go-live everything was."""
        return self.live_since is None or placed_at < self.live_since

    def reason_to_release(self, order: Mapping[str, Any]) -> str:
        """The first reason to let work start on an open order, or "" for none.

        `order` has the columns of its row: what the source says, what is due and what was captured.
        """
        if order["source_status"] in self.release_states:
            return ReleasedBy.SOURCE_STATE
        if order["source_state"] not in WORKABLE:
            return ""
        if order["amount_due"] <= 0:
            is_waiting = order["source_state"] == SourceState.AWAITING
            return "" if is_waiting else ReleasedBy.NOTHING_TO_PAY
        if order["amount_captured"] >= order["amount_due"]:
            return ReleasedBy.PAID
        if order["is_on_terms"] and order["source_state"] == SourceState.PROCESSING:
            return ReleasedBy.TERMS
        return ""
