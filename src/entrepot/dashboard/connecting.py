"""Adding and changing a connection: a form made from the manifest, tested before it is saved."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect

from entrepot.canon.orders import Mode
from entrepot.connect.errors import ConnectorError
from entrepot.connect.manifest import Manifest
from entrepot.connect.ports import PingResult
from entrepot.connect.registry import Platform, platforms
from entrepot.connections import pings, queries, services
from entrepot.connections.fields import BadSettings
from entrepot.connections.models import Connection
from entrepot.connections.services import AccountTaken
from entrepot.dashboard.connections import found
from entrepot.dashboard.forms_of_connections import PolicyForm, SettingsForm
from entrepot.dashboard.page import at_work, page, show
from entrepot.dashboard.reading import connection_page
from entrepot.dashboard.reading.connections import KINDS
from entrepot.dashboard.visit import PageRequest
from entrepot.dashboard.wording import day_words, listed
from entrepot.events import outbox

UNTESTED = "untested"


@page(scope="connections:write")
def choose_platform(request: PageRequest) -> HttpResponse:
    """Choose what to connect: first what sells, then what makes and ships, then the rest."""
    places = {kind: place for place, kind in enumerate(KINDS)}
    shown = [
        {
            "code": one.code,
            "name": one.manifest.name,
            "place": min(places.get(kind, len(places)) for kind in one.manifest.kinds),
            "kinds": listed([KINDS.get(kind, kind) for kind in sorted(one.manifest.kinds)]),
            "guarantees": connection_page.guarantee_line(one.manifest),
            "version": "" if one.manifest.is_built_in else one.manifest.api_version,
        }
        for one in platforms().values()
    ]
    return show(
        request,
        "choose_platform.html",
        {"platforms": sorted(shown, key=lambda one: (one["place"], one["name"]))},
        current="connections",
    )


@page(scope="connections:write", calls_out=True)
def add_connection(request: PageRequest, code: str) -> HttpResponse:
    """Connect an account: ask the platform whether the credentials work, then keep them."""
    visit = request.visit
    one = platforms().get(code)
    if one is None:
        raise Http404(f"no platform {code!r}")
    form = SettingsForm(request.POST or None, manifest=one.manifest)
    if request.method == "POST" and form.is_valid():
        added = _added(request, one, form)
        if added is not None:
            messages.success(request, f"{added.name} is connected. It observes until it goes live.")
            return HttpResponseRedirect(visit.url("connection", added.id))
    with at_work(visit):
        return _form_page(request, one.manifest, form)


def _added(request: PageRequest, one: Platform, form: SettingsForm) -> Connection | None:
    visit = request.visit
    wanted: dict[str, Any] = {
        "platform": one.code,
        "mode": Mode(visit.mode.value),
        "name": form.cleaned_data["name"],
        "settings": form.settings(),
    }
    try:
        if UNTESTED in request.POST or one.manifest.is_built_in:
            with at_work(visit):
                return services.add_connection(visit.merchant_id, **wanted)
        with outbox.because(actor=visit.actor):
            return pings.connect(visit.merchant_id, **wanted)
    except BadSettings as error:
        form.blame(error.faults)
    except AccountTaken as error:
        form.add_error(None, f"{_sentence(error)}.")
    except ConnectorError as error:
        form.add_error(None, _said(one.manifest, error))
    return None


@page(scope="connections:write", calls_out=True)
def edit_connection(request: PageRequest, connection_id: int) -> HttpResponse:
    """Change a connection's settings, tested first, and the merchant's choices for it."""
    visit = request.visit
    with at_work(visit):
        row = found(visit, connection_id)
        manifest = queries.manifest_of(row)
        known = queries.account_of(row).settings
        stored = _stored(row)
    is_policy = "policy" in request.POST
    form = SettingsForm(
        request.POST if request.method == "POST" and not is_policy else None,
        manifest=manifest,
        kept=row.settings,
        stored=stored,
        name=row.name,
    )
    choices = PolicyForm(request.POST if is_policy else None, manifest=manifest, policy=row.policy)
    if is_policy and choices.is_valid():
        with at_work(visit):
            services.change_policy(row.id, merchant_id=visit.merchant_id, changes=choices.changes())
        messages.success(request, f"The choices for {row.name} are saved.")
        return HttpResponseRedirect(visit.url("connection", row.id))
    if form.is_bound and form.is_valid() and _changed(request, row, form, known):
        messages.success(request, f"The settings of {row.name} are saved.")
        return HttpResponseRedirect(visit.url("connection", row.id))
    with at_work(visit):
        return _form_page(request, manifest, form, row=row, choices=choices)


def _stored(row: Connection) -> dict[str, str]:
    return {
        one.name: f"Set {day_words(one.set_at)}. Leave empty to keep it."
        for one in connection_page.secrets_of(row)
        if one.set_at is not None
    }


def _changed(
    request: PageRequest, row: Connection, form: SettingsForm, known: Mapping[str, Any]
) -> bool:
    visit, given = request.visit, form.settings()
    manifest = queries.manifest_of(row)
    secrets = {one.name for one in manifest.settings if one.type == "secret"}
    # A secret that is left empty stays, so the test is made with the one that is kept.
    tested = {
        name: known.get(name) if name in secrets and not value else value
        for name, value in given.items()
    }
    result = None
    try:
        if UNTESTED not in request.POST and not manifest.is_built_in:
            with outbox.because(actor=visit.actor):
                result = pings.probe(row.platform, mode=Mode(visit.mode.value), settings=tested)
            pings.must_fit(row, result)
        with at_work(visit):
            _save(row, given, form.cleaned_data["name"], result)
    except BadSettings as error:
        form.blame(error.faults)
    except AccountTaken as error:
        form.add_error(None, f"{_sentence(error)}.")
    except ConnectorError as error:
        form.add_error(None, _said(manifest, error))
    return not form.errors


def _save(row: Connection, given: dict[str, Any], name: str, result: PingResult | None) -> None:
    services.change_settings(row.id, merchant_id=row.merchant_id, settings=given, name=name)
    if result is not None:
        pings.accept_ping(row.id, merchant_id=row.merchant_id, result=result, is_person=True)


def _said(manifest: Manifest, error: ConnectorError) -> str:
    return (
        f"Tested, and not saved. {manifest.name}: {_sentence(error)}."
        " Correct it, or save without a test."
    )


def _sentence(error: Exception) -> str:
    return str(error).rstrip(".")


def _form_page(
    request: PageRequest,
    manifest: Manifest,
    form: SettingsForm,
    *,
    row: Connection | None = None,
    choices: PolicyForm | None = None,
) -> HttpResponse:
    is_wrong = bool(form.errors or (choices is not None and choices.errors))
    return show(
        request,
        "edit_connection.html",
        {
            "form": form,
            "choices": choices,
            "connection": row,
            "manifest": manifest,
            "guarantees": connection_page.guarantee_line(manifest),
            "may_save_untested": bool(form.non_field_errors()),
        },
        current="connections",
        status=422 if is_wrong else 200,
    )
