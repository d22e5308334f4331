"""Configuration of a merchant, its people and its keys."""

from datetime import timedelta

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from entrepot.access import invitations, keys, services
from entrepot.access.configured import Configured, looking, moment, refusing
from entrepot.access.forms import (
    InviteForm,
    KeyForm,
    LinkForm,
    MerchantForm,
    ReasonForm,
    RoleForm,
    RotateForm,
)
from entrepot.access.keys import KeyRefused
from entrepot.access.models import ApiKey, Membership, Merchant
from entrepot.access.services import HasAccount, LastOwner
from entrepot.access.states import Role
from entrepot.database.rows import Mode

KEY_LABELS = {"valid": "success", "expires": "warning", "expired": "danger", "revoked": "danger"}


@admin.register(Membership)
class PeopleAdmin(Configured):
    """People and their roles."""

    reading, writing = "users:read", "users:write"
    list_display = ("person", "email", "role_label", "second_factor", "last_seen", "since")
    list_filter = ("role",)
    list_select_related = ("user",)
    fields = ("person", "email", "role_label", "second_factor", "last_seen", "since")
    readonly_fields = fields
    ordering = ("user__name", "id")
    actions_list = ("export", "invite")
    actions_row = ("change_role", "make_link", "take_role")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        factors = TOTPDevice.objects.filter(user_id=OuterRef("user_id"), confirmed=True)
        rows: QuerySet[Membership] = super().get_queryset(request)
        return rows.annotate(has_factor=Exists(factors))

    @display(description="Person", ordering="user__name")
    def person(self, membership: Membership) -> str:
        return membership.user.name

    @display(description="E-mail address", ordering="user__email")
    def email(self, membership: Membership) -> str:
        return membership.user.email

    @display(description="Role", ordering="role", label=True)
    def role_label(self, membership: Membership) -> str:
        return str(Role(membership.role).label)

    @display(description="Second factor")
    def second_factor(self, membership: Membership) -> str:
        return "on" if getattr(membership, "has_factor", False) else "off"

    @display(description="Last signed in", ordering="user__last_login")
    def last_seen(self, membership: Membership) -> str:
        return moment(membership.user.last_login) or "never"

    @display(description="Has a role since", ordering="created_at")
    def since(self, membership: Membership) -> str | None:
        return moment(membership.created_at)

    @action(
        description="Invite …",
        permissions=["write"],
        dialog={
            "title": "Invite a person",
            "description": "Somebody new gets a link that sets the first password.",
            "form_class": InviteForm,
            "form_submit_text": "Invite",
        },
    )
    @refusing(LastOwner)
    def invite(self, request: HttpRequest, form: InviteForm) -> HttpResponse:
        merchant_id = looking(request).merchant_id
        told = form.cleaned_data
        role = Role(told["role"])
        try:
            membership = services.invite(
                merchant_id, email=told["email"], name=told["name"], role=role
            )
        except HasAccount as known:
            token = invitations.join_token(known.user_id, merchant_id=merchant_id, role=role)
            link = f"{settings.PUBLIC_URL}{reverse('join', args=[token])}"
            words = f"The hub knows {told['email']}. Give the person this link, to accept:"
            return self.shown_once(request, words, link)
        if membership.user.has_usable_password():
            return self.done(request, f"{membership.user.name} has the role {told['role']}.")
        link = _password_url(membership.user_id, merchant_id)
        return self.shown_once(request, f"Give this link to {membership.user.name}:", link)

    @action(
        description="Change role …",
        permissions=["write"],
        dialog={
            "title": "Change the role",
            "description": "It holds from the person's next page on.",
            "form_class": RoleForm,
            "form_submit_text": "Change role",
        },
    )
    @refusing(LastOwner)
    def change_role(self, request: HttpRequest, form: RoleForm, object_id: int) -> HttpResponse:
        membership = Membership.objects.select_related("user").get(id=object_id)
        role = Role(form.cleaned_data["role"])
        services.grant_role(membership.user_id, merchant_id=membership.merchant_id, role=role)
        return self.done(request, f"{membership.user.name} has the role {role.label}.")

    @action(
        description="New password link …",
        permissions=["write"],
        dialog={
            "title": "Make a link that sets a new password",
            "description": "Good once, for three days, and only for people of no other merchant.",
            "form_class": LinkForm,
            "form_submit_text": "Make link",
        },
    )
    def make_link(self, request: HttpRequest, form: LinkForm, object_id: int) -> HttpResponse:
        membership = Membership.objects.select_related("user").get(id=object_id)
        link = _password_url(
            membership.user_id,
            membership.merchant_id,
            takes_factor_off=form.cleaned_data["takes_factor_off"],
        )
        return self.shown_once(request, f"Give this link to {membership.user.name}:", link)

    @action(
        description="Take role away …",
        permissions=["write"],
        dialog={
            "title": "Take the role away",
            "description": "The person sees nothing of this merchant any more.",
            "form_class": None,
            "form_submit_text": "Take role away",
        },
    )
    @refusing(LastOwner)
    def take_role(self, request: HttpRequest, form: BaseDialogForm, object_id: int) -> HttpResponse:
        membership = Membership.objects.select_related("user").get(id=object_id)
        services.revoke_role(membership.user_id, merchant_id=membership.merchant_id)
        return self.done(request, f"{membership.user.name} has no role here any more.")


