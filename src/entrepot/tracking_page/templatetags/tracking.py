"""Tags of the customer's page: icons, small pictures, and phrases in its language."""

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def icon(name: str) -> SafeString:
    """An icon of the sprite; always beside a word."""
    return format_html('<svg class="i" aria-hidden="true"><use href="#i-{}"></use></svg>', name)


@register.simple_tag(takes_context=True)
def say(context: Context, key: str, **values: object) -> str:
    """A phrase in the page's language."""
    return str(context["voice"].say(key, **values))


@register.simple_tag(takes_context=True)
def count(context: Context, key: str, n: int) -> str:
    """A phrase in the form that its count needs."""
    return str(context["voice"].count(key, n))


@register.simple_tag
def picture(name: str) -> SafeString:
    """A picture for a thing: two soft shapes drawn from its SKU, so that things are told apart.

    The shop's own picture is not loaded: this page asks no other server for it.
    """
    hue = sum(ord(letter) * (index + 1) for index, letter in enumerate(name)) % 360
    horizon = 38 + hue % 24
    return format_html(
        '<svg class="art l" viewBox="0 0 72 72" aria-hidden="true">'
        '<path fill="hsl({} 28% 84%)" d="M0 0h72v72H0z"/>'
        '<circle cx="{}" cy="22" r="9" fill="hsl({} 42% 66%)"/>'
        '<path d="M0 {}q18-{} 36 0t36 0v40H0z" fill="hsl({} 34% 42%)"/></svg>',
        hue,
        18 + hue % 36,
        (hue + 40) % 360,
        horizon,
        8 + hue % 12,
        hue,
    )
