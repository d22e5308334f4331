"""Signing in and out, the second factor, and which merchant a person works for."""

from typing import Any
from urllib.parse import urlencode, urlsplit

import segno
from axes.decorators import axes_dispatch
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from django_otp import login as verify
from django_otp import match_token

from entrepot.access.invitations import (
    accept_invitation,
    invitation_of_token,
    link_of_token,
    use_link,
)
from entrepot.access.models import User
from entrepot.access.queries import memberships_of
from entrepot.access.second_factor import confirm_factor, has_second_factor, waiting_factor
from entrepot.access.signing import BadToken
from entrepot.dashboard.page import HAS_SECOND_FACTOR, is_verified, safe_back
from entrepot.dashboard.visit import MERCHANT_KEY

HOME = "/"


class SignInForm(forms.Form):
    """E-mail address and password."""

    email = forms.EmailField(
        label="E-mail address",
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        label="Password", widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )


class CodeForm(forms.Form):
    """Six digits of the second factor, or one of the spare codes."""

    code = forms.CharField(
        label="Code",
        max_length=16,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
        ),
    )


class PasswordForm(forms.Form):
    """A new password, twice."""

    password = forms.CharField(
        label="New password",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "autofocus": True}),
    )
    again = forms.CharField(
        label="The same again", widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    def clean(self) -> dict[str, Any]:
        """Both are the same."""
        if self.cleaned_data.get("password") != self.cleaned_data.get("again"):
            self.add_error("again", "The two are not the same.")
        return self.cleaned_data


class _Consent(forms.Form):
    """A yes: nothing is typed."""


@sensitive_post_parameters("password")
@axes_dispatch  # type: ignore[untyped-decorator]
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask who it is. Wrong pairs are counted per address and name, and answered all alike."""
    form = SignInForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = authenticate(
            request,
            username=form.cleaned_data["email"].lower(),
            password=form.cleaned_data["password"],
        )
        if user is not None:
            login(request, user)
            request.session[HAS_SECOND_FACTOR] = has_second_factor(user)
            return HttpResponseRedirect(safe_back(request, HOME))
        form.add_error(None, "No person has this e-mail address and password.")
    return _door(request, "sign_in.html", {"form": form}, status=200 if not form.errors else 400)


@never_cache
@sensitive_post_parameters("password", "again")
def choose_password(request: HttpRequest, token: str) -> HttpResponse:
    """Set a password by a link that an owner made; whoever has set one signs in with it."""
    try:
        link = link_of_token(token)
    except BadToken as error:
        return _door(request, "choose_password.html", {"refused": str(error)}, status=404)
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            use_link(token, form.cleaned_data["password"])
        except ValidationError as error:
            form.add_error("password", error)
        else:
            messages.success(request, "Your password is set. Sign in with it.")
            return HttpResponseRedirect("/sign-in/")
    return _door(
        request,
        "choose_password.html",
        {"form": form, "person": link.user.name},
        status=200 if not form.errors else 400,
    )


@never_cache
@sensitive_post_parameters("password", "again")
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Take a role at a further merchant by a link that its owner made."""
    try:
        offered = invitation_of_token(token)
    except BadToken as error:
        return _door(request, "join.html", {"refused": str(error)}, status=404)
    if offered.needs_sign_in and (missing := _way_in(request)):
        return HttpResponseRedirect(f"{missing}?{urlencode({'next': request.path})}")
    form = _Consent(request.POST) if offered.needs_sign_in else PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        password = form.cleaned_data.get("password", "")
        try:
            accept_invitation(token, signed_in=request.user.id, password=password)
        except BadToken as error:
            return _door(request, "join.html", {"refused": str(error)}, status=404)
        except ValidationError as error:
            form.add_error("password", error)
        else:
            request.session[MERCHANT_KEY] = offered.merchant.id
            messages.success(request, f"You work for {offered.merchant.name} now.")
            return HttpResponseRedirect(HOME)
    return _door(
        request,
        "join.html",
        {"form": form, "offered": offered, "role": offered.role.label},
        status=200 if not form.errors else 400,
    )


def _way_in(request: HttpRequest) -> str:
    """Where somebody has to go first who is not signed in, or not with the second factor."""
    if not request.user.is_authenticated:
        return settings.LOGIN_URL
    is_half = request.session.get(HAS_SECOND_FACTOR) and not is_verified(request)
    return "/sign-in/code/" if is_half else ""


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return HttpResponseRedirect("/sign-in/")


@login_required
def code(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor of somebody who has one."""
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        device = match_token(request.user, form.cleaned_data["code"].replace(" ", ""))
        if device is not None:
            verify(request, device)
            return HttpResponseRedirect(safe_back(request, HOME))
        form.add_error("code", "This code is not valid now. Codes change every 30 seconds.")
    return _door(request, "code.html", {"form": form}, status=200 if not form.errors else 400)


@login_required
def second_factor(request: HttpRequest) -> HttpResponse:
    """Set up a second factor: a picture for an authenticator, and a first code to prove it."""
    user = request.user
    if not isinstance(user, User):
        return HttpResponseRedirect("/sign-in/")
    if has_second_factor(user):
        if not is_verified(request):
            return HttpResponseRedirect("/sign-in/code/?next=/sign-in/second-factor/")
        return _door(request, "second_factor.html", {"is_on": True})
    device = waiting_factor(user)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if confirm_factor(device, form.cleaned_data["code"].replace(" ", "")):
            verify(request, device)
            request.session[HAS_SECOND_FACTOR] = True
            messages.success(request, "Your second factor is on.")
            return HttpResponseRedirect(safe_back(request, HOME))
        form.add_error("code", "This code is not valid now. Look whether the clock is right.")
    picture = segno.make(device.config_url, error="m")
    return _door(
        request,
        "second_factor.html",
        {
            "form": form,
            "picture": picture.svg_data_uri(scale=4, border=2, dark="#000", light="#fff"),
            "secret": device.config_url.split("secret=")[1].split("&")[0],
        },
        status=200 if not form.errors else 400,
    )


@require_POST
@login_required
def choose_merchant(request: HttpRequest) -> HttpResponse:
    """Work for another of the merchants at which the person has a role."""
    wanted = request.POST.get("merchant", "")
    known = {str(row.merchant_id): row for row in memberships_of(request.user.id or 0)}
    if wanted in known:
        request.session[MERCHANT_KEY] = known[wanted].merchant_id
    return HttpResponseRedirect(HOME)


def _door(
    request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    back = safe_back(request, "")
    return render(request, f"dashboard/{template}", {"back": back, **context}, status=status)


def outlived_form(request: HttpRequest, **_: object) -> HttpResponse:
    """Say that a form was sent whose session has ended since it was drawn: nothing was done.

    Django's own page calls it a failed verification, and offers no way on.
    """
    came_from = urlsplit(request.headers.get("Referer", ""))
    back = came_from.path if came_from.netloc == request.get_host() else HOME
    if not url_has_allowed_host_and_scheme(back, None):  # "//elsewhere.example" is a path, too
        back = HOME
    return render(request, "dashboard/outlived_form.html", {"back": back}, status=403)
