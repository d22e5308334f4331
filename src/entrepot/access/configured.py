"""What every room's page of the configuration builds on: read here, changed through services.

The site (`dashboard/configuration.py`) has let the person in, opened the merchant's scope, and put
the visit on the request before any of this runs.
"""

import functools
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

from django.contrib import messages
from django.contrib.admin.utils import label_for_field, lookup_field
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import localtime
from unfold.admin import ModelAdmin
from unfold.decorators import action


def moment(at: datetime | None) -> str | None:
    """An instant as the pages of work write it, with the zone: "26 Nov 2026, 15:18 CET"."""
    return f"{localtime(at):%-d %b %Y, %H:%M %Z}" if at is not None else None


class Looking(Protocol):
    """Who looks at the configuration, and of which merchant; the site puts it on the request."""

    @property
    def merchant_id(self) -> int: ...

    def may(self, scope: str) -> bool: ...


def looking(request: HttpRequest) -> Looking:
    """Who looks."""
    found: Looking = request.visit  # type: ignore[attr-defined]
    return found


class Saving(Protocol):
    """The site as far as it saves lists: it knows how files are written, which no room does."""

    def saved(
        self, request: HttpRequest, name: str, head: Sequence[str], rows: Iterable[Sequence[object]]
    ) -> HttpResponse: ...


class Configured(ModelAdmin):
    """A list and its details, read only: what changes something is a dialog that calls a service.

    `reading` and `writing` are the scopes that this needs; `not_saved` are columns that say
    nothing outside the page.
    """

    reading = "settings:read"
    writing = "settings:write"
    not_saved: tuple[str, ...] = ()
    actions = None
    actions_list: tuple[str, ...] = ("export",)
    list_per_page = 50
    show_full_result_count = False
    view_on_site = False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return looking(request).may(self.reading)

    def has_write_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """What the dialogs ask for."""
        return looking(request).may(self.writing)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @action(description="Export CSV", icon="download", permissions=["view"])
    def export(self, request: HttpRequest) -> HttpResponse:
        """Save the list with its filters as CSV."""
        site: Saving = self.admin_site
        names = [name for name in self.get_list_display(request) if name not in self.not_saved]
        rows = self.get_changelist_instance(request).get_queryset(request)
        return site.saved(
            request,
            str(self.model._meta.verbose_name_plural).replace(" ", "-"),  # noqa: SLF001 -- as above
            [self._column(name) for name in names],
            ([self._cell(name, row) for name in names] for row in rows.iterator(chunk_size=1000)),
        )

    def _column(self, name: str) -> str:
        return str(label_for_field(name, self.model, self)).lower().replace(" ", "_")

    def _cell(self, name: str, row: Model) -> object:
        field, _, value = lookup_field(name, row, self)
        is_chosen = field is not None and getattr(field, "choices", None)
        return getattr(row, f"get_{name}_display")() if is_chosen else value

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list; its file has the filters that the list has."""
        answer: HttpResponse = super().changelist_view(request, extra_context)
        for one in (getattr(answer, "context_data", None) or {}).get("actions_list", []):
            if one["path"] == f"{self.list_url()}export/" and request.GET:
                one["path"] += f"?{request.GET.urlencode()}"
        return answer

    def list_url(self) -> str:
        """Where this list stands."""
        meta = self.model._meta  # noqa: SLF001 -- Django's documented way to a model's names
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")

    def done(self, request: HttpRequest, told: str) -> HttpResponse:
        """Close the dialog, back to the list, and say what happened."""
        messages.success(request, told)
        return HttpResponse(headers={"HX-Redirect": self.list_url()})

    def shown_once(self, request: HttpRequest, told: str, secret: str) -> HttpResponse:
        """Show in the dialog what is never shown again; it is stored nowhere on the way."""
        context = {"told": told, "secret": secret, "back": self.list_url()}
        return render(request, "access/shown_once.html", context)


def refusing(*refusals: type[Exception]) -> Callable[..., Any]:
    """Say a service's refusal above the list instead of failing."""

    def decorate(act: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @functools.wraps(act)
        def answer(self: Configured, request: HttpRequest, *args: Any, **more: Any) -> HttpResponse:
            try:
                return act(self, request, *args, **more)
            except refusals as error:
                told = error.messages if isinstance(error, ValidationError) else [str(error)]
                messages.error(request, " ".join(told))
                return HttpResponse(headers={"HX-Redirect": self.list_url()})

        return answer

    return decorate
