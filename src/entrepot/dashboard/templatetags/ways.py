"""Tags that lead elsewhere: addresses of pages in the mode of the page that is shown."""

from typing import Any
from urllib.parse import urlencode

from django import template
from django.template import Context
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from entrepot.dashboard import drawing
from entrepot.dashboard.reading import shell
from entrepot.dashboard.reading.connections import Tile
from entrepot.dashboard.reading.owed import Promise
from entrepot.dashboard.reading.steps import Move
from entrepot.dashboard.spreadsheet import MOST_ROWS
from entrepot.dashboard.templatetags.pages import icon

register = template.Library()


@register.simple_tag(takes_context=True)
def page_url(context: Context, name: str, *arguments: object) -> str:
    """The address of a page, or nothing where this installation has no such page."""
    return shell.address(_mode(context), name, *arguments)


def _mode(context: Context) -> str:
    return str(context["visit"].mode.value)


@register.simple_tag(takes_context=True)
def export(context: Context, name: str, *arguments: object, query: str = "") -> SafeString:
    """The button that saves a list as it is filtered: on every list the same, at its head."""
    address = shell.address(_mode(context), f"export-{name}", *arguments)
    asked = f"{address}?{query}" if query else address
    return format_html('<a class="btn" href="{}">{}Export CSV</a>', asked, icon("down"))


@register.simple_tag
def export_limit(most: int = MOST_ROWS) -> str:
    """What an export of a list leaves out that may be longer than one; said where pages are."""
    return f"An export has up to {most:,}"


@register.simple_tag(takes_context=True)
def place_url(context: Context, place: str) -> str:
    """The rows that are in one place of the flow."""
    if place in {"refused", "parked"}:
        inbox = shell.address(_mode(context), "inbox")
        return f"{inbox}?outcome={place}" if inbox else shell.address(_mode(context), "attention")
    return _orders(context, place=place)


@register.simple_tag(takes_context=True)
def stage_url(context: Context, stage: str) -> str:
    """The rows that reached one stage of the flow."""
    if stage in {"received", "verified"}:
        # Deliveries, not orders: only the inbox lists them.
        return shell.address(_mode(context), "inbox")
    return _orders(context, reached=stage)


def _orders(context: Context, **asked: str) -> str:
    since = context["flow"].since.date().isoformat()
    return f"{shell.address(_mode(context), 'orders')}?{urlencode({'heard': since, **asked})}"


@register.simple_tag(takes_context=True)
def fix_url(context: Context, promise: Promise) -> str:
    """Where what stands in the way of a promise can be put right."""
    mode = _mode(context)
    problem = promise.problem
    anchors: dict[str, str] = context.get("anchors") or {}
    if problem is not None and problem.anchor in anchors:
        return f"{shell.address(mode, 'attention')}#{anchors[problem.anchor]}"
    return shell.address(mode, "order", promise.order_id)


@register.simple_tag(takes_context=True)
def connection_tile(context: Context, tile: Tile) -> SafeString:
    """One connection at a glance."""
    mode = _mode(context)
    values: dict[str, Any] = {
        "tile": tile,
        "bars": drawing.bars(tile.errors_by_hour),
        "url": shell.address(mode, "connection", tile.id) or shell.address(mode, "connections"),
    }
    return mark_safe(render_to_string("dashboard/connection_tile.html", values))  # noqa: S308 -- a template of ours


@register.simple_tag(takes_context=True)
def move(context: Context, step: Move, order_id: int, look: str) -> SafeString:
    """A button of the panel that says what next."""
    mode = _mode(context)
    classes = f"btn {look}".strip()
    picture = icon(step.icon) if step.icon else ""
    if step.action in {"attention", "picklists"}:
        address = shell.address(mode, step.action)
        return format_html(
            '<a class="{}" href="{}">{}{}</a>', classes, address, picture, step.words
        )
    address = shell.address(mode, "act", order_id, step.action)
    if step.query:
        address = f"{address}?{step.query}"
    return format_html(
        '<a class="{}" href="{}" hx-get="{}" hx-target="#dialog" data-act>{}{}</a>',
        classes,
        address,
        address,
        picture,
        step.words,
    )
