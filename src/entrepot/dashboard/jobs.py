"""Jobs: lanes, clock and workers; work that gave up, by cause, with replay and discard."""

import json
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect

from entrepot.access import scope as access_scope
from entrepot.dashboard.actions.action import Effect, ReasonForm, nothing
from entrepot.dashboard.asking import ask
from entrepot.dashboard.page import at_work, page, show
from entrepot.dashboard.reading import shell, work
from entrepot.dashboard.reading.numbers import numbers_in
from entrepot.dashboard.reading.work import Letter
from entrepot.dashboard.spreadsheet import all_pages, name_of
from entrepot.dashboard.visit import PageRequest
from entrepot.dashboard.wording import begun, count_words, plain
from entrepot.dashboard.words_of_states import task_words
from entrepot.deadletters import services
from entrepot.deadletters.models import DeadLetter
from entrepot.deadletters.services import NoReplayer
from entrepot.intake.tables import as_csv
from entrepot.orders.models import Order

DECISIONS = {"replay": services.replay, "discard": services.discard}
SHOWN = 50


@page(scope="jobs:read", calls_out=True)
def jobs(request: PageRequest) -> HttpResponse:
    """Show what gave up first, then what waits and who works."""
    visit = request.visit
    with access_scope.system():  # clock and workers are the installation's, nobody's alone
        clockwork, workers = work.clockwork(), work.workers()
    with at_work(visit):
        lanes, decided = work.lanes(), work.decided()
        people = shell.names_of_actors({one["row"].ended_by for one in decided})
        return show(
            request,
            "jobs.html",
            {
                "causes": work.given_up(visit.mode.value),
                "lanes": lanes,
                "late": [lane for lane in lanes if lane.chip.role != "good"],
                "clockwork": clockwork,
                "workers": workers,
                "decided": [{**one, "by": people.get(one["row"].ended_by, "")} for one in decided],
            },
            current="jobs",
        )


@page(scope="jobs:read")
def letters(request: PageRequest, cause: str) -> HttpResponse:
    """Show the dead letters of one cause: arguments, tries, and where they broke."""
    rows = work.letters_of(request.visit.mode.value, cause)
    if not rows:
        messages.info(request, "Nothing of this cause waits any more.")
        return HttpResponseRedirect(request.visit.url("jobs"))
    orders = Order.objects.in_bulk({row.order_id for row in rows[:SHOWN] if row.order_id})
    return show(
        request,
        "letters.html",
        {
            "cause": cause,
            "task": rows[0].task,
            "error": rows[-1].error,
            "number": len(rows),
            "letters": [
                {
                    "row": row,
                    "arguments": _given(row.arguments),
                    "order": orders.get(row.order_id or 0),
                }
                for row in rows[:SHOWN]
            ],
            "more": max(len(rows) - SHOWN, 0),
        },
        current="jobs",
    )


@page(scope="jobs:read")
def export(request: PageRequest, cause: str = "") -> HttpResponse:
    """Save dead letters as CSV: those of a cause that wait, or all with what became of them."""
    visit = request.visit

    def behind(letter: Letter | None, limit: int) -> list[Letter]:
        before = letter.id if letter else None
        return work.letters(visit.mode.value, cause=cause, before_id=before, limit=limit)

    head = [
        "letter", "task", "gave_up_at", "order", "given", "tries", "quarantined", "error",
        "became", "decided_at", "decided_by", "reason",
    ]  # fmt: skip
    found = list(all_pages(behind))
    people = shell.names_of_actors({letter.ended_by for letter in found})
    return as_csv(
        name_of(visit, "dead-letters"),
        head,
        rows=(
            (
                letter.id,
                letter.task,
                letter.buried_at,
                letter.order,
                _given(letter.arguments),
                letter.tries,
                "yes" if letter.is_quarantined else "no",
                letter.error,
                letter.status,
                letter.ended_at,
                people.get(letter.ended_by, ""),
                letter.reason,
            )
            for letter in found
        ),
    )


def _given(arguments: dict[str, Any]) -> str:
    """What a job was given, for people: "order id 6, reason “a person asked”"."""
    return ", ".join(f"{plain(name)} {_said(value)}" for name, value in arguments.items())


def _said(value: object) -> str:
    """A value as it is, words in quotes, and what has parts as JSON."""
    if isinstance(value, str):
        return f"“{value}”"
    return json.dumps(value, ensure_ascii=False)


@page(scope="jobs:write")
def decide(request: PageRequest, cause: str, name: str) -> HttpResponse:
    """Preview what becomes of a cause's letters, or of the chosen ones, and do it."""
    if name not in DECISIONS:
        raise Http404(f"no action {name!r} on dead letters")
    visit = request.visit
    asked = request.POST if request.method == "POST" else request.GET
    rows = work.letters_of(visit.mode.value, cause)
    chosen = numbers_in(asked.getlist("letter"))
    rows = [row for row in rows if not chosen or row.id in chosen]
    form = ReasonForm(request.POST if request.method == "POST" else None)
    back = visit.url("jobs")
    if request.method == "POST" and rows and form.is_valid():
        try:
            number = DECISIONS[name](
                [row.id for row in rows],
                merchant_id=visit.merchant_id,
                by=visit.actor,
                reason=form.cleaned_data["reason"],
            )
        except NoReplayer as error:
            form.add_error(None, f"{error}.")
        else:
            word = "replayed" if name == "replay" else "discarded"
            messages.success(request, begun(f"{count_words(number, 'dead letter')} {word}."))
            return HttpResponseRedirect(back)
    return ask(
        request,
        title=f"{name.capitalize()} {count_words(len(rows), 'dead letter')}?",
        address=visit.url("decide-letters", cause, name),
        form=form,
        effects=_effects(name, rows),
        verb=f"{name.capitalize()} {len(rows):,}",
        back=back,
        current="jobs",
        is_danger=name == "discard",
        obstacle="" if rows else "Nothing of this cause waits any more.",
        kept=[("letter", str(row.id)) for row in rows] if chosen else [],
    )


def _effects(name: str, rows: list[DeadLetter]) -> list[Effect]:
    orders = len({row.order_id for row in rows if row.order_id})
    what = task_words(rows[0].task) if rows else ""
    if name == "discard":
        return [
            Effect("x", "Ended as needing nothing; not tried again", f"{len(rows):,}", "warn"),
            Effect("list", "Orders that it was about", f"{orders:,}"),
            nothing("check", "What was promised to customers stays owed until it is met"),
        ]
    killers = sum(row.is_quarantined for row in rows)
    effects = [
        Effect("refresh", f"Runs again now: {what}", f"{len(rows):,}", "info"),
        Effect("list", "Orders that it is about", f"{orders:,}"),
        nothing("swap", "With the same keys as before: nothing happens twice"),
    ]
    if killers:
        effects.append(Effect("warn", "Quarantined: it ended its worker", f"{killers:,}", "warn"))
    return effects
