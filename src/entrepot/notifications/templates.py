"""What a mail template may say, and how its variables are filled.

A template knows `{{name}}` and nothing else: no conditions, loops or filters. Whatever needs logic
(lists of items, greetings, buttons) arrives ready-made as a variable of its own.
"""

import difflib
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from entrepot.notifications.states import Kind

MAILS = resources.files("entrepot.notifications") / "mails"
SUBJECT = "Subject: "
SIZE_LIMIT = 60_000

_VARIABLE = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")
_LEFTOVER = re.compile(r"\{\{[^}]*\}?\}?|\{%.*?%\}|\}\}")
_ACTIVE = re.compile(
    r"<\s*(script|iframe|object|embed|form)\b|\bjavascript\s*:|\son[a-z]+\s*=", re.IGNORECASE
)

_PARCELS = frozenset({Kind.SHIPPED, Kind.PARTLY_SHIPPED, Kind.DELIVERED, Kind.EXCEPTION})
_ALL = frozenset(Kind)


@dataclass(frozen=True, slots=True)
class Block:
    """A ready-made piece, as HTML and as text."""

    html: str
    text: str


Value = str | Block
Values = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Variable:
    """What a `{{name}}` stands for, and in which kinds of message."""

    meaning: str
    kinds: frozenset[Kind] = _ALL
    is_block: bool = False


VARIABLES: dict[str, Variable] = {
    "order_number": Variable("the order's number"),
    "order_date": Variable("the day on which the order was placed"),
    "order_total": Variable("what the order costs in all"),
    "order_link": Variable("a button that leads to the tracking page", is_block=True),
    "customer_name": Variable("the customer's whole name; empty when unknown"),
    "first_name": Variable("the customer's first name; empty when unknown"),
    "greeting": Variable("a greeting with the name, or without one when it is unknown"),
    "headline": Variable("one sentence that says what has happened"),
    "shop_name": Variable("the storefront's name"),
    "shop_url": Variable("the storefront's address on the web"),
    "reply_to": Variable("where answers to this mail go"),
    "tracking_page": Variable("the address of this customer's tracking page"),
    "mails_off": Variable("the address where the customer stops the mails about this order"),
    "ships_to": Variable("where the order goes, in one line"),
    "items": Variable("everything that was ordered, with quantities", is_block=True),
    "totals": Variable("discount, shipping, tax and total", is_block=True),
    "parcels": Variable("the parcels that this mail is about", _PARCELS, is_block=True),
    "still_to_come": Variable("what has not left yet; empty when all has", _PARCELS, is_block=True),
    "tracking_number": Variable("the tracking numbers, separated by commas", _PARCELS),
    "tracking_url": Variable("the first parcel's page at its carrier", _PARCELS),
    "carrier": Variable("who brings the parcels", _PARCELS),
    "estimated_delivery": Variable(
        "the day by which it should arrive; empty when unknown", _PARCELS
    ),
    "delivered_on": Variable("the day on which it arrived", frozenset({Kind.DELIVERED})),
    "carrier_message": Variable("the carrier's own words", frozenset({Kind.EXCEPTION})),
    "cancelled_items": Variable(
        "what will not be sent, with quantities", frozenset({Kind.CANCELLED}), is_block=True
    ),
    "refund_amount": Variable("what is paid back", frozenset({Kind.REFUNDED})),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a template. `part` is subject, html or text."""

    part: str
    message: str


class BadTemplate(Exception):
    """A template was not saved; `faults` has each reason."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{fault.part}: {fault.message}" for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one kind of message in one language. `source` says where they came from."""

    subject: str
    html: str
    text: str
    language: str
    source: str


def variables_of(kind: Kind) -> dict[str, Variable]:
    """The variables that a kind of message knows, for the page where templates are edited."""
    return {name: variable for name, variable in VARIABLES.items() if kind in variable.kinds}


def faults_in(kind: Kind, *, subject: str, html: str, text: str) -> list[Fault]:
    """Everything that is wrong with a template, all at once; empty when it may be saved."""
    faults = []
    for part, content in (("subject", subject), ("html", html), ("text", text)):
        if not content.strip():
            faults.append(Fault(part, "is empty; every mail has a subject, HTML and text"))
        if len(content) > SIZE_LIMIT:
            faults.append(Fault(part, f"is longer than {SIZE_LIMIT} characters"))
        names = dict.fromkeys(_VARIABLE.findall(content))
        pieces = _LEFTOVER.findall(_VARIABLE.sub("", content))
        problems = [_fault_of(kind, name, part) for name in names]
        problems += [
            f"{piece[:40]!r} is not a variable; only {{{{name}}}} is known" for piece in pieces
        ]
        faults += [Fault(part, problem) for problem in problems if problem]
    if "\n" in subject.strip():
        faults.append(Fault("subject", "is more than one line"))
    if active := _ACTIVE.search(html):
        faults.append(Fault("html", f"{active.group(0).strip()!r} does not belong into a mail"))
    return faults


def fill_html(template: str, values: Values) -> str:
    """Fill an HTML template; everything but ready-made blocks is escaped."""

    def value_of(match: re.Match[str]) -> str:
        value = values[match.group(1)]
        return value.html if isinstance(value, Block) else html.escape(value)

    return _VARIABLE.sub(value_of, template)


def fill_text(template: str, values: Values) -> str:
    """Fill a text template or a subject; nothing is escaped, and blank lines never pile up."""

    def value_of(match: re.Match[str]) -> str:
        value = values[match.group(1)]
        return value.text if isinstance(value, Block) else value

    return re.sub(r"\n{3,}", "\n\n", _VARIABLE.sub(value_of, template)).strip()


@cache
def built_in(kind: Kind, language: str) -> Words | None:
    """The words that come with the hub, or None in a language it does not speak."""
    text = MAILS / f"{kind.value}.{language}.txt"
    page = MAILS / f"{kind.value}.{language}.html"
    if not (text.is_file() and page.is_file()):
        return None
    head, _, body = text.read_text("utf-8").partition("\n")
    return Words(
        subject=head.removeprefix(SUBJECT).strip(),
        html=page.read_text("utf-8"),
        text=body.strip(),
        language=language,
        source="built-in",
    )


@cache
def languages_of(kind: Kind) -> tuple[str, ...]:
    """The languages in which the hub has words of its own for a kind of message, sorted."""
    names = (entry.name.split(".") for entry in MAILS.iterdir())
    found = {name[1] for name in names if len(name) == 3 and name[0] == kind.value}
    return tuple(sorted(tag for tag in found if built_in(kind, tag)))


def _fault_of(kind: Kind, name: str, part: str) -> str:
    variable = VARIABLES.get(name)
    if variable is None:
        near = difflib.get_close_matches(name, variables_of(kind), n=3, cutoff=0.6)
        hint = f"; did you mean {' or '.join(f'{{{{{one}}}}}' for one in near)}" if near else ""
        return f"{{{{{name}}}}} is unknown{hint}"
    if kind not in variable.kinds:
        known = ", ".join(sorted(one.value for one in variable.kinds))
        return f"{{{{{name}}}}} is known in {known} only"
    if variable.is_block and part == "subject":
        return f"{{{{{name}}}}} is a whole block and does not fit into a subject"
    return ""
