"""The simulated carriers in the sandbox: quick journeys of announced parcels."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from entrepot.connect.simulator import Clock
from entrepot.connect.world import Good, Label, Place
from entrepot.connectors.easypost.simulator import EasyPostSimulator, example_account


class Carriers(Place):
    """One account that follows parcels of many carriers."""

    simulator: EasyPostSimulator
    ACTIONS = frozenset({"set_fate", "scan"})

    def __init__(self, *, run: str, clock: Clock) -> None:
        super().__init__(
            mount="easypost", name="Carriers by EasyPost", simulator=EasyPostSimulator(clock)
        )
        self._run = run

    def settings(self, base_url: str) -> dict[str, Any]:
        """The test key; the account's name tells runs apart."""
        return {**example_account(base_url).settings, "account_name": self._run}

    def open(self, goods: Sequence[Good]) -> None:
        """Parcels travel for half an hour; a few are refused or tried twice."""
        self.simulator.dials.journey = timedelta(minutes=30)
        self.simulator.dials.failure = 0.02
        self.simulator.dials.return_to_sender = 0.01

    def announce(self, label: Label) -> None:
        """The carrier has the parcel from the moment it left."""
        self.simulator.announce(label.tracking_number, label.carrier, at=label.left_at)

    def sworn(self) -> dict[str, list[dict[str, Any]]]:
        """Every parcel that a carrier knows."""
        followed: dict[str, int] = {}
        for tracker in self.simulator.trackers.values():
            followed[tracker.parcel.code] = followed.get(tracker.parcel.code, 0) + 1
        return {
            "parcels": [
                {
                    "tracking_number": parcel.code,
                    "status": parcel.scans[-1][1] if parcel.scans else "unknown",
                    "trackers": followed.get(parcel.code, 0),
                }
                for parcel in self.simulator.parcels.values()
            ]
        }


def places(clock: Clock, run: str) -> list[Place]:
    """One account."""
    return [Carriers(run=run, clock=clock)]
