"""What the dialogs of the configuration ask about people, keys and the merchant itself."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminEmailInputWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from entrepot.access.models import Merchant
from entrepot.access.permissions import SCOPES
from entrepot.access.states import Role
from entrepot.database.rows import Mode

LANGUAGES = (("en", "English"), ("de", "Deutsch"), ("fr", "Français"))


class RoleForm(BaseDialogForm):
    """Which role."""

    role = forms.ChoiceField(choices=Role.choices, widget=UnfoldAdminSelectWidget())


class InviteForm(RoleForm):
    """Who, and in which role."""

    email = forms.EmailField(label="E-mail address", widget=UnfoldAdminEmailInputWidget())
    name = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget())
    field_order = ("email", "name", "role")


class LinkForm(BaseDialogForm):
    """Whether the device is lost as well."""

    takes_factor_off = forms.BooleanField(
        required=False, label="Take the second factor off as well", widget=UnfoldBooleanWidget()
    )


class KeyForm(BaseDialogForm):
    """What a machine may do, from where, how often, and until when."""

    name = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget())
    mode = forms.ChoiceField(choices=Mode.choices, widget=UnfoldAdminSelectWidget())
    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=[(scope, f"{scope}: {what}") for scope, what in SCOPES.items()],
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
    )
    allowed_addresses = forms.CharField(
        required=False,
        label="Only from",
        help_text="Addresses or networks, one a line; empty means anywhere.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )
    rate_limit_per_minute = forms.IntegerField(
        initial=600,
        min_value=1,
        max_value=100_000,
        label="Calls a minute",
        widget=UnfoldAdminIntegerFieldWidget(),
    )
    days = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=3650,
        label="Expires after days",
        help_text="Empty: it does not expire.",
        widget=UnfoldAdminIntegerFieldWidget(),
    )


class RotateForm(BaseDialogForm):
    """How long both work."""

    days = forms.IntegerField(
        initial=7,
        min_value=0,
        max_value=90,
        label="Days for which the old key goes on working",
        widget=UnfoldAdminIntegerFieldWidget(),
    )


class ReasonForm(BaseDialogForm):
    """Why."""

    reason = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget())


class MerchantForm(BaseDialogForm):
    """How the merchant is called, and when and in which words it works."""

    name = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget())
    time_zone = forms.ChoiceField(
        choices=[(zone, zone) for zone in sorted(available_timezones())],
        widget=UnfoldAdminSelectWidget(),
    )
    locale = forms.ChoiceField(
        label="Language", choices=LANGUAGES, widget=UnfoldAdminSelectWidget()
    )
    mode = forms.ChoiceField(
        label="Pages start with", choices=Mode.choices, widget=UnfoldAdminSelectWidget()
    )

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        known = Merchant.objects.filter(id=self.object_id).values(*self.Meta.fields).first()
        self.initial.update(known or {})

    class Meta:
        fields = ("name", "time_zone", "locale", "mode")
