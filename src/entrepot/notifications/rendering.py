"""Turns a mail's facts into subject, HTML and text, in the words that apply."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape

from entrepot.access import scope
from entrepot.notifications.context import Context, context_of
from entrepot.notifications.models import Template
from entrepot.notifications.phrases import ENGLISH
from entrepot.notifications.states import Kind
from entrepot.notifications.templates import (
    MAILS,
    Block,
    Value,
    Words,
    built_in,
    fill_html,
    fill_text,
)
from entrepot.orders.models import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedMail:
    """A mail, ready to leave but for its address. `source` says whose words they are."""

    subject: str
    html: str
    text: str
    language: str
    sender_name: str
    sender_email: str
    reply_to: str
    source: str


def render(
    order: Order,
    kind: Kind,
    *,
    facts: Sequence[str],
    storefront_id: int,
    merchant_id: int,
    language: str = "",
    draft: Words | None = None,
) -> RenderedMail:
    """Render a mail about these facts; none means everything that the order has (a preview).

    An empty `language` is the customer's own; `draft` takes the place of the words that apply.
    Read inside the merchant's scope; nothing is written.
    """
    context = context_of(order, kind, told=facts, language=language)
    wanted = str(context.speech.locale)
    words = draft or words_for(
        kind,
        merchant_id=merchant_id,
        storefront_id=storefront_id,
        language=language or wanted,
        voice_language=context.voice.language,
    )
    if words.language.split("_")[0] != context.speech.language:
        # The phrases inside speak the language of the words around them.
        context = context_of(order, kind, told=facts, language=words.language)
    return _compose(words, context)


def words_for(
    kind: Kind, *, merchant_id: int, storefront_id: int, language: str, voice_language: str = ""
) -> Words:
    """The words that apply to a kind of message.

    In this order: the storefront's in the language, then in its base language; the merchant's in
    both; those that come with the hub in both; then the same in the storefront's own language;
    then the hub's English.
    """
    own = scope.once(
        "templates", (kind, storefront_id), read=lambda: _own(kind, merchant_id, storefront_id)
    )
    for tongue in dict.fromkeys([language, voice_language]):
        for place, source in ((storefront_id, "storefront"), (0, "merchant")):
            for tag in _tags(tongue):
                if row := own.get((place, tag)):
                    return Words(row.subject, row.html, row.text, row.language, source)
        for tag in _tags(tongue):
            if words := built_in(kind, tag):
                return words
    words = built_in(kind, ENGLISH)
    assert words is not None, f"the hub has no English words for {kind}"
    return words


def _own(kind: Kind, merchant_id: int, storefront_id: int) -> dict[tuple[int, str], Template]:
    """A merchant's own words for a kind, by storefront (0 for all) and language."""
    rows = Template.objects.filter(
        merchant_id=merchant_id, kind=kind, storefront_id__in=[0, storefront_id]
    )
    return {(row.storefront_id, row.language): row for row in rows}


def _tags(language: str) -> Iterator[str]:
    """`de-AT` -> `de_AT`, `de`."""
    plain = language.replace("-", "_")
    if plain:
        yield plain
        if "_" in plain:
            yield plain.split("_")[0]


def _compose(words: Words, context: Context) -> RenderedMail:
    values, voice, speech = context.values, context.voice, context.speech
    subject = re.sub(r"[\r\n\t ]+", " ", fill_text(words.subject, values))
    content = fill_html(words.html, values)
    html = content if _is_whole(content) else _framed(content, subject, context)
    ships_to = str(values["ships_to"])
    foot = [
        speech.phrase("ships_to", address=ships_to) if ships_to else "",
        speech.phrase("reply") if voice.reply_to else "",
    ]
    signature = [
        ", ".join(part for part in (voice.shop_name, voice.footer) if part),
        f"{speech.phrase('mails_off')}:\n{values['mails_off']}",
    ]
    parts = [
        fill_text(words.text, values),
        "\n".join(line for line in foot if line),
        "-- \n" + "\n".join(line for line in signature if line),
    ]
    return RenderedMail(
        subject=subject,
        html=html,
        text="\n\n".join(part for part in parts if part) + "\n",
        language=words.language,
        sender_name=voice.shop_name,
        sender_email=voice.sender_email,
        reply_to=voice.reply_to,
        source=words.source,
    )


def _is_whole(content: str) -> bool:
    """A merchant who writes the whole page wants no frame around it."""
    return content.lstrip()[:9].lower().startswith(("<!doctype", "<html"))


def _framed(content: str, subject: str, context: Context) -> str:
    values, voice, speech = context.values, context.voice, context.speech
    ships_to = str(values["ships_to"])
    brand = (
        f'<img src="{escape(voice.logo_url)}" alt="{escape(voice.shop_name)}" height="40" '
        'style="display:block;border:0;max-height:40px">'
        if voice.logo_url
        else f'<span class="ink" style="font-size:18px;font-weight:700;color:{voice.color}">'
        f"{escape(voice.shop_name)}</span>"
    )
    lines = [speech.phrase("ships_to", address=ships_to)] if ships_to else []
    reply = speech.phrase("reply") if voice.reply_to else ""
    frame: dict[str, Value] = {
        "language": speech.language,
        "direction": speech.direction,
        "subject": subject,
        "preheader": str(values["headline"]),
        "color": voice.color,
        "brand": Block(brand, ""),
        "content": Block(content, ""),
        "ships_to": Block("".join(f"{escape(line)}<br>" for line in lines), ""),
        "reply": reply,
        "footer": ", ".join(part for part in (voice.shop_name, voice.footer) if part) + ".",
        "why": speech.phrase("why", number=str(values["order_number"])),
        "mails_off": str(values["mails_off"]),
        "mails_off_words": speech.phrase("mails_off"),
    }
    return fill_html(_layout(), frame)


@cache
def _layout() -> str:
    return (MAILS / "layout.html").read_text("utf-8")
