"""A question before something happens: its effects, a reason, one verb; a dialog or a page."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import HttpResponse

from entrepot.dashboard.actions.action import Effect
from entrepot.dashboard.page import show, show_part, wants_part
from entrepot.dashboard.visit import PageRequest


def ask(
    request: PageRequest,
    *,
    title: str,
    address: str,
    form: forms.Form,
    effects: Sequence[Effect],
    verb: str,
    back: str,
    current: str,
    keep: str = "Do nothing",
    is_danger: bool = False,
    obstacle: str = "",
    kept: Sequence[tuple[str, str]] = (),
) -> HttpResponse:
    """Show what would happen, with the button that does it; `kept` are fields to carry along.

    With an obstacle it says why it cannot be done instead (409); a bound form that is not valid is
    answered 422.
    """
    shown: dict[str, Any] = {
        "title": title,
        "address": address,
        "form": form,
        "effects": effects,
        "verb": verb,
        "back": back,
        "kept": kept,
        "obstacle": obstacle,
        "action": {"keep": keep, "is_danger": is_danger},
    }
    if wants_part(request):
        return show_part(request, "dialog.html", shown)
    status = 409 if obstacle else 422 if form.errors else 200
    return show(request, "act.html", shown, current=current, status=status)
