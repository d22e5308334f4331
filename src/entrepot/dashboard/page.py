"""The frame of every page: who may see it, in whose scope it reads, and what stands around it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from entrepot.access import scope as access_scope
from entrepot.access.permissions import SCOPES
from entrepot.access.states import Role
from entrepot.dashboard.reading import connections, shell
from entrepot.dashboard.visit import PageRequest, Visit, visit_of
from entrepot.database.rows import Mode
from entrepot.events import outbox

HAS_SECOND_FACTOR = "has_second_factor"
Arguments = ParamSpec("Arguments")
View = Callable[Concatenate[PageRequest, Arguments], HttpResponse]
OuterView = Callable[..., HttpResponse]


def page(*, scope: str, calls_out: bool = False) -> Callable[[View[Arguments]], OuterView]:
    """Let a view be seen only by people who have a scope, and open the merchant's scope around it.

    The view runs in one transaction of the merchant, in the merchant's time zone, with the person
    as the actor of whatever it records. It must not call a platform, unless it `calls_out`: then no
    transaction is open, and the view opens one with `at_work` for what it reads, writes and shows.
    """
    if scope not in SCOPES:
        raise ValueError(f"no such scope: {scope!r}")

    def decorate(view: View[Arguments]) -> OuterView:
        @wraps(view)
        def answer(
            request: PageRequest, *args: Arguments.args, **kwargs: Arguments.kwargs
        ) -> HttpResponse:
            mode = Mode(str(kwargs.pop("mode")))
            request.current_app = mode.value
            visit = admitted(request, mode=mode)
            if isinstance(visit, HttpResponse):
                return visit
            request.visit = visit
            if calls_out and visit.may(scope):
                return view(request, *args, **kwargs)
            with at_work(visit):
                if not visit.may(scope):
                    return refusal(request, scope)
                return view(request, *args, **kwargs)

        return answer

    return decorate


def admitted(request: HttpRequest, *, mode: Mode | None = None) -> Visit | HttpResponse:
    """The visit of somebody who may come in; for anybody else the way to what is missing.

    Without a mode it is the one that the merchant starts with.
    """
    refused = _sent_to_sign_in(request)
    if refused is not None:
        return refused
    visit = visit_of(request, mode=mode)
    if visit is None:
        return render(request, "dashboard/no_merchant.html", status=403)
    return _sent_to_second_factor(request, visit) or visit


@contextmanager
def at_work(visit: Visit) -> Iterator[None]:
    """Read and write as this person, at this merchant, in the merchant's time zone."""
    with (
        timezone.override(visit.zone),
        access_scope.merchant(visit.merchant_id),
        outbox.because(actor=visit.actor),
    ):
        yield


def is_verified(request: HttpRequest) -> bool:
    """Whether this session has shown a second factor; django-otp's middleware knows."""
    ask: Callable[[], bool] | None = getattr(request.user, "is_verified", None)
    return bool(ask is not None and ask())


def _sent_to_sign_in(request: HttpRequest) -> HttpResponse | None:
    if not request.user.is_authenticated:
        return _detour(request, settings.LOGIN_URL)
    if is_verified(request):
        return None
    if request.session.get(HAS_SECOND_FACTOR):
        return _detour(request, "/sign-in/code/")
    return None


def _sent_to_second_factor(request: HttpRequest, visit: Visit) -> HttpResponse | None:
    if visit.membership.role not in settings.SECOND_FACTOR_ROLES:
        return None
    if is_verified(request):
        return None
    return _detour(request, "/sign-in/second-factor/")


def _detour(request: HttpRequest, address: str) -> HttpResponse:
    if request.headers.get("HX-Request"):
        # A fragment cannot show the sign-in page: the whole page goes there, and comes back.
        whole = _whole_page(request)
        there = f"{address}?{urlencode({'next': whole})}" if whole else address
        return HttpResponse(status=204, headers={"HX-Redirect": there})
    return HttpResponseRedirect(f"{address}?{urlencode({'next': request.get_full_path()})}")


def _whole_page(request: HttpRequest) -> str:
    """Path and query of the page that htmx asked a fragment for; empty where it did not."""
    asked = urlsplit(request.headers.get("HX-Current-URL", ""))
    return f"{asked.path}?{asked.query}" if asked.query else asked.path


def refusal(request: PageRequest, scope: str) -> HttpResponse:
    """The page that says who may do this, and who can change it."""
    visit = request.visit
    return show(
        request,
        "no_permission.html",
        {"what": SCOPES[scope], "role": visit.role_word, "owners": owners(visit)},
        status=403,
    )


def owners(visit: Visit) -> list[str]:
    """The names of those who can grant a role at the merchant."""
    names = visit.merchant.memberships.filter(role=Role.OWNER).select_related("user")
    return [membership.user.name for membership in names.order_by("id")[:3]]


def show(
    request: PageRequest,
    template: str,
    context: Mapping[str, Any],
    *,
    current: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render a whole page; `current` is the entry of the navigation that it belongs to."""
    visit = request.visit
    return render(
        request,
        f"dashboard/{template}",
        {"visit": visit, "shell": _shell(request, visit, current), **context},
        status=status,
    )


def show_part(request: PageRequest, template: str, context: Mapping[str, Any]) -> HttpResponse:
    """Render a fragment for htmx, without the frame."""
    return render(request, f"dashboard/{template}", {"visit": request.visit, **context})


def wants_part(request: HttpRequest) -> bool:
    """Whether htmx asked for a fragment of the page."""
    return request.headers.get("HX-Request") == "true" and not request.headers.get("HX-Boosted")


def _shell(request: HttpRequest, visit: Visit, current: str) -> dict[str, Any]:
    mode = visit.mode.value
    counted, standstill = shell.counts(mode)
    waiting = shell.flows(counted)
    return {
        "ways": shell.ways(
            mode,
            counted,
            current=current,
            may_configure=visit.may("settings:read"),
        ),
        "counts": counted,
        "stops": shell.stops(mode, waiting, names=connections.names()),
        "standstill": standstill,
        "may_pause": visit.may("effects:pause"),
        "home_url": visit.url("home"),
        "search_url": visit.url("search"),
        "pause_url": shell.address(mode, "pause"),
        "news_url": shell.address(mode, "news"),
        "live_url": _in_mode(request, Mode.LIVE),
        "test_url": _in_mode(request, Mode.TEST),
    }


def _in_mode(request: HttpRequest, mode: Mode) -> str:
    """The same list in the other mode; a single thing belongs to one mode, so home instead."""
    match = request.resolver_match
    if match is None or match.url_name is None or match.args or len(match.kwargs) > 1:
        return shell.address(mode.value, "home")
    return shell.address(mode.value, match.url_name) or shell.address(mode.value, "home")


def safe_back(request: HttpRequest, fallback: str) -> str:
    """Where a form wants to return to, if that is on this site."""
    asked = request.GET.get("back") or request.GET.get("next") or _whole_page(request)
    wanted = request.POST.get("back") or asked
    path = urlsplit(wanted).path
    if path.startswith("/") and url_has_allowed_host_and_scheme(wanted, {request.get_host()}):
        return wanted
    return fallback
