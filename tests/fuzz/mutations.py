"""Real payloads, made wrong by chance: the same seed makes the same payloads."""

import copy
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import entrepot.connectors
from tests import specs

FOLDERS = Path(entrepot.connectors.__path__[0])
ODD: tuple[Any, ...] = (
    None, "", " ", "\x00", "Zo\x00ë", "\ud83d", "never heard of", "0", "-1", "1e999", "NaN",
    "2026-13-45T99:99:99Z", "1.005", "99999999999999999999.99", "鴎" * 3000, -1, 0, 2**31, 2**63,
    10**30, 1.5, 1e308, True, False, [], {}, [None], [[[]]], {"a": []}, {"$gt": ""},
    "<script>alert(1)</script>", "'; DROP TABLE orders_order; --", "../../etc/passwd",
    "EUR", "QQQ", "JPY", "KWD", "completed", "refunded", "cancelled", "processing", "trash",
)  # fmt: skip
# So few, that mutated payloads speak of the same orders, in every order.
IDS = 40


def payloads_of(platform: str) -> list[bytes]:
    """Everything that was captured of a platform or taken from its documentation."""
    found = sorted((FOLDERS / platform / "fixtures").rglob("*"))
    shared = specs.folder() / "fixtures" / platform
    found += sorted(shared.rglob("*")) if shared.exists() else []
    return [
        path.read_bytes()
        for path in found
        if path.suffix in {".json", ".body"}
        and ".expected" not in path.name
        and ".headers" not in path.name
    ]


def mutated(payloads: Sequence[bytes], chance: random.Random) -> Iterator[bytes]:
    """Payloads without end, each wrong in one to four ways; some only in their ids."""
    while True:
        body = chance.choice(payloads)
        try:
            whole = json.loads(body)
        except ValueError:
            yield _bent(body, chance)
            continue
        _renumber(whole, chance)
        for _ in range(chance.choice((0, 1, 1, 2, 4))):
            whole = _odd(whole, chance)
        told = json.dumps(whole, ensure_ascii=chance.random() < 0.9).encode(
            "utf-8", "surrogatepass"
        )
        yield _bent(told, chance) if chance.random() < 0.15 else told


def _renumber(whole: Any, chance: random.Random) -> None:
    """Few things, many messages about them: one in ten repeats the id of another message."""
    if not (isinstance(whole, dict) and "id" in whole):
        return
    about = _about(whole)
    is_fresh = about is not None and chance.random() < 0.9
    number = chance.randrange(IDS, 10**9) if is_fresh else chance.randrange(IDS)
    whole["id"] = number if isinstance(whole["id"], int) else f"{whole['id']}-{number}"
    if "order_key" in whole:
        whole["order_key"] = f"wc_order_{number}"
    _renumber(about, chance)


def _about(whole: dict[str, Any]) -> dict[str, Any] | None:
    """What a message with an id of its own tells about, as Stripe and EasyPost wrap it."""
    data = whole.get("data")
    about = data.get("object") if isinstance(data, dict) else whole.get("result")
    return about if isinstance(about, dict) else None


def _odd(whole: Any, chance: random.Random) -> Any:
    """One value replaced, dropped, doubled, scaled, or swapped with another."""
    places = list(_places(whole))
    if not places:
        return copy.deepcopy(chance.choice(ODD))
    holder, key = chance.choice(places)
    match chance.randrange(6):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        case 2 if isinstance(holder[key], int | float):
            holder[key] *= chance.choice((-1, 1000, 0.001, 10**12))
        case 3:
            other, at = chance.choice(places)
            holder[key] = copy.deepcopy(other[at]) if other is not holder[key] else None
        case 4 if isinstance(holder[key], str):
            holder[key] += chance.choice(("0", " ", "é", "\u202e", "00000000000000000000"))
        case _:
            holder[key] = copy.deepcopy(chance.choice(ODD))  # it may become a holder itself
    return whole


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        keys: list[Any] = list(value)
    elif isinstance(value, list):
        keys = list(range(len(value)))
    else:
        return
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _bent(body: bytes, chance: random.Random) -> bytes:
    """Bytes flipped, cut, doubled, or something between them."""
    at = chance.randrange(len(body) + 1)
    match chance.randrange(5):
        case 0:
            return body[:at]
        case 1:
            return body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :]
        case 2:
            return body[:at] + chance.choice((b"\xff\xfe", b"\x00", b"[" * 500)) + body[at:]
        case 3:
            return body + body[:at]
        case _:
            return body[at:]
