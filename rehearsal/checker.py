"""Compares what everybody outside would swear to with what the hub says through its public API.

Nothing of entrepot is imported here or by what this imports. `Evidence` is all that is looked at:
the simulators' books, the mail server's, the senders' lists of what they were told, the hub's
answers.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from rehearsal.evidence import Evidence
from rehearsal.post_office import Taken
from rehearsal.wishes import captures_wrong, methods_wrong

ENDED = frozenset({"cancelled", "closed"})
GONE_OUT = frozenset({"shipped", "delivered"})
# What is told by a mail must be about one of these; the rest is nobody's business.
CUSTOMERS = "kunde{number}@"
# What a provider keeps of a sale's name, 60 less the mode, the share and the generation.
ROOM = 60 - len("test!") - len("/99/99")


@dataclass(slots=True, kw_only=True)
class Findings:
    """What does not agree. All empty is the promise kept."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    mails_doubled: list[str] = field(default_factory=list)
    mail_unknown: list[str] = field(default_factory=list)
    unexpected_mails: list[str] = field(default_factory=list)
    money_mismatch: list[str] = field(default_factory=list)
    refunds_doubled: list[str] = field(default_factory=list)
    captures_wrong: list[str] = field(default_factory=list)
    methods_wrong: list[str] = field(default_factory=list)
    written_back_missing: list[str] = field(default_factory=list)
    axes_wrong: list[str] = field(default_factory=list)
    # Of the lost, what was acknowledged: these are final, whatever is still under way.
    gone: list[str] = field(default_factory=list)
    # Of the unknown mails, those that nobody has promised to find out about.
    mail_unowed: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether every list is empty, unknown mails aside that somebody is asked about."""
        return not any(value for name, value in asdict(self).items() if name != "mail_unknown")


def check(evidence: Evidence) -> Findings:
    """Hold all sides against each other."""
    return _Check(evidence).findings()


class _Check:
    def __init__(self, evidence: Evidence) -> None:
        self._e = evidence
        run = evidence.accounts["run"]
        self._mounts = {
            row["id"]: row["code"].removesuffix(f"-{run}") for row in evidence.connections
        }
        self._orders = {
            (self._mounts.get(row["connection_id"], ""), row["external_id"]): row
            for row in evidence.orders
        }
        self._sales = {
            (mount, row["external_id"]): row
            for mount, told in evidence.books.items()
            for row in (*told.get("sales", ()), *told.get("checkouts", ()))
        }
        self._payments = {
            payment["external_id"]: payment
            for told in evidence.books.values()
            for payment in told.get("payments", ())
        }
        self._works: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for told in evidence.books.values():
            for work in told.get("works", ()):
                self._works[_sale_in(work["reference"])].append(work)
        self._names = {
            (self._mounts[row["id"]], key[1]): _name_of(row["account"], key[1])
            for row in evidence.connections
            for key in (*self._sales, *self._orders)
            if key[0] == self._mounts[row["id"]]
        }
        self._open: dict[int, set[str]] = defaultdict(set)
        for row in evidence.obligations:
            if row["order_id"] is not None:
                self._open[row["order_id"]].add(row["kind"])
        self._stands = {row["order_id"] for row in evidence.letters} | {
            row["order_id"] for row in evidence.attempts if row["status"] == "unknown"
        }
        self._made_as = self._recipes()
        self._found = Findings()

    def findings(self) -> Findings:
        self._look_for_lost_words()
        for key, sale in self._sales.items():
            order = self._orders.get(key)
            if order is None:
                self._look_for_lost_order(key, sale)
            else:
                self._look_at_works(key, sale, order)
                self._look_at_money(key, sale, order)
                self._look_at_capture(key, sale, order)
                self._look_at_write_back(key, sale, order)
        for order in self._e.orders:
            self._look_for_stuck(order)
            self._look_at_axes(order)
        self._look_for_strangers()
        self._look_at_mails()
        self._found.methods_wrong += methods_wrong(self._e)
        return self._found

    def _look_for_lost_words(self) -> None:
        known = {row["sha256"] for row in self._e.received}
        known |= {f"message {row['id']}" for row in self._e.received}
        self._found.gone = [
            f"a webhook was acknowledged and is gone: {name}"
            for name in self._e.acknowledged
            if name not in known
        ]
        self._found.lost += self._found.gone

    def _look_for_lost_order(self, key: tuple[str, str], sale: dict[str, Any]) -> None:
        is_wanted = sale["is_paid"] and not sale.get("is_cancelled")
        is_placed = any((row["mount"], row["external_id"]) == key for row in self._e.placed)
        is_parked = any(key[1] in body for body in self._e.parked)
        is_wanted = is_wanted and "/".join(key) not in self._e.senders.history
        if is_wanted and is_placed and not is_parked:
            self._found.lost.append(f"{'/'.join(key)}: paid, and the hub has no order of it")

    def _look_at_works(
        self, key: tuple[str, str], sale: dict[str, Any], order: dict[str, Any]
    ) -> None:
        name = "/".join(key)
        live = [work for work in self._works.get(self._names[key], ()) if work["is_live"]]
        by_share = Counter(work["reference"].rpartition("/")[0] for work in live)
        self._found.doubled += [
            f"{name}: {n} works of the share {share}" for share, n in by_share.items() if n > 1
        ]
        made = sum((Counter(work["units"]) for work in live), Counter[str]())
        wanted = self._wanted(key, sale)
        extra = self._e.senders.reshipped.get(name, 0)
        if wanted is not None and sum((made - wanted).values()) > extra:
            self._found.doubled.append(f"{name}: sold {dict(wanted)}, and {dict(made)} is made")
        gone = sum((Counter(work["units"]) for work in live if work["has_left"]), Counter[str]())
        told = order["units"]["shipped"]
        if told > sum(gone.values()):
            self._found.lost.append(f"{name}: the hub says {told} units left, {dict(gone)} did")

    def _look_at_money(
        self, key: tuple[str, str], sale: dict[str, Any], order: dict[str, Any]
    ) -> None:
        name, told = "/".join(key), order["amounts"]
        total, back = Decimal(sale["total"]), self._given_back(sale)
        wrong = []
        if order["total"]["currency"] != sale["currency"]:
            wrong.append(f"currency {order['total']['currency']}, not {sale['currency']}")
        if Decimal(order["total"]["amount"]) != total:
            wrong.append(f"total {order['total']['amount']}, not {total}")
        if Decimal(told["refunded"]["amount"]) != back:
            wrong.append(f"refunded {told['refunded']['amount']}, not {back}")
        if sale["is_paid"] and Decimal(told["captured"]["amount"]) != total:
            wrong.append(f"captured {told['captured']['amount']}, not {total}")
        if wrong:
            self._found.money_mismatch.append(f"{name}: {'; '.join(wrong)}")
        asked = self._e.senders.refunds.get(name)
        if back > total or (asked is not None and back > asked):
            self._found.refunds_doubled.append(f"{name}: {back} went back, {asked} was asked for")

    def _given_back(self, sale: dict[str, Any]) -> Decimal:
        if "refunded" in sale:
            return Decimal(sale["refunded"])
        payment = self._payments.get(sale["transaction_id"])
        return Decimal(payment["refunded"]) if payment else Decimal(0)

    def _look_at_capture(
        self, key: tuple[str, str], sale: dict[str, Any], order: dict[str, Any]
    ) -> None:
        payment = self._payments.get(sale["transaction_id"])
        if payment is not None and payment["is_by_hand"]:
            name = "/".join(key)
            wrong = captures_wrong(self._e, name, payment, order)
            if wrong:
                self._found.captures_wrong.append(f"{name}: {'; '.join(wrong)}")

    def _look_at_write_back(
        self, key: tuple[str, str], sale: dict[str, Any], order: dict[str, Any]
    ) -> None:
        if "state" not in sale:
            return
        name = "/".join(key)
        for what in ("trackings", "notes"):
            self._found.doubled += [
                f"{name} was told {n} times: {text}"
                for text, n in Counter(sale[what]).items()
                if n > 1
            ]
        is_out = order["fulfillment_status"] in GONE_OUT and not order["is_history"]
        is_known = sale["state"] in {"completed", "refunded", "cancelled", "trash"}
        if is_out and not is_known and order["order_id"] not in self._stands:
            self._found.written_back_missing.append(
                f"{name}: left, and the shop shows {sale['state']}"
            )

    def _look_for_stuck(self, order: dict[str, Any]) -> None:
        is_waiting_for_money = order["released_at"] is None and order["payment_status"] != "paid"
        stands = (
            order["status"] in ENDED
            or order["is_held"]
            or order["is_history"]
            or is_waiting_for_money
            or order["order_id"] in self._stands
            or self._open.get(order["order_id"])
        )
        if not stands:
            self._found.stuck.append(
                f"{order['number']} ({order['external_id']}): {order['status']},"
                f" {order['payment_status']}, {order['fulfillment_status']}"
            )

    def _look_for_strangers(self) -> None:
        known = {self._names[key] for key in self._orders}
        self._found.doubled += [
            f"{work['reference']} is made for a sale that the hub does not know"
            for sale, works in self._works.items()
            for work in works
            if work["is_live"] and sale not in known
        ]
        history = {
            self._names[key]
            for key, row in self._orders.items()
            if row["is_history"] or "/".join(key) in self._e.senders.history
        }
        self._found.doubled += [
            f"{work['reference']} is made of history"
            for sale in history
            for work in self._works.get(sale, ())
            if work["is_live"]
        ]
        self._look_for_unwanted()
        twice = Counter(self._orders_keys())
        self._found.doubled += [f"{key} is {n} orders" for key, n in twice.items() if n > 1]

    def _look_for_unwanted(self) -> None:
        made = {
            "/".join(key): self._works.get(name, [])
            for key, name in self._names.items()
            if self._works.get(name)
        }
        self._found.doubled += [
            f"{name} is made, and was {why}"
            for name, why in self._e.senders.never_made.items()
            if name in made
        ]
        self._found.doubled += [
            f"{first} and {second} are one cart, and both are made"
            for first, second in self._e.senders.twins
            if all(any(work["is_live"] for work in made.get(name, ())) for name in (first, second))
        ]

    def _look_at_axes(self, order: dict[str, Any]) -> None:
        """What the order says of its goods follows from its own counts, whatever came when."""
        units = order["units"]
        rest = units["cancelled"] + units["nothing_to_ship"]
        if units["ordered"] <= rest:
            expected = "not_required"
        elif (
            units["delivered"]
            and units["ordered"] <= rest + units["delivered"] + (units["elsewhere"])
        ):
            expected = "delivered"
        elif units["ordered"] <= rest + units["shipped"] + units["elsewhere"]:
            expected = "shipped"
        elif units["shipped"] or units["elsewhere"]:
            expected = "partially_shipped"
        else:
            expected = "unfulfilled"
        if order["fulfillment_status"] != expected:
            self._found.axes_wrong.append(
                f"{order['number']} is {order['fulfillment_status']}, by its units {expected}"
            )

    def _orders_keys(self) -> Iterable[tuple[str, str]]:
        for row in self._e.orders:
            yield self._mounts.get(row["connection_id"], ""), row["external_id"]

    def _look_at_mails(self) -> None:
        for mail, n in Counter(mail.message_id for mail in self._e.mails).items():
            if n > 1:
                self._found.mails_doubled.append(f"{mail} arrived {n} times")
        sent = [row for row in self._e.told if row["status"] in {"sent", "delivered"}]
        told = Counter((row["order_id"], row["kind"], *sorted(row["facts"])) for row in sent)
        self._found.mails_doubled += [
            f"{key} was told {n} times" for key, n in told.items() if n > 1
        ]
        history = set(self._e.senders.history.values())
        expected = {
            CUSTOMERS.format(number=row["number"])
            for row in self._e.placed
            if row["number"] not in history
        }
        self._found.unexpected_mails += [
            f"{mail.recipient}: {mail.subject}"
            for mail in self._e.mails
            if _local(mail) not in expected
        ]
        owed = {
            row["subject_id"]
            for row in self._e.obligations
            if row["kind"] == "resolve" and row["subject_kind"] == "attempt"
        }
        for row in self._e.attempts:
            if row["kind"] == "mail" and row["status"] == "unknown":
                self._found.mail_unknown.append(f"{row['reference']}: {row['message']}")
                if row["id"] not in owed:
                    self._found.mail_unowed.append(row["reference"])

    def _recipes(self) -> dict[str, str]:
        recipes = {
            made_as: recipe["provider_sku"]
            for place in self._e.accounts["places"]
            for made_as, recipe in place["recipes"].items()
        }
        return {
            good["sku"]: recipes[good["made_as"]]
            for good in self._e.accounts["goods"]
            if good["made_as"] in recipes
        }

    def _wanted(self, key: tuple[str, str], sale: dict[str, Any]) -> Counter[str] | None:
        """What the sale's units are made as; None when nobody noted them."""
        sold = sale.get("units") or self._e.senders.units.get(key[1])
        if sold is None:
            return None
        wanted = Counter[str]()
        for sku, n in sold.items():
            if sku in self._made_as:
                wanted[self._made_as[sku]] += n
        return wanted


def _local(mail: Taken) -> str:
    """The part before and with the @ of a recipient, as `CUSTOMERS` has it."""
    return mail.recipient.partition("@")[0] + "@"


def _sale_in(reference: str) -> str:
    """The sale in "test!moewe-prints.example/301/1/1": without mode, share and generation."""
    return reference.partition("!")[2].rpartition("/")[0].rpartition("/")[0]


def _name_of(account: str, external_id: str) -> str:
    """How a provider reads a sale: its account and number, a long one cut and told by a hash."""
    place = account.partition(":")[2] or account
    place = place.removeprefix("https://").removeprefix("http://").rstrip("/")
    name = f"{place}/{external_id}"
    if len(name) <= ROOM:
        return name
    digest = hashlib.sha256(f"{account}/{external_id}".encode()).hexdigest()[:12]
    return f"{name[: ROOM - 13]}~{digest}"
