"""Raw bodies on a page: whoever sent them, looking at them is cheap and hides what is personal."""

import time

import pytest

from entrepot.dashboard.reading.raw_bytes import DOTS, MOST_SHOWN, shown

DEEP = 490


def words(body: bytes, *, is_parsed: bool = False) -> str:
    """What stands on the page."""
    found = shown(body, is_parsed=is_parsed, reveals=False)
    return "\n".join("".join(piece.text for piece in line) for line in found.lines)


@pytest.mark.parametrize(
    ("_case", "body"),
    [
        ("nothing but at signs", b"@" * 1024),
        ("at signs without an end", b"a@" * 512),
        ("a word as long as a page", b"a" * MOST_SHOWN),
        ("a string of at signs in JSON", b'{"note": "' + b"@" * 1024 + b'"}'),
        ("many ends and no at sign", b"a." * (MOST_SHOWN // 2)),
        ("an address without an end", b"a@" + b"b" * MOST_SHOWN),
        ("many beginnings", b"a@b " * (MOST_SHOWN // 4)),
    ],
)
def test_a_body_made_to_be_searched_for_long_is_shown_at_once(_case: str, body: bytes) -> None:
    began = time.process_time()

    found = words(body)

    assert time.process_time() - began < 1.0
    assert len(found) >= min(len(body), MOST_SHOWN) - 1


@pytest.mark.parametrize(
    ("_case", "body", "expected"),
    [
        ("in a sentence", b"write to jo.an+1@mail.example, please", f"write to {DOTS}, please"),
        ("in a query", b"a=1&email=jo@mail.example&b=2", f"a=1&email={DOTS}&b=2"),
        ("two beside each other", b"<a@b.example>;<c@d.example>", f"<{DOTS}>;<{DOTS}>"),
        ("with two at signs", b"x a@b@c.example y", f"x {DOTS} y"),
        ("no address", b"@ a@b b@.c", "@ a@b b@.c"),
    ],
)
def test_addresses_are_hidden_wherever_they_stand(_case: str, body: bytes, expected: str) -> None:
    assert words(body) == expected


def test_what_is_nested_too_deep_to_be_laid_out_is_shown_as_it_came() -> None:
    body = b'{"a":' + b"[" * DEEP + b"1" + b"]" * DEEP + b"}"

    assert words(body, is_parsed=True) == body.decode()
