"""Tags that pages are made of: icons, chips, amounts, times, charts."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from entrepot.canon.money import Money
from entrepot.dashboard import wishes, wording, words_of_states
from entrepot.dashboard.reading import order_page
from entrepot.dashboard.reading.fixes import Card
from entrepot.dashboard.reading.shares import Item
from entrepot.dashboard.visit import Visit
from entrepot.dashboard.wishes import Tried
from entrepot.dashboard.wording import Chip
from entrepot.orders.models import Hold

register = template.Library()


@register.simple_tag
def icon(name: str) -> SafeString:
    """An icon of the sprite; always beside a word."""
    return format_html(
        '<svg class="i" aria-hidden="true"><use href="#i-{}"></use></svg>', name or "ring"
    )


@register.simple_tag
def chip(status: Chip, size: str = "") -> SafeString:
    """A status: role, icon and word."""
    return format_html(
        '<span class="chip {}{}">{}{}</span>',
        status.role,
        f" {size}" if size else "",
        icon(status.icon),
        status.word,
    )


@register.filter
def money(amount: Money | None) -> SafeString | str:
    """An amount with its currency, isolated from the direction of the text around it."""
    if amount is None:
        return wording.NONE
    return format_html(
        '<bdi dir="ltr">{}{}<span class="faint">{}</span></bdi>',
        wording.amount_words(amount),
        wording.NO_BREAK,
        amount.currency,
    )


@register.filter
def monies(amounts: list[Money]) -> SafeString | str:
    """Amounts of several currencies, listed and never added."""
    parts = [
        format_html('<bdi dir="ltr">{}</bdi>', wording.money_words(amount)) for amount in amounts
    ]
    joined = format_html("{}", "")
    for number, part in enumerate(parts):
        joined = format_html("{}{}{}", joined, " · " if number else "", part)
    return joined


@register.filter
def when(instant: datetime | None) -> SafeString | str:
    """Today's time, else the day; UTC on hover."""
    return wording.NONE if instant is None else _time(instant, wording.short_words(instant))


def _time(instant: datetime, words: str, *, title: str = "") -> SafeString:
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        f"{instant:%Y-%m-%dT%H:%M:%S%z}",
        f"{title}{wording.utc_words(instant)}",
        words,
    )


@register.filter
def moment(instant: datetime | None) -> SafeString | str:
    """Day and time; UTC on hover."""
    return wording.NONE if instant is None else _time(instant, wording.moment_words(instant))


@register.filter
def day(instant: datetime | None) -> SafeString | str:
    """The day; UTC on hover."""
    return wording.NONE if instant is None else _time(instant, wording.day_words(instant))


@register.filter
def fully(instant: datetime | None) -> SafeString | str:
    """Day, year, time and zone; UTC on hover."""
    return wording.NONE if instant is None else _time(instant, wording.full_words(instant))


@register.filter
def distance(instant: datetime | None) -> SafeString | str:
    """How far away: "in 9 min"; the absolute time on hover."""
    if instant is None:
        return wording.NONE
    words = wording.distance_words(instant, now=timezone.now())
    return _time(instant, words, title=f"{wording.full_words(instant)}, ")


@register.filter
def due(instant: datetime | None) -> SafeString | str:
    """A deadline: its distance while it is near, else its day."""
    if instant is None:
        return wording.NONE
    if abs(instant - timezone.now()) < timedelta(hours=12):
        return distance(instant)
    return _time(instant, wording.moment_words(instant))


@register.filter
def age(instant: datetime | None) -> SafeString | str:
    """How long ago, without "ago": "2 h 10 min"."""
    if instant is None:
        return wording.NONE
    words = wording.duration_words(timezone.now() - instant)
    return _time(instant, words, title=f"{wording.full_words(instant)}, ")


@register.filter
def duration(span: timedelta | None) -> str:
    """A length of time: "2 h 10 min"."""
    return wording.NONE if span is None else wording.duration_words(span)


@register.filter
def counted(number: int, nouns: str) -> str:
    """A number with its noun: {{ 9|counted:"order" }} or "entry,entries"."""
    noun, _, plural = nouns.partition(",")
    return wording.count_words(number, noun, plural=plural)


@register.filter
def plain(word: str) -> str:
    """A status word for people."""
    return wording.plain(str(word))


@register.filter
def task_words(name: str) -> str:
    """A task as an operator would say it."""
    return words_of_states.task_words(name)


@register.filter
def thousands(number: int | None) -> str:
    """A number with separators."""
    return wording.NONE if number is None else f"{number:,}"


@register.filter
def language(tag: str) -> str:
    """A language by its English name."""
    return wording.language_name(tag)


@register.filter
def reference(words: str) -> SafeString:
    """A reference that may go on in the next line after each of its parts."""
    parts = words.replace("/", "/\n").split("\n")
    return format_html_join(mark_safe("<wbr>"), "{}", ((part,) for part in parts))


@register.filter
def initials(name: str) -> str:
    """Up to two initials."""
    return wording.initials(name)


@register.simple_tag
def amount(value: Decimal | None, currency: str) -> SafeString | str:
    """An amount and its currency that stand in two columns."""
    return money(Money(value, currency) if value is not None and currency else None)


@register.simple_tag
def hold_words(hold: Hold) -> str:
    """A hold's reason as a fact."""
    return order_page.hold_words(hold)


@register.simple_tag
def artwork(item: Item) -> SafeString:
    """A picture for a line: two soft shapes drawn from its SKU, so that lines are told apart.

    The shop's own picture is not loaded: a page of ours asks no other server for anything.
    """
    return _drawn(item.sku or item.title, "art")


@register.simple_tag
def sku_art(sku: str) -> SafeString:
    """The picture of a SKU without a line."""
    return _drawn(sku, "art l")


@register.simple_tag
def seconds(number: int) -> str:
    """A number of seconds as a length of time."""
    return wording.duration_words(timedelta(seconds=number))


@register.simple_tag
def order_number(card: Card, order_id: int) -> str:
    """The number of one of a card's orders."""
    return next((one.number for one in card.waiting if one.id == order_id), f"order {order_id}")


@register.simple_tag
def wish_shown(card: Card, tried: Tried | None) -> dict[str, Any]:
    """What stands in the fields of a card about a SKU that is not mapped."""
    return wishes.shown(card, tried)


@register.filter
def may(visit: Visit, scope: str) -> bool:
    """Whether the viewer has a scope."""
    return visit.may(scope)


def _drawn(name: str, look: str) -> SafeString:
    hue = sum(ord(letter) * (index + 1) for index, letter in enumerate(name)) % 360
    horizon = 38 + hue % 24
    return format_html(
        '<svg class="{}" viewBox="0 0 72 72" aria-hidden="true">'
        '<rect width="72" height="72" fill="hsl({} 28% 84%)"/>'
        '<circle cx="{}" cy="22" r="9" fill="hsl({} 42% 66%)"/>'
        '<path d="M0 {}q18-{} 36 0t36 0v40H0z" fill="hsl({} 34% 42%)"/></svg>',
        look,
        hue,
        18 + hue % 36,
        (hue + 40) % 360,
        horizon,
        8 + hue % 12,
        hue,
    )
