"""Try late work again, read things again, and say what became of an unknown attempt."""

from collections.abc import Sequence
from typing import Any

from django import forms

from entrepot.attempts.models import Attempt
from entrepot.attempts.states import IllegalStep, Kind
from entrepot.attempts.states import Status as AttemptStatus
from entrepot.connections.models import Connection
from entrepot.dashboard.actions.action import Action, Case, Effect, ReasonForm, Refused, nothing
from entrepot.dashboard.actions.unfinished import Unfinished, go_on, unfinished_of_each
from entrepot.dashboard.reading.doubts import OTHER_SIDE, Doubt, doubt_about
from entrepot.dashboard.reading.numbers import number_in
from entrepot.dashboard.wording import begun, count_words, listed
from entrepot.deadletters import services as deadletters
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.tasks import deciding, going_on, queue

NOT_SENT = "Nothing is sent"
NAMED_THERE = frozenset({Kind.SUBMIT, Kind.REFUND})  # what the other side gives an id of its own


class Retry(Action):
    """Try now what is late, given-up work too."""

    name = "retry"
    scope = "orders:write"
    errors = (Refused, deadletters.ReasonMissing)

    def title(self, case: Case) -> str:
        return f"Try again for {case.order.number}?"

    def obstacle(self, case: Case) -> str:
        if _unfinished(case).is_any:
            return ""
        return "There is no work left on it that could be tried again."

    def form(self, case: Case, data: Any) -> forms.Form:
        # Only a replay keeps a reason: what is merely late is done without one.
        return ReasonForm(data) if _unfinished(case).letters else forms.Form(data)

    def effects(self, case: Case, form: forms.Form) -> list[Effect]:
        return effects_of_retry([_unfinished(case)])

    def verb(self, case: Case, form: forms.Form) -> str:
        return "Try now"

    def perform(self, case: Case, form: forms.Form) -> str:
        go_on(
            _unfinished(case),
            merchant_id=case.visit.merchant_id,
            by=case.visit.actor,
            reason=form.cleaned_data.get("reason", ""),
        )
        return f"{case.order.number}: trying now."


def _unfinished(case: Case) -> Unfinished:
    return unfinished_of_each(case.visit.merchant_id, [case.order])[case.order.id]


def effects_of_retry(found: Sequence[Unfinished]) -> list[Effect]:
    """What trying again does, all in all, for one order or several."""
    jobs = sum(len(one.jobs) for one in found)
    letters = sum(len(one.letters) for one in found)
    effects = [
        Effect(
            "refresh", "Goes on at once with what is left to do", count_words(jobs, "job"), "accent"
        )
    ]
    if letters:
        replayed = count_words(letters, "dead letter")
        effects.append(Effect("play", "Replays work that gave up", replayed))
    return [
        *effects,
        nothing("q", "Nothing is sent twice: an unknown attempt is asked about first"),
    ]


class Refresh(Action):
    """Read the order again wherever it is known, and ask about unknown attempts."""

    name = "refresh"
    scope = "orders:write"

    def title(self, case: Case) -> str:
        return f"Read {case.order.number} again?"

    def obstacle(self, case: Case) -> str:
        if going_on.rereads_of(case.order) or _unfinished(case).asking:
            return ""
        return "None of its connections can be read; news comes by webhook only."

    def form(self, case: Case, data: Any) -> forms.Form:
        return forms.Form(data)

    def effects(self, case: Case, form: forms.Form) -> list[Effect]:
        read = {str(job.args["connection_id"]) for job in going_on.rereads_of(case.order)}
        rows = Connection.objects.filter(id__in=read).order_by("name", "id")
        names = list(rows.values_list("name", flat=True))
        effects = []
        if names:
            effects.append(Effect("refresh", f"Reads it again at {listed(names)}", role="info"))
        if asking := len(_unfinished(case).asking):
            told = "Asks what became of what is unknown"
            effects.append(Effect("q", told, count_words(asking, "attempt"), "unknown"))
        return [*effects, nothing("go", "Nothing is sent, changed or mailed")]

    def verb(self, case: Case, form: forms.Form) -> str:
        return "Ask now" if _unfinished(case).asking else "Read again"

    def perform(self, case: Case, form: forms.Form) -> str:
        queue.defer([*going_on.rereads_of(case.order), *_unfinished(case).asking])
        return f"{case.order.number}: asking now. The answer shows in its timeline."


