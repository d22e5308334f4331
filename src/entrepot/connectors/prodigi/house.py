"""The simulated print house: an order's life through download, labs and carriers."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from entrepot.connect.simulator import Clock, Delivery, Simulator
from entrepot.connectors.prodigi import catalog, wire
from entrepot.connectors.prodigi.books import (
    DOWNLOAD_TRIES,
    Dials,
    Order,
    Phase,
    allocate,
    issues_of,
)

SANDBOX_KEY = "prodigi-sandbox-key"
LIVE_KEY = "prodigi-live-key"
FOR_EVER = timedelta(days=36500)
# Not documented; integrations report that failed callbacks come again.
CALLBACK_RETRIES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30))
FIRST_IDS = {"ord": 840_796, "ori": 926_886, "ast": 114_058, "shp": 587_136, "chg": 415_986}


class PrintHouse(Simulator):
    """Books and their life. `simulator.py` lists what the world outside can do."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.dials = Dials()
        self.callback_url = ""
        self.can_download: Callable[[str], bool] = lambda url: "missing" not in url
        self.unavailable: set[str] = set()
        self.keys = {SANDBOX_KEY: "sandbox", LIVE_KEY: "production"}
        self.orders: dict[str, Order] = {}
        self.books = {"orders": self.orders, "tracking": {}}
        self._active: dict[str, Order] = {}
        self._counters = dict(FIRST_IDS)

    # The world outside

    def add_key(self, key: str, environment: str) -> None:
        """Issue an API key for "sandbox" or "production"."""
        self.keys[key] = environment

    def revoke(self, key: str) -> None:
        """Make a key worthless."""
        self.keys.pop(key, None)

    def release(self, order_id: str) -> None:
        """End an order's pause window now, as someone does in the dashboard."""
        order = self.orders[order_id]
        if order.phase is Phase.PAUSED:
            order.due_at = self.clock.now()
        self.tick()

    def pause_new_orders(self, minutes: int) -> None:
        """The merchant sets how long new orders can still be changed; 0 for not at all."""
        self.dials.pause_window = timedelta(minutes=minutes) if minutes else None

    def be_busy(self, minutes: int) -> None:
        """Labs have a queue: how long an order waits for one once its files are there."""
        self.dials.preparation = timedelta(minutes=minutes)

    def authorise_payment(self, order_id: str) -> None:
        """The merchant pays at the print house."""
        self._touched(order_id).needs_payment = False
        self.tick()

    def make_unavailable(self, sku: str) -> None:
        """A product runs out of material."""
        self.unavailable.add(sku.upper())

    def restock(self, sku: str) -> None:
        """A product can be made again."""
        self.unavailable.discard(sku.upper())
        self.tick()

    def mend_assets(self, order_id: str) -> None:
        """The files that were missing can be fetched now."""
        order = self._touched(order_id)
        order.is_mended = True
        if order.phase is Phase.STUCK:
            order.phase, order.due_at = Phase.DOWNLOADING, self.clock.now()
        self.tick()

    def finish(self, order_id: str) -> None:
        """Every lab ships at once; what stands still for a reason stays."""
        order, now = self._touched(order_id), self.clock.now()
        for _ in (Phase.PAUSED, Phase.DOWNLOADING, Phase.PREPARING, Phase.PRODUCING):
            order.due_at = min(order.due_at, now)
            for shipment in order.shipments:
                shipment.starts_at = min(shipment.starts_at, now)
                shipment.ships_at = min(shipment.ships_at, now)
            self.tick()

    def cancel_at_lab(self, order_id: str, index: int) -> None:
        """A lab drops its shipment; the others go on."""
        order = self._touched(order_id)
        order.shipments[index].is_cancelled = True
        if not any(shipment.is_open for shipment in order.shipments):
            has_left = any(shipment.has_left for shipment in order.shipments)
            self.end(order, Phase.COMPLETE if has_left else Phase.CANCELLED, self.clock.now())

    def void_label(self, order_id: str, index: int) -> None:
        """A parcel never left though its label said so; the same goods go again with a new one.

        Not documented: which words the platform has for it is not known. A cancelled shipment
        beside a fresh one of the same items says no more than what happened.
        """
        order, now = self._touched(order_id), self.clock.now()
        voided = order.shipments[index]
        voided.is_cancelled = True
        order.shipments.append(
            replace(
                voided,
                id=self.next_id("shp"),
                starts_at=now,
                ships_at=now + self.dials.production,
                tracking_number="",
                shipped_at=None,
                is_cancelled=False,
            )
        )
        order.phase = Phase.PRODUCING
        self._active[order.id] = order
        self._call_back(order, "shipments.shipment#Cancelled", now)

    # The life of an order

    def book(self, body: dict[str, Any], *, environment: str) -> Order:
        """Take a valid order in."""
        now, window = self.clock.now(), self.dials.pause_window
        is_hidden = self.faults.strikes("invisible")
        order = Order(
            id=self.next_id("ord"),
            environment=environment,
            asked={**body, "shippingMethod": method_of(body["shippingMethod"])},
            items=[wire.booked_item(item, self.next_id) for item in body["items"]],
            created_at=now,
            updated_at=now,
            due_at=now + (self.dials.download if window is None else min(window, FOR_EVER)),
            visible_at=now + timedelta(seconds=self.faults.invisible_seconds * is_hidden),
            phase=Phase.DOWNLOADING if window is None else Phase.PAUSED,
            needs_payment=self.dials.needs_payment,
        )
        self.orders[order.id] = self._active[order.id] = order
        if order.phase is Phase.DOWNLOADING:
            self._call_back(order, "status.stage.changed#InProgress", now)
        return order

    def end(self, order: Order, phase: Phase, at: datetime) -> None:
        """Nothing happens to the order any more."""
        order.phase, order.updated_at = phase, at
        self._active.pop(order.id, None)
        self._call_back(order, f"status.stage.changed#{order.stage}", at)

    def tick(self) -> None:
        """Bring every order to where it is now; callbacks carry the time of their cause."""
        now = self.clock.now()
        for order in list(self._active.values()):
            while self._takes_step(order, now):
                pass

    def shown(self, order: Order) -> dict[str, Any]:
        """The order as the platform writes it."""
        issues = issues_of(order, unavailable=self.unavailable, can_download=self.can_download)
        return wire.order_body(order, now=self.clock.now(), issues=issues)

    def next_id(self, prefix: str) -> str:
        """The next id of a kind, like ord_840797."""
        return f"{prefix}_{self.next_number(prefix)}"

    def next_number(self, name: str) -> int:
        """Count."""
        self._counters[name] = self._counters.get(name, 300_000) + 1
        return self._counters[name]

    def _takes_step(self, order: Order, now: datetime) -> bool:
        if order.phase is Phase.PRODUCING:
            return self._ship_next(order, now)
        if order.due_at > now:
            return False
        match order.phase:
            case Phase.PAUSED:
                order.phase, order.updated_at = Phase.DOWNLOADING, order.due_at
                order.due_at += self.dials.download
                self._call_back(order, "status.stage.changed#InProgress", order.updated_at)
                return True
            case Phase.DOWNLOADING:
                return self._download(order)
            case Phase.PREPARING:
                return self._prepare(order, now)
            case _:
                return False

    def _download(self, order: Order) -> bool:
        order.updated_at = order.due_at
        if order.missing_assets(self.can_download):
            order.tries += 1
            order.due_at += self.dials.download
            if order.tries >= DOWNLOAD_TRIES:
                order.phase = Phase.STUCK
            return order.phase is Phase.DOWNLOADING
        order.phase, order.tries = Phase.PREPARING, 0
        order.due_at += self.dials.preparation
        self._call_back(order, "status.details.downloadAssets.changed#Complete", order.updated_at)
        return True

    def _prepare(self, order: Order, now: datetime) -> bool:
        issues = issues_of(order, unavailable=self.unavailable, can_download=self.can_download)
        if issues:
            order.due_at = max(order.due_at, now)  # production begins when the obstacle is gone
            return False
        order.phase, order.updated_at = Phase.PRODUCING, order.due_at
        allocate(order, now=order.due_at, dials=self.dials, next_id=self.next_id)
        return True

    def _ship_next(self, order: Order, now: datetime) -> bool:
        due = [each for each in order.shipments if each.is_open and each.ships_at <= now]
        if not due:
            return False
        shipment = min(due, key=lambda each: each.ships_at)
        at = shipment.shipped_at = order.updated_at = max(shipment.ships_at, order.updated_at)
        if shipment.is_tracked:
            shipment.tracking_number = catalog.tracking_number(
                shipment.service.carrier,
                seed=self.faults.seed,
                order_id=order.id,
                index=order.shipments.index(shipment),
            )
            self.books["tracking"][shipment.tracking_number] = {
                "carrier": shipment.service.carrier,
                "order": order.id,
                "shipment": shipment.id,
                "shipped_at": at,
            }
        # When the last one leaves, both callbacks go out together and both say Complete.
        is_last = not any(each.is_open for each in order.shipments)
        if is_last:
            order.phase = Phase.COMPLETE
        self._call_back(order, "shipments.shipment#Complete", at)
        if is_last:
            self.end(order, Phase.COMPLETE, at)
        return not is_last

    def _touched(self, order_id: str) -> Order:
        order = self.orders[order_id]
        order.updated_at = self.clock.now()
        return order

    def _call_back(self, order: Order, change: str, at: datetime) -> None:
        url = order.asked.get("callbackUrl") or self.callback_url
        if not url:
            return
        number = self.next_number("evt")
        event = wire.event(
            self.shown(order),
            event_id=f"evt_{number}",
            change=change,
            at=at,
            is_nested=number % 2 == 0,  # the reference shows both
        )
        self.send_webhook(
            Delivery(
                url=url,
                body=msgspec.json.encode(event),
                headers={"content-type": "application/json"},
                due_at=at,
                retry_after=CALLBACK_RETRIES,
            )
        )


def method_of(word: object) -> str:
    """The platform's own spelling of a shipping method; as it came when it is none."""
    known = {method.casefold(): method for method in catalog.METHODS}
    return known.get(str(word or "").casefold(), str(word or ""))
