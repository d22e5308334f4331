"""Draws the sales of a run from a seed: what is bought where, by whom, and what goes wrong."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from entrepot.connect.world import CartLine, Good, Person, Sale, Turn
from entrepot.sandbox.goods import (
    GOODS,
    GUIDE,
    LETTER,
    LOST_FILE,
    OWN_PHOTO,
    UNMAPPED,
    at_a_bad_address,
    somebody,
)

# Of 100 sales; the rest is plain.
AT_A_SHOP = {
    Turn.COUPON: 8,
    Turn.PARTLY_REFUNDED: 3,
    Turn.REFUNDED: 2,
    Turn.UNMAPPED: 3,
    Turn.NO_ARTWORK: 2,
    Turn.LOST_ARTWORK: 2,
    Turn.BAD_ADDRESS: 2,
    Turn.DECLINED: 2,
    Turn.DELAYED: 3,
    Turn.ABANDONED: 1,
    Turn.ON_DELIVERY: 4,
    Turn.EDITED: 4,
    Turn.CANCELLED: 4,
    Turn.SEEN_TWICE: 5,
    Turn.VIRTUAL: 4,
}
AT_A_CHECKOUT = {
    Turn.COUPON: 8,
    Turn.PARTLY_REFUNDED: 3,
    Turn.REFUNDED: 2,
    Turn.UNMAPPED: 2,
    Turn.LOST_ARTWORK: 2,
    Turn.BAD_ADDRESS: 3,
    Turn.DECLINED: 6,
    Turn.DELAYED: 6,
    Turn.ABANDONED: 4,
    Turn.VIRTUAL: 4,
}
# Turns that a debit or a shop's own file makes possible only there.
ONLY_EURO = frozenset({Turn.DELAYED})
WITH_LETTER = 30  # letters cannot be tracked: nobody ever hears that they arrived
WITH_EXPRESS = 6  # every how many-th sale is in a hurry


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Where sales may happen: storefront mounts by currency, and the gateway's currencies."""

    shops: dict[str, str]  # mount -> currency
    checkout_currencies: tuple[str, ...]
    checkout_share: float = 0.3


def draw(
    market: Market, *, count: int, seed: int, first: int = 1, earlier: int = 0
) -> Iterator[tuple[str, Sale]]:
    """Sales with the mount of their storefront; "" for the merchant's own site with a checkout.

    The same seed draws the same sales; after `earlier` runs against the same hub, it draws others,
    to other customers: a cart that one of them buys again would be taken for a duplicate. Each turn
    comes at least once when there is room for it.
    """
    dice = random.Random(f"{seed}/{earlier}" if earlier else seed)
    has_checkouts = bool(market.checkout_currencies)
    at_checkout = round(count * market.checkout_share) if has_checkouts else 0
    plan = [
        *((True, turn) for turn in _turns(AT_A_CHECKOUT, at_checkout)),
        *((False, turn) for turn in _turns(AT_A_SHOP, count - at_checkout)),
    ]
    dice.shuffle(plan)
    for number, (is_checkout, turn) in enumerate(plan, start=first):
        if is_checkout:
            mount, currency = "", dice.choice(market.checkout_currencies)
            if turn in ONLY_EURO:
                currency = "EUR"
        else:
            mount, currency = dice.choice(sorted(market.shops.items()))
        name = f"{number}.{earlier + 1}" if earlier else f"{number}"
        person = somebody(dice, name, currency=currency)
        yield mount, _sale(dice, number=number, turn=turn, person=person, currency=currency)


def _turns(shares: dict[Turn, int], count: int) -> list[Turn]:
    turns: list[Turn] = []
    for turn, share in shares.items():
        if len(turns) < count:
            turns += [turn] * min(max(1, round(share * count / 100)), count - len(turns))
    return [*turns, *[Turn.PLAIN] * (count - len(turns))]


def _sale(dice: random.Random, *, number: int, turn: Turn, person: Person, currency: str) -> Sale:
    if turn is Turn.BAD_ADDRESS:
        person = at_a_bad_address(person)
    return Sale(
        number=number,
        turn=turn,
        customer=person,
        lines=_lines(dice, number=number, turn=turn),
        currency=currency,
        coupon_percent=dice.choice((5, 10, 15)) if turn is Turn.COUPON else 0,
        is_express=number % WITH_EXPRESS == 0,
    )


def _lines(dice: random.Random, *, number: int, turn: Turn) -> tuple[CartLine, ...]:
    several = dice.sample(GOODS, dice.choice((1, 2, 2, 3)))
    lines = [CartLine(good=good, quantity=dice.choice((1, 2, 2, 3, 5))) for good in several]
    special: dict[Turn, Good] = {
        Turn.UNMAPPED: UNMAPPED,
        Turn.LOST_ARTWORK: LOST_FILE,
        Turn.VIRTUAL: GUIDE,
        Turn.NO_ARTWORK: OWN_PHOTO,
    }
    if turn in special:
        lines.append(CartLine(good=special[turn], quantity=2))
    if turn is Turn.PLAIN and number % WITH_LETTER == 0:
        lines.append(CartLine(good=LETTER, quantity=5))
    if turn is Turn.VIRTUAL and number % 3 == 0:
        lines = lines[-1:]  # nothing to ship at all
    return tuple(lines)
