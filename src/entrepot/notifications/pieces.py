"""The ready-made blocks of a mail: items, parcels, totals, the button; each as HTML and as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from entrepot.notifications.templates import Block

RULE = "border-top:1px solid #dde3e1"
TABLE = 'role="presentation" cellpadding="0" cellspacing="0" border="0"'
NOTHING = Block("", "")


@dataclass(frozen=True, slots=True)
class Item:
    """Units of one thing."""

    title: str
    quantity: int


@dataclass(frozen=True, slots=True)
class ParcelLine:
    """Who brings it, its number, and where it can be followed; each may be empty."""

    carrier: str
    tracking_number: str
    url: str


@dataclass(frozen=True, slots=True)
class Group:
    """A heading with what is in it and how it travels. `note` is one sentence more."""

    heading: str
    items: Sequence[Item]
    parcels: Sequence[ParcelLine] = ()
    note: str = ""


def button(words: str, url: str, *, color: str) -> Block:
    """A button that leads somewhere."""
    inner = (
        f'<a href="{escape(url)}" style="display:inline-block;padding:14px 24px;font-size:16px;'
        f'font-weight:600;color:#ffffff;text-decoration:none">{escape(words)}</a>'
    )
    html = (
        f'<table {TABLE} class="btn" style="margin:0 0 24px"><tr>'
        f'<td align="center" bgcolor="{escape(color)}" style="border-radius:6px">{inner}</td>'
        "</tr></table>"
    )
    return Block(html, f"{words}:\n{url}")


def items(listed: Sequence[Item]) -> Block:
    """Things with their quantities, without a heading."""
    if not listed:
        return NOTHING
    return groups([Group("", listed)])


def groups(listed: Sequence[Group]) -> Block:
    """Groups below each other, divided by rules."""
    return Block(
        "".join(_group_html(group) for group in listed),
        "\n\n".join(_group_text(group) for group in listed),
    )


@dataclass(frozen=True, slots=True)
class Sum:
    """Words and an amount; the total stands out."""

    words: str
    amount: str
    is_total: bool = False


def sums(rows: Sequence[Sum]) -> Block:
    """Sums in two columns."""
    html = "".join(
        f'<tr><td class="{_tone(row)}" style="padding:2px 0;font-size:16px;{_weight(row)}">'
        f"{escape(row.words)}</td>"
        f'<td class="{_tone(row)}" align="right" style="padding:2px 0;font-size:16px;'
        f'{_weight(row)}">{escape(row.amount)}</td></tr>'
        for row in rows
    )
    return Block(
        f'<table {TABLE} width="100%" class="rule" style="{RULE};margin:0 0 16px;'
        f'padding:12px 0 0">{html}</table>',
        "\n".join(f"{row.words}: {row.amount}" for row in rows),
    )


def _tone(row: Sum) -> str:
    return "ink" if row.is_total else "dim"


def _weight(row: Sum) -> str:
    return "font-weight:700" if row.is_total else "color:#46544f"


def _group_html(group: Group) -> str:
    rows = [f"<b>{escape(group.heading)}</b>"] if group.heading else []
    rows += [f"{item.quantity} × {escape(item.title)}" for item in group.items]
    dim = [_parcel_html(parcel) for parcel in group.parcels]
    if group.note:
        dim.append(escape(group.note))
    rows += [
        f'<span class="dim" style="font-size:14px;color:#46544f">{line}</span>'
        for line in dim
        if line
    ]
    return (
        f'<table {TABLE} width="100%" class="rule" style="{RULE}"><tr><td class="ink" '
        'style="padding:16px 0;color:#14201e;font-size:16px;line-height:1.5">'
        f"{'<br>'.join(rows)}</td></tr></table>"
    )


def _parcel_html(parcel: ParcelLine) -> str:
    number = escape(parcel.tracking_number)
    if parcel.url:
        words = number or escape(parcel.url)
        number = f'<a href="{escape(parcel.url)}" style="color:#0a626d">{words}</a>'
    return " ".join(part for part in (escape(parcel.carrier), number) if part)


def _group_text(group: Group) -> str:
    lines = [group.heading] if group.heading else []
    lines += [f"  {item.quantity} x {item.title}" for item in group.items]
    for parcel in group.parcels:
        line = " ".join(part for part in (parcel.carrier, parcel.tracking_number) if part)
        lines += [f"  {part}" for part in (line, parcel.url) if part]
    if group.note:
        lines.append(f"  {group.note}")
    return "\n".join(lines)
