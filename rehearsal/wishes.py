"""Holds what people wanted done outside against the books there, and against what the hub says.

Nothing of entrepot is imported here.
"""

from decimal import Decimal
from typing import Any

from rehearsal.evidence import Evidence

UNDER_WAY = frozenset({"intended", "calling", "unknown"})


def captures_wrong(evidence: Evidence, name: str, payment: dict[str, Any], order: Any) -> list[str]:
    """What does not agree about one payment that is captured by hand.

    Captured once at most, never after it was let go, and as much as somebody asked for; the hub
    counts what was taken, and nobody's wish is forgotten.
    """
    asked = evidence.senders.captures.get(name)
    is_to_go = name in evidence.senders.voids
    taken, counted = Decimal(payment["amount"]), Decimal(order["amounts"]["captured"]["amount"])
    wrong = []
    if payment["captures"] > 1:
        wrong.append(f"captured {payment['captures']} times")
    if payment["captures"] and payment["voids"]:
        wrong.append("captured, and let go")
    if payment["captures"] and asked is None:
        wrong.append(f"{taken} were captured, and nobody asked for it")
    if payment["captures"] and asked is not None and taken != asked:
        wrong.append(f"{taken} were captured, {asked} were asked for")
    if counted > taken:
        wrong.append(f"the hub counts {counted}, and {taken} were taken")
    if _is_over(evidence, order):
        if payment["is_open"] and (asked is not None or is_to_go):
            wrong.append("somebody decided, and it is still authorized")
        if counted < taken:
            wrong.append(f"{taken} were taken, and the hub counts {counted}")
    return wrong


def methods_wrong(evidence: Evidence) -> list[str]:
    """What does not agree about the shipping methods of shares that a provider has.

    What the hub says applies is what stands in the provider's books, unless it says that it does
    not know; and what a person chose has come to an end.
    """
    works = {
        work["external_id"]: work
        for told in evidence.books.values()
        for work in told.get("works", ())
        if "shipping_method" in work
    }
    asking = {
        row["subject_id"]
        for row in evidence.attempts
        if row["kind"] == "change_shipping" and row["status"] in UNDER_WAY
    }
    wrong = []
    for share in evidence.shares:
        if share["id"] in asking:
            continue
        name = f"share {share['id']} ({share['external_id']})"
        work = works.get(share["external_id"])
        if work is not None and work["shipping_method"] != share["shipping_method"]:
            wrong.append(
                f"{name} goes by {work['shipping_method']}, and the hub says"
                f" {share['shipping_method']}"
            )
        chosen = evidence.senders.methods.get(share["id"])
        if chosen is not None and share["chosen_method"] != chosen:
            wrong.append(f"{name} was to go by {chosen}, and the hub has forgotten it")
        is_answered = chosen in {share["shipping_method"], share["refused_method"]}
        if chosen is not None and not is_answered and share["status"] != "cancelled":
            wrong.append(f"{name} was to go by {chosen}, and nobody has asked")
    return wrong


def _is_over(evidence: Evidence, order: dict[str, Any]) -> bool:
    """Whether nothing is asked about, owed or given up of an order's money any more."""
    owed = [row for row in evidence.obligations if row["kind"] in {"capture", "void", "resolve"}]
    asking = [
        row
        for row in evidence.attempts
        if row["kind"] in {"capture", "void"} and row["status"] in UNDER_WAY
    ]
    under_way = [*owed, *asking, *evidence.letters]
    return order["order_id"] not in {row["order_id"] for row in under_way}
