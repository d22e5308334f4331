"""What a mail is about, named in the sale's own numbers: the same name in every database."""

from dataclasses import dataclass, field

RELEASED = "released"
CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Told:
    """The facts of one mail, taken apart.

    `shipments` are numbers within the order, `parcels` pairs of shipment and parcel number,
    `refunds` the payment entries' external ids.
    """

    shipments: frozenset[int] = frozenset()
    parcels: frozenset[tuple[int, int]] = frozenset()
    refunds: frozenset[str] = frozenset()
    others: frozenset[str] = field(default=frozenset())


def shipment(number: int) -> str:
    """A shipment left."""
    return f"shipment:{number}"


def parcel(shipment_number: int, number: int, *, news: str) -> str:
    """News of a parcel: `delivered`, `exception`, `returned`."""
    return f"parcel:{shipment_number}.{number}:{news}"


def refund(external_id: str) -> str:
    """An amount went back."""
    return f"refund:{external_id}"


def lines_cancelled(event_id: int) -> str:
    """Units of lines will not be sent."""
    return f"lines_cancelled:{event_id}"


def read(facts: list[str]) -> Told:
    """Take the facts of a mail apart."""
    shipments, parcels, refunds, others = set(), set(), set(), set()
    for fact in facts:
        kind, _, rest = fact.partition(":")
        match kind:
            case "shipment":
                shipments.add(int(rest))
            case "parcel":
                first, second = rest.split(":")[0].split(".")
                parcels.add((int(first), int(second)))
            case "refund":
                refunds.add(rest)
            case _:
                others.add(fact)
    return Told(frozenset(shipments), frozenset(parcels), frozenset(refunds), frozenset(others))
