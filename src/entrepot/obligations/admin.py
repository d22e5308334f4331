"""How long each kind of promise may take: the merchant's own rules, set by a dialog."""

from datetime import timedelta

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from entrepot.access.configured import Configured, looking
from entrepot.obligations import services
from entrepot.obligations.deadlines import DEFAULTS
from entrepot.obligations.models import DeadlineRule
from entrepot.obligations.states import Kind


def _words(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return " ".join(
        part for part in (f"{hours} h" * (hours > 0), f"{rest} min" * (rest > 0)) if part
    )


class DeadlineForm(BaseDialogForm):
    """How long a promise may take."""

    kind = forms.ChoiceField(
        label="Promise",
        choices=[
            (kind.value, f"{kind.label} ({_words(int(usual.total_seconds()) // 60)} by default)")
            for kind, usual in DEFAULTS.items()
            if usual is not None
        ],
        widget=UnfoldAdminSelectWidget(),
    )
    minutes = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=60 * 24 * 60,
        help_text="Empty: the default.",
        widget=UnfoldAdminIntegerFieldWidget(),
    )


@admin.register(DeadlineRule)
class DeadlinesAdmin(Configured):
    """Rules that differ from the defaults."""

    list_display = ("promise", "allowed", "usual")
    fields = ("promise", "allowed", "usual")
    readonly_fields = fields
    ordering = ("kind",)
    actions_list = ("export", "set_deadline")

    @display(description="Promise", ordering="kind")
    def promise(self, rule: DeadlineRule) -> str:
        return str(Kind(rule.kind).label)

    @display(description="May take", ordering="seconds")
    def allowed(self, rule: DeadlineRule) -> str:
        return _words(rule.seconds // 60)

    @display(description="By default", empty_value="the provider's own")
    def usual(self, rule: DeadlineRule) -> str | None:
        usual = DEFAULTS[Kind(rule.kind)]
        return None if usual is None else _words(int(usual.total_seconds()) // 60)

    @action(
        description="Set a deadline …",
        permissions=["write"],
        dialog={
            "title": "Set how long a promise may take",
            "description": "Promises that are open keep the deadline they were opened with.",
            "form_class": DeadlineForm,
            "form_submit_text": "Set deadline",
        },
    )
    def set_deadline(self, request: HttpRequest, form: DeadlineForm) -> HttpResponse:
        kind, minutes = Kind(form.cleaned_data["kind"]), form.cleaned_data["minutes"]
        services.set_deadline(
            looking(request).merchant_id,
            kind,
            allowed=timedelta(minutes=minutes) if minutes else None,
        )
        told = _words(minutes) if minutes else "the default"
        return self.done(request, f"{kind.label}: {told}, from now on.")