def _password_url(user_id: int, merchant_id: int, *, takes_factor_off: bool = False) -> str:
    token = invitations.password_token(
        user_id, merchant_id=merchant_id, takes_factor_off=takes_factor_off
    )
    return f"{settings.PUBLIC_URL}{reverse('set-password', args=[token])}"


@admin.register(ApiKey)
class KeysAdmin(Configured):
    """Keys of machines. A key is shown when it is made and never again."""

    reading = writing = "keys:write"
    list_display = ("name", "prefix", "mode", "state", "scope_list", "last_used")
    list_filter = ("mode",)
    search_fields = ("name", "prefix")
    fields = (
        "name", "prefix", "mode", "state", "scope_list", "address_list", "calls_a_minute",
        "made", "expires", "last_used", "revoked", "successor",
    )  # fmt: skip
    readonly_fields = fields
    ordering = ("-id",)
    actions_list = ("export", "make_key")
    actions_row = ("rotate", "revoke")

    @display(description="State", label=KEY_LABELS)
    def state(self, key: ApiKey) -> str:
        if key.revoked_at is not None:
            return "revoked"
        if key.expires_at is None:
            return "valid"
        return "expired" if key.expires_at <= timezone.now() else "expires"

    @display(description="It may")
    def scope_list(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @display(description="Only from")
    def address_list(self, key: ApiKey) -> str:
        return ", ".join(key.allowed_addresses) or "anywhere"

    @display(description="Calls a minute")
    def calls_a_minute(self, key: ApiKey) -> str:
        return f"{key.rate_limit_per_minute:,}"

    @display(description="Made")
    def made(self, key: ApiKey) -> str | None:
        return moment(key.created_at)

    @display(description="Expires")
    def expires(self, key: ApiKey) -> str:
        return moment(key.expires_at) or "never"

    @display(description="Last used", ordering="last_used_at")
    def last_used(self, key: ApiKey) -> str:
        return moment(key.last_used_at) or "never"

    @display(description="Revoked")
    def revoked(self, key: ApiKey) -> str:
        return moment(key.revoked_at) or "no"

    @display(description="Successor")
    def successor(self, key: ApiKey) -> str:
        return str(key.replaced_by) if key.replaced_by else "none"

    @action(
        description="Make a key …",
        permissions=["write"],
        dialog={
            "title": "Make an API key",
            "description": "It is shown once.",
            "form_class": KeyForm,
            "form_submit_text": "Make key",
        },
    )
    @refusing(ValueError)
    def make_key(self, request: HttpRequest, form: KeyForm) -> HttpResponse:
        told = form.cleaned_data
        issued = keys.create_api_key(
            merchant_id=looking(request).merchant_id,
            name=told["name"],
            scopes=told["scopes"],
            mode=Mode(told["mode"]),
            allowed_addresses=told["allowed_addresses"].split(),
            rate_limit_per_minute=told["rate_limit_per_minute"],
            expires_at=timezone.now() + timedelta(days=told["days"]) if told["days"] else None,
        )
        return self.shown_once(request, f"The key “{issued.key.name}”:", issued.secret)

    @action(
        description="Rotate …",
        permissions=["write"],
        dialog={
            "title": "Make a successor of this key",
            "description": "It may do the same. Both work until the old one ends.",
            "form_class": RotateForm,
            "form_submit_text": "Rotate key",
        },
    )
    @refusing(KeyRefused)
    def rotate(self, request: HttpRequest, form: RotateForm, object_id: int) -> HttpResponse:
        issued = keys.rotate_api_key(
            object_id,
            merchant_id=looking(request).merchant_id,
            overlap=timedelta(days=form.cleaned_data["days"]),
        )
        return self.shown_once(request, f"The successor of “{issued.key.name}”:", issued.secret)

    @action(
        description="Revoke …",
        permissions=["write"],
        dialog={
            "title": "Revoke this key",
            "description": "It is refused from now on; this cannot be undone.",
            "form_class": ReasonForm,
            "form_submit_text": "Revoke key",
        },
    )
    def revoke(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        key = keys.revoke_api_key(
            object_id,
            merchant_id=looking(request).merchant_id,
            reason=form.cleaned_data["reason"],
        )
        return self.done(request, f"Key {key.prefix} is refused from now on.")


@admin.register(Merchant)
class MerchantAdmin(Configured):
    """The merchant itself: one row, its own."""

    list_display = ("name", "code", "time_zone", "locale", "mode")
    fields = ("name", "code", "time_zone", "locale", "mode", "created")
    readonly_fields = fields
    actions_row = ("settle",)

    @display(description="Here since")
    def created(self, merchant: Merchant) -> str | None:
        return moment(merchant.created_at)

    @action(
        description="Change …",
        permissions=["write"],
        dialog={
            "title": "Change the merchant",
            "description": "The record keeps UTC; pages and business hours follow the zone.",
            "form_class": MerchantForm,
            "form_submit_text": "Change merchant",
        },
    )
    @refusing(ValidationError)
    def settle(self, request: HttpRequest, form: MerchantForm, object_id: int) -> HttpResponse:
        told = form.cleaned_data
        merchant = services.change_merchant(
            Merchant.objects.get(id=object_id).id,
            name=told["name"],
            time_zone=told["time_zone"],
            locale=told["locale"],
            mode=Mode(told["mode"]),
        )
        return self.done(request, f"{merchant.name} is changed.")
