"""The configuration below /admin/: django-unfold's site, behind the same door as every page.

Who comes in has signed in with whatever factor the hub asks for and has a role at a merchant; each
view runs in that merchant's scope, so that row-level security holds here as well. What a role may
see and do is decided by its scopes, never by Django's own permissions.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.conf import settings
from django.contrib.admin import ModelAdmin
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.urls import reverse
from unfold.forms import AdminOwnPasswordChangeForm
from unfold.sites import UnfoldAdminSite

from entrepot.access.models import User
from entrepot.access.services import set_password
from entrepot.dashboard.page import admitted, at_work, refusal
from entrepot.dashboard.session import sign_out
from entrepot.dashboard.spreadsheet import MOST_ROWS
from entrepot.dashboard.visit import Visit
from entrepot.intake.tables import as_csv

OURS = "entrepot."
# unfold's own pages need Alpine's expressions and inline styles; ours need neither.
POLICY = {"script-src": [SELF, UNSAFE_EVAL], "style-src": [SELF, UNSAFE_INLINE]}
# What somebody needs for at least one of the lists.
OPENED_BY = ("settings:read", "users:read", "keys:write")
# (word, icon of unfold, name of a page of ours, scope)
PAGES = (
    ("Home", "home", "home", "orders:read"),
    ("Orders", "list", "orders", "orders:read"),
    ("Connections", "cable", "connections", "connections:read"),
    ("Mappings", "swap_horiz", "mappings", "catalog:read"),
    ("Messages", "mail", "messages", "notifications:read"),
)
# (word, icon, model as Django's admin names it, scope)
LISTS = (
    ("Merchant", "storefront", "access_merchant", "settings:read"),
    ("People and roles", "group", "access_membership", "users:read"),
    ("API keys", "key", "access_apikey", "keys:write"),
    ("Deadlines", "schedule", "obligations_deadlinerule", "settings:read"),
    ("Connections", "cable", "connections_connection", "connections:read"),
    ("Mappings", "swap_horiz", "catalog_mapping", "catalog:read"),
    ("Shipping methods", "local_shipping", "catalog_shippingmap", "catalog:read"),
    ("Mail templates", "mail", "notifications_template", "notifications:read"),
)


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    """One's own password, changed by the service that changes all of them."""

    def save(self, commit: bool = True) -> User:  # noqa: FBT001, FBT002 -- Django's signature
        return set_password(self.user, self.cleaned_data["new_password1"])


class ConfigurationSite(UnfoldAdminSite):
    """The one site of the configuration."""

    enable_nav_sidebar = True
    index_title = "Configuration"

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: "type[ModelAdmin[Any]] | None" = None,
        **options: Any,
    ) -> None:
        """Take the rooms' own lists; those of the libraries show every merchant's rows."""
        if admin_class is None or not admin_class.__module__.startswith(OURS):
            return
        super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        return _visit(request) is not None

    def admin_view(
        self,
        view: Callable[..., HttpResponseBase],
        cacheable: bool = False,  # noqa: FBT001, FBT002
    ) -> Callable[..., HttpResponseBase]:
        inner = super().admin_view(view, cacheable)

        @csp_replace(POLICY)
        @wraps(view)
        def answer(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
            visit = admitted(request)
            if isinstance(visit, HttpResponse):
                return visit
            request.visit = visit
            with at_work(visit):
                if not any(visit.may(scope) for scope in OPENED_BY):
                    return refusal(request, OPENED_BY[0])
                try:
                    response = inner(request, *args, **kwargs)
                except PermissionDenied:
                    return refusal(request, OPENED_BY[0])
                except ObjectDoesNotExist as error:  # of another merchant, or gone
                    raise Http404 from error
                # Inside the scope: what a template shows is read from there.
                return (
                    response.render() if isinstance(response, SimpleTemplateResponse) else response
                )

        return answer

    def saved(
        self, request: HttpRequest, name: str, head: Sequence[str], rows: Iterable[Sequence[object]]
    ) -> HttpResponse:
        """A list of the configuration as a file, written as those of all pages are."""
        visit = _visit(request)
        assert visit is not None, "let in without a visit"
        return as_csv(f"{name}-{visit.merchant.code}", head, rows=islice(rows, MOST_ROWS))

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The hub has one door."""
        wanted = urlencode({"next": request.GET.get("next", reverse("admin:index"))})
        return HttpResponseRedirect(f"{settings.LOGIN_URL}?{wanted}")

    def logout(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return sign_out(request)

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        request.current_app = self.name
        view = PasswordChangeView.as_view(
            form_class=OwnPasswordForm,
            success_url=reverse("admin:password_change_done"),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        answered = view(request)
        assert isinstance(answered, HttpResponse)
        return answered


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The side of every page of the configuration: its lists, and the way back to work."""
    visit = _visit(request)
    if visit is None:
        return []
    lists = [
        {"title": word, "icon": icon, "link": reverse(f"admin:{model}_changelist")}
        for word, icon, model, scope in LISTS
        if visit.may(scope)
    ]
    pages = [
        {"title": word, "icon": icon, "link": visit.url(name), "active": False}
        for word, icon, name, scope in PAGES
        if visit.may(scope)
    ]
    return [
        {"title": "Configuration", "items": lists},
        {"title": "Work", "separator": True, "items": pages},
    ]


def subheader(request: HttpRequest) -> str:
    """Whose configuration it is."""
    visit = _visit(request)
    return visit.merchant.name if visit is not None else ""


def _visit(request: HttpRequest) -> Visit | None:
    return getattr(request, "visit", None)
