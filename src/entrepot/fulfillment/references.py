"""Names that the other side sees: derived from the sale, never from our rows or a clock.

Two databases that hold the same sale make the same names, and so collide at the provider instead
of shipping twice.
"""

import hashlib
from typing import TypedDict

LONGEST = 60  # what the tightest provider keeps of a merchant's reference
KEY_LENGTH = 40


class ShareOfSale(TypedDict):
    """What the names of one generation of a share are derived from."""

    account: str
    mode: str
    external_id: str
    share: int
    generation: int


def sale_reference(*, account: str, mode: str, external_id: str) -> str:
    """The sale as people may read it: "shop.example/10482", "test!shop.example/10482".

    An account too long to fit is cut and told apart by a hash.
    """
    place = account.partition(":")[2] or account
    place = place.removeprefix("https://").removeprefix("http://").rstrip("/")
    name = f"{place}/{external_id}"
    room = LONGEST - len("test!") - len("/99/99")
    if len(name) > room:
        digest = hashlib.sha256(f"{account}/{external_id}".encode()).hexdigest()[:12]
        name = f"{name[: room - 13]}~{digest}"
    return name if mode == "live" else f"{mode}!{name}"


def share_reference(
    *, account: str, mode: str, external_id: str, share: int, generation: int
) -> str:
    """One submission of one share: the sale, the share and the generation."""
    sale = sale_reference(account=account, mode=mode, external_id=external_id)
    return f"{sale}/{share}/{generation}"


def idempotency_key(
    effect: str, *, account: str, mode: str, external_id: str, share: int, generation: int
) -> str:
    """Our stable name for one effect; the same on every try, for ever."""
    parts = (effect, account, mode, external_id, str(share), str(generation))
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:KEY_LENGTH]


def item_reference(position: int) -> str:
    """One item of a share, within the share's own reference."""
    return f"item-{position}"


def position_of(reference: str) -> int | None:
    """The position that an item reference names; None when it is not one of ours."""
    head, _, tail = reference.rpartition("-")
    return int(tail) if head.endswith("item") and tail.isdigit() else None
