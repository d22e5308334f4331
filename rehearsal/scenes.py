"""People's mistakes, and other things that happen once: scenes beside the flow of orders.

Each scene is a function of the stage and the senders' notes; it notes what must be true afterwards.
"""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from rehearsal import copies, making, paying
from rehearsal.acting import (
    EUR,
    JPY,
    QUIET,
    USD,
    frozen_at,
    mails_for_a_person,
    order_of,
    place,
    shipped_shares,
    still_to_strike,
    under_way,
)
from rehearsal.evidence import Senders
from rehearsal.selling import own_site
from rehearsal.speaking import LOOK_EVERY_S, SceneFailed, Silent, until
from rehearsal.stage import Stage

REFUND_ROUNDS = 10
# Who play scenes at the same time.
PERSONS = 2
PLACES = {"EUR": 2, "USD": 2, "JPY": 0, "SEK": 2, "GBP": 2}


Scene = Callable[[Stage, Senders], None]


@dataclass
class People:
    """Play scenes, two at a time; `played` says how each ended, "" for well."""

    stage: Stage
    senders: Senders
    names: tuple[str, ...]
    played: dict[str, str] = field(default_factory=dict)
    has_ended: bool = False
    _closing: threading.Event = field(default_factory=threading.Event)
    _replayed: set[int] = field(default_factory=set)

    def watch(self) -> None:
        """Play until all are played, or `close`; runs in a thread of its own."""
        waiting = deque(name for name in self.names if name not in self.played)

        def play_on() -> None:
            while waiting and not self._closing.is_set():
                with contextlib.suppress(IndexError):  # somebody else has taken the last one
                    self.play(waiting.popleft())

        persons = [threading.Thread(target=play_on, daemon=True) for _ in range(PERSONS)]
        for person in persons:
            person.start()
        for person in persons:
            person.join()
        self.has_ended = True

    @property
    def left(self) -> list[str]:
        """The scenes that are not played to their end."""
        return [name for name in self.names if name not in self.played]

    def play_all(self, names: Iterable[str]) -> None:
        """Play these scenes here and now."""
        for name in names:
            self.play(name)

    def play(self, name: str) -> None:
        """Play one scene, and note how it ended."""
        try:
            (SCENES | COPIES)[name](self.stage, self.senders)
        except Exception as error:  # noqa: BLE001 -- a scene that breaks is a finding, and the run ends
            self.played[name] = f"{type(error).__name__}: {error}"
        else:
            self.played[name] = ""

    def replay(self, letters: Iterable[dict[str, Any]]) -> None:
        """What a person does after a storm: have run again what was given up, each once."""
        ids = [row["id"] for row in letters if row["status"] == "waiting"]
        fresh = sorted(set(ids) - self._replayed)
        if fresh:
            once = f"replay-{fresh[0]}-{fresh[-1]}"
            self.stage.api.post("dead-letters/replay", once, ids=fresh, reason="the storm is over")
            self._replayed.update(fresh)

    def close(self) -> None:
        """Begin no other scene."""
        self._closing.set()


