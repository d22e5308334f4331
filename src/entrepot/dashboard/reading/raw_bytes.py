"""Raw bodies for a page: numbered lines, coloured by what they are, personal data masked.

Pure: bytes in, safe pieces out. A body that is no JSON is shown as text, with e-mail addresses
masked wherever they stand.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

MOST_SHOWN = 256 * 1024
# How deep JSON is laid out; what is nested deeper is shown as it came.
MOST_DEEP = 50
INDENT = "  "
DOTS = "••••"
# Keys whose strings tell about a person, at any depth, in the words of shops and gateways.
PERSONAL = re.compile(
    r"(^|_|-)(first|last|full|given|family|sur|user|nick|"  # typos: meant
    r"display|customer|recipient|cardholder|"
    r"account_holder)_?name$|^name$|^(e-?mail|phone|mobile|telephone)|(email|phone)$|"
    r"^address_?[123]$|^(address)?line_?[123]$|^street|^(post|postal|zip)_?(al)?_?code$|^postcode$|"
    r"^zip$|^company$|ip_address$|^signature$|^(tax|vat)_?id$|^customer_note$|^last4$",
    re.IGNORECASE,
)
# "name" says a person's name only inside such an object; lines, coupons and zones have names too.
PEOPLE = re.compile(
    r"billing|shipping|customer|recipient|address|owner|contact|buyer|shipper|collected_information",
    re.IGNORECASE,
)
SECRET_HEADERS = re.compile(r"authorization|cookie|secret|token|api-?key", re.IGNORECASE)
# What an e-mail address may be made of. Whether it is one is not asked of a pattern: over what a
# stranger sent, one that tries every "@" with every "." takes hours.
_WORD = re.compile(r"[^\s\"'<>(),;:=&]+")
_TOKEN = re.compile(
    r'(?P<string>"(?:[^"\\]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)'
    r"|(?P<word>true|false|null)|(?P<mark>[{}\[\]:,])|(?P<space>\s+)|(?P<other>.)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text; `look` is its class: k for keys, s for strings, d for digits, or nothing."""

    text: str
    look: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A body as a page shows it. `is_masked`: something was hidden; `is_cut`: there is more."""

    lines: list[list[Piece]]
    kind: str
    is_masked: bool
    is_cut: bool


def shown(body: bytes, *, is_parsed: bool, reveals: bool) -> Shown:
    """The body, as it came or laid out; `reveals` leaves personal data readable."""
    text = body[:MOST_SHOWN].decode("utf-8", "replace")
    is_cut = len(body) > MOST_SHOWN
    document = None if is_cut else _json(body)
    if document is not None:
        source = _laid_out(document) if is_parsed and not _is_deep(text) else text
        pieces, is_masked = _json_pieces(source, reveals=reveals)
        return Shown(lines=_in_lines(pieces), kind="JSON", is_masked=is_masked, is_cut=False)
    if is_parsed and "=" in text and "\n" not in text.strip():
        pairs = parse_qsl(text, keep_blank_values=True)
        text = "\n".join(f"{name} = {value}" for name, value in pairs) or text
    hidden = text if reveals else _WORD.sub(_hidden, text)
    return Shown(
        lines=_in_lines([Piece(hidden)]), kind="text", is_masked=hidden != text, is_cut=is_cut
    )


def safe_headers(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Headers by name; what could open a door is hidden."""
    return [
        (name, DOTS if SECRET_HEADERS.search(name) else value)
        for name, value in sorted(headers.items())
    ]


def _json(body: bytes) -> object:
    try:
        return json.loads(body, parse_float=_Number, parse_int=_Number)
    except (ValueError, RecursionError):
        return None


@dataclass(frozen=True, slots=True)
class _Number:
    """A number that is written again exactly as it came."""

    text: str


def _is_deep(text: str) -> bool:
    """Whether JSON is nested deeper than `MOST_DEEP`; brackets within strings do not count."""
    deep = 0
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "mark":
            deep += {"{": 1, "[": 1, "}": -1, "]": -1}.get(match.group(), 0)
            if deep > MOST_DEEP:
                return True
    return False


def _laid_out(document: object, indent: str = "") -> str:
    """JSON with one member per line; numbers keep their own digits."""
    deeper = f"{indent}{INDENT}"
    match document:
        case dict() if document:
            members = [
                f"{deeper}{json.dumps(str(key), ensure_ascii=False)}: {_laid_out(value, deeper)}"
                for key, value in document.items()
            ]
            return "{\n" + ",\n".join(members) + f"\n{indent}}}"
        case list() if document:
            items = [f"{deeper}{_laid_out(value, deeper)}" for value in document]
            return "[\n" + ",\n".join(items) + f"\n{indent}]"
        case _Number():
            return document.text
        case _:
            return json.dumps(document, ensure_ascii=False)


def _json_pieces(text: str, *, reveals: bool) -> tuple[list[Piece], bool]:
    """Colour a JSON text without changing a byte of it, but for what is masked."""
    pieces: list[Piece] = []
    is_masked = False
    for token, look, path in _walk(text):
        hides = (
            look == "s"
            and not reveals
            and len(token) > 2
            and (_is_personal(path) or _has_address(token))
        )
        is_masked |= hides
        pieces.append(Piece(f'"{DOTS}"' if hides else token, look))
    return pieces, is_masked


def _hidden(word: re.Match[str]) -> str:
    return DOTS if _is_address(word.group()) else word.group()


def _has_address(text: str) -> bool:
    return "@" in text and any(_is_address(word) for word in _WORD.findall(text))


def _is_address(word: str) -> bool:
    """Whether something stands before an "@", and behind it a dot between other things."""
    at = word.find("@", 1)
    return at > 0 and word.rfind(".", at + 2, len(word) - 1) > 0


def _is_personal(path: tuple[str, ...]) -> bool:
    key = next((part for part in reversed(path) if part), "")
    if not PERSONAL.search(key):
        return False
    return key.lower() != "name" or any(PEOPLE.search(part) for part in path[:-1])


def _walk(text: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Tokens with their look, and the keys that lead to each value (arrays add an empty one)."""
    path: list[str] = []
    key = ""
    in_object: list[bool] = []
    expects_key = False
    for match in _TOKEN.finditer(text):
        kind, word = match.lastgroup, match.group()
        if kind == "mark":
            if word in "{[":
                path.append(key)
                in_object.append(word == "{")
                key = ""
                expects_key = word == "{"
            elif word in "}]" and path:
                path.pop()
                in_object.pop()
                key, expects_key = "", False
            elif word == ",":
                expects_key = bool(in_object and in_object[-1])
            elif word == ":":
                expects_key = False
            yield word, "", ()
        elif kind == "string" and expects_key:
            key = word[1:-1]
            yield word, "k", ()
        else:
            looks = {"string": "s", "number": "d", "word": "d"}
            yield word, looks.get(kind or "", ""), (*path, key)


def _in_lines(pieces: list[Piece]) -> list[list[Piece]]:
    lines: list[list[Piece]] = [[]]
    for piece in pieces:
        for number, part in enumerate(piece.text.split("\n")):
            if number:
                lines.append([])
            if part:
                lines[-1].append(Piece(part.rstrip("\r"), piece.look))
    return lines
