"""What is done to a connection: go live, pause, rotate, test, read again, import, remove."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from entrepot.connect.errors import ConnectorError
from entrepot.connections import cursors, history, pings, queries, services
from entrepot.connections.models import Connection
from entrepot.connections.services import AccountTaken
from entrepot.connections.states import IllegalStep, Status
from entrepot.dashboard.actions.action import Effect, ReasonForm, nothing
from entrepot.dashboard.asking import ask
from entrepot.dashboard.connections import MOVES, found
from entrepot.dashboard.page import at_work, page
from entrepot.dashboard.reading import connection_page, going_live, observing
from entrepot.dashboard.reading import connections as tiles
from entrepot.dashboard.reading.numbers import number_in
from entrepot.dashboard.visit import PageRequest
from entrepot.dashboard.wording import count_words, money_words
from entrepot.events import outbox
from entrepot.tasks import queue

Step = Callable[..., Connection]
STEPS: dict[str, tuple[str, Step, str]] = {
    "go-live": ("Go live", services.go_live, "is live"),
    "resume": ("Resume", services.resume, "goes on"),
    "pause": ("Pause", services.pause, "is paused"),
    "observe": ("Observe again", services.observe, "observes"),
    "archive": ("Remove", services.archive, "is removed"),
}


@page(scope="connections:write")
def move(request: PageRequest, connection_id: int, name: str) -> HttpResponse:
    """Preview a move of a connection, and make it."""
    if name not in STEPS:
        raise Http404(f"no move {name!r}")
    visit = request.visit
    row = found(visit, connection_id)
    verb, step, said = STEPS[name]
    form = ReasonForm(request.POST if request.method == "POST" else None)
    obstacle = _obstacle(row, name)
    if request.method == "POST" and not obstacle and form.is_valid():
        try:
            step(row.id, merchant_id=visit.merchant_id, reason=form.cleaned_data["reason"])
        except IllegalStep as error:
            form.add_error(None, f"{error}.")
        else:
            messages.success(request, f"{row.name} {said}.")
            return HttpResponseRedirect(visit.url("connection", row.id))
    return ask(
        request,
        title=f"{verb}: {row.name}?",
        address=visit.url("move-connection", row.id, name),
        form=form,
        effects=EFFECTS[name](row),
        verb=verb,
        back=visit.url("connection", row.id),
        current="connections",
        is_danger=name == "archive",
        obstacle=obstacle,
    )


def _obstacle(row: Connection, name: str) -> str:
    sources = next(sources for one, _, _, _, sources in MOVES if one == name)
    if row.status not in sources:
        return f"{row.name} is {row.status}: nothing to do."
    if name == "go-live":
        blocking = [one for one in going_live.checks(row, None, urls={}) if one.blocks]
        if blocking:
            return f"{row.name} cannot go live: {blocking[0].words}."
    return ""


def _going_live(row: Connection) -> list[Effect]:
    manifest = queries.manifest_of(row)
    effects = [Effect("play", "Orders placed from this moment on are worked on", role="good")]
    if manifest.kinds & {"storefront", "payment"}:
        seen = observing.preview(row, tiles.names())
        effects += [
            Effect(
                "clock",
                "Orders placed before stay history",
                f"{seen.seen + seen.history:,}",
                happens=False,
            ),
            Effect("mail", f"Mails from now on: {seen.mail_kinds}", role="info"),
        ]
        if seen.spend:
            spent = ", ".join(money_words(amount) for amount in seen.spend)
            effects.append(Effect("card", "The orders seen would have cost", spent))
    else:
        waiting = observing.waiting_submissions(row)
        effects.append(Effect("go", "Submitted at once, paced", f"{waiting:,}", "accent"))
    return effects


def _pausing(_row: Connection) -> list[Effect]:
    return [
        Effect("hand", "Nothing of it reaches outside until somebody resumes it", role="warn"),
        Effect("inbox", "It is still read, and its webhooks are still received", role="info"),
        nothing("check", "Nothing is lost; what would happen waits"),
    ]


def _resuming(row: Connection) -> list[Effect]:
    waiting = observing.waiting_submissions(row)
    return [
        Effect("play", "What was held back happens now, paced", role="good"),
        Effect("go", "Submissions that wait", f"{waiting:,}", "accent"),
    ]


def _observing(_row: Connection) -> list[Effect]:
    return [
        Effect("eye", "It shows what it would do, and does nothing", role="info"),
        Effect("clock", "Orders placed until it goes live again are history", role="warn"),
    ]


def _archiving(_row: Connection) -> list[Effect]:
    return [
        Effect("lock", "Its credentials end now, its address answers nobody", role="bad"),
        Effect("list", "Its orders and their history stay", role="good"),
        nothing("x", "Its webhooks at the platform are not removed"),
        nothing("refresh", "Adding the same account again resumes it"),
    ]


EFFECTS: dict[str, Callable[[Connection], Sequence[Effect]]] = {
    "go-live": _going_live,
    "pause": _pausing,
    "resume": _resuming,
    "observe": _observing,
    "archive": _archiving,
}


class RotateForm(forms.Form):
    """A new signing secret, and how long the old one still verifies."""

    name = forms.ChoiceField(label="Which secret")
    text = forms.CharField(
        label="New secret",
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="As the platform shows it",
    )
    hours = forms.IntegerField(
        label="The old one still verifies for, in hours", min_value=0, max_value=24 * 30, initial=24
    )

    def __init__(self, data: Any, *, names: list[tuple[str, str]]) -> None:
        super().__init__(data)
        field = self.fields["name"]
        if isinstance(field, forms.ChoiceField):
            field.choices = names


@page(scope="connections:write")
def rotate(request: PageRequest, connection_id: int) -> HttpResponse:
    """Replace a secret that verifies deliveries, with an overlap so that none is lost."""
    visit = request.visit
    row = found(visit, connection_id)
    names = [(one.name, one.word) for one in connection_page.secrets_of(row) if one.may_rotate]
    form = RotateForm(request.POST if request.method == "POST" else None, names=names)
    if request.method == "POST" and names and form.is_valid():
        told = form.cleaned_data
        services.rotate_secret(
            row.id,
            merchant_id=visit.merchant_id,
            name=told["name"],
            text=told["text"].strip(),
            overlap=timedelta(hours=told["hours"]),
        )
        messages.success(request, f"{row.name} has a new secret. The old one verifies meanwhile.")
        return HttpResponseRedirect(visit.url("connection", row.id))
    return ask(
        request,
        title=f"Rotate a secret of {row.name}",
        address=visit.url("rotate-secret", row.id),
        form=form,
        effects=[
            Effect("check", "Deliveries signed with either secret are accepted meanwhile"),
            nothing("lock", "The secret is sealed, and never shown again"),
        ],
        verb="Rotate",
        back=visit.url("connection", row.id),
        current="connections",
        obstacle="" if names else "This platform signs nothing: its address is its proof.",
    )


@require_POST
@page(scope="connections:write", calls_out=True)
def test(request: PageRequest, connection_id: int) -> HttpResponse:
    """Ask the platform whether our credentials work."""
    visit = request.visit
    with at_work(visit):
        row = found(visit, connection_id)
    try:
        with outbox.because(actor=visit.actor):
            result = pings.ping_connection(row.id, merchant_id=visit.merchant_id, is_person=True)
    except (ConnectorError, AccountTaken) as error:
        messages.warning(request, f"{row.name}: {error}")
    else:
        warnings = "".join(f" {one}." for one in result.warnings)
        messages.success(request, f"{row.name} accepts the credentials.{warnings}")
    return HttpResponseRedirect(visit.url("connection", row.id))


@require_POST
@page(scope="connections:write")
def order_around(request: PageRequest, connection_id: int) -> HttpResponse:
    """Read it as soon as can be, or look at its webhooks now."""
    visit = request.visit
    row = found(visit, connection_id)
    if request.POST.get("do") == "webhooks":
        wanted = {"merchant_id": visit.merchant_id, "subject_id": row.id}
        queue.defer([queue.Job(task="webhooks.check", args=wanted, cause=visit.actor)])
        messages.success(request, "Its webhooks are compared and repaired within moments.")
    elif request.POST.get("do") == "address":
        services.rotate_token(row.id, merchant_id=visit.merchant_id)
        messages.success(request, "It has a new address. Deliveries to the former one still count.")
    else:
        number = cursors.poll_now(row.id, merchant_id=visit.merchant_id)
        messages.success(request, f"{count_words(number, 'flow')} will be read within moments.")
    return HttpResponseRedirect(visit.url("connection", row.id))


class ImportForm(forms.Form):
    """Which history, and from when."""

    flow = forms.CharField(max_length=30)
    since = forms.DateField(required=False)


@require_POST
@page(scope="connections:write")
def import_history(request: PageRequest, connection_id: int) -> HttpResponse:
    """Begin to read what the platform had before the hub came, or stop where it stands."""
    visit = request.visit
    row = found(visit, connection_id)
    stop = number_in(request.POST.get("stop", ""))
    if stop is not None:
        history.stop_import(stop, merchant_id=visit.merchant_id)
        messages.success(request, "The import is stopped. What it read stays.")
        return HttpResponseRedirect(f"{visit.url('connection', row.id)}#imports")
    form = ImportForm(request.POST)
    if form.is_valid() and row.status != Status.ARCHIVED:
        day = form.cleaned_data["since"]
        since = (
            datetime.combine(day, datetime.min.time(), visit.zone).astimezone(UTC) if day else None
        )
        try:
            history.begin_import(
                row.id, merchant_id=visit.merchant_id, flow=form.cleaned_data["flow"], since=since
            )
        except history.NoSuchFlow as error:
            messages.warning(request, f"{error}.")
        else:
            messages.success(request, "The import has begun. Nothing of it is shipped or mailed.")
    else:
        messages.warning(request, "Choose what to import, and a day as 2026-11-24 or none.")
    return HttpResponseRedirect(f"{visit.url('connection', row.id)}#imports")