def go_live_on_old_orders(stage: Stage, senders: Senders) -> None:
    """A shop that observes has sold already when somebody presses Go live; to be played first.

    Both clocks have to agree: sandbox time does not run ahead yet.
    """
    connection = stage.merchant["connections"][USD]
    stage.api.post(f"connections/{connection}/observe", "history-observe", reason="not yet")
    sold = place(stage, count=max(6, stage.orders // 4), mount=USD, turns=None)
    senders.history |= {sale["name"]: sale["number"] for sale in sold}
    time.sleep(1.1)  # the shop's clock has whole seconds
    now = stage.sandbox.ask("state")["now"]
    stage.api.post(f"connections/{connection}/go-live", "history-live", since=now, reason="Go live")


def complete_by_hand(stage: Stage, senders: Senders) -> None:
    """Somebody in the shop packs an order that the hub has in its queue."""
    house = stage.merchant["connections"]["prodigi"]
    stop = stage.api.post(
        "pauses", "by-hand-pause", connection_id=house, flow="submissions", reason="a look first"
    )
    time.sleep(3 * LOOK_EVERY_S)  # what was on its way when the stop came may have left
    sold = place(stage, count=3, mount=EUR)
    until(lambda: all(order_of(stage, sale) for sale in sold), "orders of all three")
    for sale in sold:
        stage.sandbox.act(EUR, "complete_by_hand", order_id=int(sale["external_id"]))
    until(
        lambda: (
            {(order_of(stage, sale) or {}).get("source_status") for sale in sold} == {"completed"}
        ),
        "news that they were completed by hand",
    )
    senders.never_made |= {sale["name"]: "completed by hand" for sale in sold}
    stage.api.post(f"pauses/{stop['id']}/resume", "by-hand-resume", reason="go on")


def cancel_while_intending(stage: Stage, senders: Senders) -> None:
    """A shop cancels while a worker decides; what the hub then calls cancelled stays unsent."""
    with frozen_at(stage.crash_points, "submit.before_intend_commit") as wait_until_frozen:
        sold = place(stage, count=4, mount=EUR)
        wait_until_frozen()
        for sale in sold:
            stage.sandbox.act(EUR, "cancel", order_id=int(sale["external_id"]))
        time.sleep(6.0)
        works = {work["reference"] for work in stage.sandbox.ask("books")["prodigi"]["works"]}
        for sale in sold:
            order = order_of(stage, sale)
            is_sent = any(f"/{sale['external_id']}/" in reference for reference in works)
            if order is not None and order["status"] == "cancelled" and not is_sent:
                senders.never_made[sale["name"]] = "cancelled before it was sent"


def wake_with_an_old_token(stage: Stage, _: Senders) -> None:
    """A worker freezes with mails in hand; a person decides, and it wakes up too late to send."""
    with frozen_at(stage.crash_points, "mail.before_call") as wait_until_frozen:
        place(stage, count=3, mount=EUR)
        wait_until_frozen()
        asked = until(lambda: mails_for_a_person(stage), "a mail that a person is asked about")
        for attempt in asked:
            arrived = any(
                mail.message_id.startswith(attempt["reference"]) for mail in stage.office.taken
            )
            stage.api.post(
                f"attempts/{attempt['id']}/decide",
                f"decide-{attempt['id']}-{attempt['calls']}",
                happened=arrived,
                reason="looked into the mail server's books",
            )
        ids = {attempt["id"] for attempt in asked}
        until(lambda: not ids & under_way(stage, "mail"), "mails that left after the decision")


def delete_and_add_again(stage: Stage, _: Senders) -> None:
    """Somebody removes a shop, thinks better of it and connects it again."""
    connection = stage.merchant["connections"][JPY]
    place_of = {row["mount"]: row for row in stage.sandbox.ask("accounts")["places"]}[JPY]
    before = stage.api.get(f"connections/{connection}")
    stage.api.post(f"connections/{connection}/archive", "archive-jpy", reason="by mistake")
    place(stage, count=3, mount=JPY)
    added = stage.api.post(
        "connections",
        "add-jpy",
        platform=place_of["platform"],
        name=before["name"],
        code=before["code"],
        settings=place_of["settings"],
    )
    if added["id"] != connection:
        raise SceneFailed(f"the account came back as another connection: {added['id']}")
    stage.api.post(
        f"connections/{connection}/go-live",
        "live-jpy",
        since=before["live_since"],
        reason="as before",
    )


def pay_two_sessions_of_one_cart(stage: Stage, senders: Senders) -> None:
    """A customer opens the payment page twice, and pays on both."""
    drawn = stage.sandbox.tell("draw", count=200, seed=stage.seed + 5)["sales"]
    carts = [row["cart"] for row in drawn if row["cart"] and row["cart"]["turn"] in QUIET]
    cart = next(cart for cart in carts if cart["country"] == "DE" or cart["currency"] == "EUR")
    site = own_site(stage)
    first = site.open_page(cart)
    again = stage.api.post("checkout/sessions", "second-page", **site.session_of(cart))["url"]
    paid = stage.sandbox.tell("pay", number=cart["number"], url=first)["external_id"]
    second = again.rstrip("/").rpartition("/")[2]
    if second == paid:
        return  # the hub gave the same page again: there is nothing to pay twice
    with contextlib.suppress(Silent):  # a closed page cannot be paid, and need not be
        stage.sandbox.act(
            "stripe",
            "customer_pays",
            session_id=second,
            name="Änne Ørsted-Łukasik",
            email=cart["email"],
            address={
                "line1": "Straße der Möwen 7",
                "city": "Köln",
                "postal_code": "50667",
                "country": "DE",
            },
        )
    senders.twins.append((f"stripe/{paid}", f"stripe/{second}"))


def reship(stage: Stage, senders: Senders) -> None:
    """A person sends again what arrived broken."""
    shares = until(lambda: shipped_shares(stage), "a share that has left")
    orders = {row["order_id"]: row for row in stage.api.every("orders")}
    mounts = {number: mount for mount, number in stage.merchant["connections"].items()}
    for share, order_id in shares[:2]:
        order = orders[order_id]
        name = f"{mounts[order['connection_id']]}/{order['external_id']}"
        stage.api.post(
            f"fulfillment-orders/{share['id']}/reship",
            f"reship-{share['id']}",
            reason="it arrived broken",
        )
        units = sum(item["quantity"] for item in share["items"])
        senders.reshipped[name] = senders.reshipped.get(name, 0) + units


def refund_some(stage: Stage, senders: Senders) -> None:
    """People give part of the money back, here and there.

    Again until each crash point around refunds has struck, where any is to strike.
    """
    _refund(stage, senders, count=max(4, stage.orders // 30))
    for _ in range(REFUND_ROUNDS):
        until(lambda: _is_attempted(stage, senders), "refunds that were tried")
        if not still_to_strike(stage, ("refund.",)):
            return
        _refund(stage, senders, count=2)


def _is_attempted(stage: Stage, senders: Senders) -> bool:
    return len(list(stage.api.every("attempts", kind="refund"))) >= len(senders.refunds)


def _refund(stage: Stage, senders: Senders, *, count: int) -> None:
    """Give a part of so many orders' money back that nobody else touches."""
    wanted = len(senders.refunds) + count
    names = {
        f"{row['mount']}/{row['external_id']}"
        for row in stage.sandbox.ask("placed")["sales"]
        if row["turn"] in QUIET
    }
    mounts = {number: mount for mount, number in stage.merchant["connections"].items()}
    twins = {name for pair in senders.twins for name in pair}
    for order in list(stage.api.every("orders", payment_status="paid")):
        name = f"{mounts[order['connection_id']]}/{order['external_id']}"
        if name not in names - twins - senders.refunds.keys() - senders.history.keys():
            continue
        currency = order["total"]["currency"]
        step = Decimal(1).scaleb(-PLACES[currency])
        amount = (Decimal(order["total"]["amount"]) / 7).quantize(step)
        senders.refunds[name] = amount
        stage.api.post(
            f"orders/{order['id']}/refunds",
            f"refund-{order['id']}",
            amount={"amount": str(amount), "currency": currency},
            reason="a scratch",
        )
        if len(senders.refunds) >= wanted:
            return


def expire_a_key(stage: Stage, _: Senders) -> None:
    """A shop's key is taken away; the hub says so, and a person enters the new one."""
    connection = stage.merchant["connections"][USD]
    stage.sandbox.act(USD, "revoke_key")
    until(
        lambda: stage.api.get(f"connections/{connection}")["status"] == "misconfigured",
        "word that the key is refused",
    )
    places = {row["mount"]: row for row in stage.sandbox.ask("accounts")["places"]}
    stage.api.patch(f"connections/{connection}", settings=places[USD]["settings"])

    def works_again() -> bool:
        stage.api.post(f"connections/{connection}/test", f"test-{time.monotonic_ns()}")
        return str(stage.api.get(f"connections/{connection}")["status"]) == "live"

    until(works_again, "a shop that is live again")


SCENES: dict[str, Scene] = {
    "go live on old orders": go_live_on_old_orders,
    "captures and voids": paying.capture_and_void,
    "complete by hand": complete_by_hand,
    "cancel while intending": cancel_while_intending,
    "wake with an old token": wake_with_an_old_token,
    "second thoughts": making.have_second_thoughts,  # the house is busy: nothing leaves meanwhile
    "delete and add again": delete_and_add_again,
    "two sessions of one cart": pay_two_sessions_of_one_cart,
    "refunds": refund_some,
    "expired key": expire_a_key,
    "voided label": making.void_labels,
    "sold below cost": making.sell_below_cost,
    "reship": reship,
}
FIRST = "go live on old orders"
# These come after all others: they stop the hub.
COPIES: dict[str, Scene] = {
    "a clone is started": copies.start_a_clone,
    "a restore of six hours ago": copies.restore_an_old_copy,
}