class WordForm(ReasonForm):
    """What a person saw there, and what the other side calls it."""

    external_id = forms.CharField(
        max_length=200, required=False, help_text="By it, what they tell of it is known"
    )
    field_order = ("external_id", "reason")

    def __init__(self, data: Any, *, attempt: Attempt, name: str) -> None:
        super().__init__(data)
        self._attempt = attempt
        self.fields["external_id"].label = f"Its id at {name or OTHER_SIDE}"

    def clean_external_id(self) -> str:
        told = str(self.cleaned_data["external_id"])
        if told and self._attempt.kind == Kind.SUBMIT:
            theirs = FulfillmentOrder.objects.filter(
                connection_id=self._attempt.connection_id or 0, external_id=told
            ).exclude(id=self._attempt.subject_id)
            if theirs.exists():
                raise forms.ValidationError("That is another order’s.")
        return told


class Decide(Action):
    """Say what became of an attempt that nothing outside can tell."""

    name = "decide"
    scope = "orders:write"
    errors = (Refused, IllegalStep)

    def title(self, case: Case) -> str:
        said = "it happened" if self._happened(case) else "it did not happen"
        doubt = self._doubt(case)
        if doubt is None:
            return begun(said)
        return f"{doubt.heading(case.order.number, self._name(case))}: {said}"

    def _happened(self, case: Case) -> bool:
        return case.query.get("happened", "1") == "1"

    def _attempt(self, case: Case) -> Attempt | None:
        waiting = Attempt.objects.filter(
            order_id=case.order.id, status=AttemptStatus.UNKNOWN, needs_person=True
        )
        if "attempt" in case.query:
            waiting = waiting.filter(id=number_in(case.query.get("attempt", "")) or 0)
        return waiting.order_by("id").first()

    def _name(self, case: Case) -> str:
        attempt = self._attempt(case)
        return case.names.get(attempt.connection_id or 0, "") if attempt else ""

    def _doubt(self, case: Case) -> Doubt | None:
        attempt = self._attempt(case)
        return doubt_about(attempt, self._name(case)) if attempt else None

    def obstacle(self, case: Case) -> str:
        if self._attempt(case) is not None:
            return ""
        return "Nothing waits for your word: somebody has given it, or we are still asking."

    def form(self, case: Case, data: Any) -> forms.Form:
        attempt = self._attempt(case)
        if attempt is not None and attempt.kind in NAMED_THERE and self._happened(case):
            return WordForm(data, attempt=attempt, name=self._name(case))
        return ReasonForm(data)

    def effects(self, case: Case, form: forms.Form) -> list[Effect]:
        attempt, doubt = self._attempt(case), self._doubt(case)
        if attempt is None or doubt is None:
            return []
        known = Effect("q", f"Look there for {attempt.reference}", role="unknown")
        if self._happened(case):
            return [
                known,
                Effect("check", begun(doubt.happened), role="good"),
                nothing("go", NOT_SENT),
            ]
        effects = [known, Effect("go", begun(doubt.did_not), role="warn")]
        if not doubt.is_harmless_twice:
            twice = "If it did happen after all, it happens twice: look there first"
            effects.append(Effect("warn", twice, role="bad"))
        return effects

    def verb(self, case: Case, form: forms.Form) -> str:
        doubt = self._doubt(case)
        again = doubt.again if doubt else "send again"
        return "It happened" if self._happened(case) else f"It did not: {again}"

    def perform(self, case: Case, form: forms.Form) -> str:
        attempt = self._attempt(case)
        if attempt is None:
            raise Refused("Somebody else has decided it meanwhile.")
        deciding.decide(
            case.visit.merchant_id,
            attempt.id,
            happened=self._happened(case),
            by=case.visit.actor,
            reason=form.cleaned_data["reason"],
            external_id=form.cleaned_data.get("external_id", ""),
        )
        return f"{case.order.number}: your word is recorded."
