"""Other people's words, made so that they can be kept."""

import re

# An escaped backslash, a whole pair of surrogates, or an escape of what cannot be kept.
_ESCAPED = re.compile(
    rb"\\\\"
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(\\u0000|\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
# `requested_by_customer`, `MustBeAValidUrl`, `postalOrZipCode`: several words written as one.
_CODE = re.compile(r"[A-Za-z]+(_[A-Za-z0-9]+)+|[A-Za-z]*[a-z][A-Z][A-Za-z0-9]*")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_ABBREVIATIONS = frozenset({"id", "sku", "url"})


def spoken(code: str) -> str:
    """A platform's code as words: "must be a valid US zip code format"; other text as it is."""
    if not (_CODE.fullmatch(code) or code in _ABBREVIATIONS):
        return code
    parts = code.split("_") if "_" in code else _PART.findall(code)
    return " ".join(_word(part) for part in parts if part)


def explained(code: str) -> str:
    """The same with the code beside it, for whoever has to ask the platform about it."""
    words = spoken(code)
    return code if words == code else f"{words} ({code})"


def _word(part: str) -> str:
    if part.lower() in _ABBREVIATIONS:
        return part.upper()
    return part if len(part) > 1 and part.isupper() else part.lower()


def keepable(text: str) -> str:
    """The text as PostgreSQL can keep it: without NUL characters and halves of surrogates."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def keepable_json(body: bytes) -> bytes:
    """The JSON with each of its texts as PostgreSQL can keep it, like `keepable`."""
    if b"\\u" not in body:
        return body
    return _ESCAPED.sub(lambda found: rb"\ufffd" if found[1] else found[0], body)
