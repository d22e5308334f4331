"""All simulated accounts behind one clock: their lives, their webhooks, and what passes between."""

import heapq
import itertools
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import structlog

from entrepot.canon.money import Money
from entrepot.connect import registry
from entrepot.connect.posting import Post
from entrepot.connect.simulator import Clock, Faults
from entrepot.connect.world import Place, Sale, Sold, by_capability
from entrepot.sandbox.goods import ALL_GOODS
from entrepot.sandbox.selling import Market

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A sale that happened: where, under which id there, and when by a real clock."""

    sale: Sale
    mount: str
    external_id: str
    at: datetime


@dataclass(slots=True)
class World:
    """One run of the sandbox. Its books begin empty: `run` tells it apart from earlier ones."""

    clock: Clock = field(default_factory=Clock)
    run: str = field(default_factory=lambda: secrets.token_hex(3))
    post: Post = field(default_factory=Post)
    scenario: str = "calm"
    seed: int = 0
    places: dict[str, Place] = field(default_factory=dict)
    placed: list[Placed] = field(default_factory=list)
    mishaps: list[str] = field(default_factory=list)
    _later: list[tuple[datetime, int, Callable[[], object]]] = field(default_factory=list)
    _numbers: Any = field(default_factory=itertools.count)
    _announced: dict[str, int] = field(default_factory=dict)
    _providers: list[Place] = field(default_factory=list)
    _carriers: list[Place] = field(default_factory=list)

    def __post_init__(self) -> None:
        for platform in registry.platforms().values():
            for place in platform.places(self.clock, self.run):
                self.places[place.mount] = place
                place.open(ALL_GOODS)
        everyone = list(self.places.values())
        self._providers = by_capability(everyone, "labels")
        self._carriers = by_capability(everyone, "announce")

    @property
    def market(self) -> Market:
        """Where sales may happen."""
        everyone = list(self.places.values())
        gateways = by_capability(everyone, "pay")
        return Market(
            shops={p.mount: p.currencies[0] for p in by_capability(everyone, "sell")},
            checkout_currencies=gateways[0].currencies if gateways else (),
        )

    def beat(self) -> None:
        """Let everything happen that is due, and send the webhooks that it caused."""
        now = self.clock.now()
        while self._later and self._later[0][0] <= now:
            self._do(heapq.heappop(self._later)[2])
        for place in self.places.values():
            place.simulator.tick()
        self._tell_carriers()
        for place in self.places.values():
            for delivery in place.simulator.due_deliveries():
                self.post.hand_over(place.simulator, delivery)

    def sell(self, mount: str, sale: Sale) -> Placed:
        """Let a sale happen at a storefront."""
        return self._note(self.places[mount], sale, self.places[mount].sell(sale, self._take))

    def pay(self, mount: str, page_url: str, *, sale: Sale) -> Placed:
        """Let a customer arrive at the payment page of a checkout."""
        return self._note(self.places[mount], sale, self.places[mount].pay(page_url, sale))

    def act(self, mount: str, action: str, *, arguments: dict[str, Any]) -> Any:
        """Call one of a simulator's listed actions.

        Raises:
            LookupError: no such place, or the action is not listed.
        """
        place = self.places[mount]
        if action not in place.ACTIONS:
            raise LookupError(
                f"{mount} has no action {action!r}: {', '.join(sorted(place.ACTIONS))}"
            )
        return getattr(place.simulator, action)(**arguments)

    def faults_of(self, mount: str) -> Faults:
        """The dials of one simulator."""
        return self.places[mount].simulator.faults

    def after(self, wait: Any, act: Callable[[], object]) -> None:
        """Have something happen later, in sandbox time."""
        heapq.heappush(self._later, (self.clock.now() + wait, next(self._numbers), act))

    @property
    def waiting(self) -> int:
        """Acts of people that are still to come."""
        return len(self._later)

    def _take(self, amount: Money, note: str) -> str:
        for place in by_capability(list(self.places.values()), "take_payment"):
            if amount.currency in place.currencies:
                return place.take_payment(amount, note)
        return ""

    def _note(self, place: Place, sale: Sale, sold: Sold) -> Placed:
        for later in sold.later:
            self.after(later.after, later.act)
        at = datetime.fromtimestamp(time.time(), UTC)
        placed = Placed(sale=sale, mount=place.mount, external_id=sold.external_id, at=at)
        self.placed.append(placed)
        return placed

    def _do(self, act: Callable[[], object]) -> None:
        """One person's mishap (a page that has closed meanwhile) is not the world's."""
        try:
            act()
        except (ValueError, LookupError) as error:
            self.mishaps.append(f"{type(error).__name__}: {error}")
            log.warning("sandbox.mishap", error=str(error))

    def _tell_carriers(self) -> None:
        for provider in self._providers:
            labels = provider.labels()
            for label in labels[self._announced.get(provider.mount, 0) :]:
                for carrier in self._carriers:
                    carrier.announce(label)
            self._announced[provider.mount] = len(labels)
