"""Stop outside effects at once, and let them go on: a button on every page."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect

from entrepot.canon.orders import Mode
from entrepot.connections import services
from entrepot.connections.models import Connection, EffectPause
from entrepot.connections.states import EffectFlow, Status
from entrepot.dashboard.page import page, safe_back, show, show_part, wants_part
from entrepot.dashboard.reading import shell
from entrepot.dashboard.reading.numbers import number_in
from entrepot.dashboard.visit import PageRequest, Visit
from entrepot.dashboard.wording import listed
from entrepot.dashboard.words_of_states import FLOW


class PauseForm(forms.Form):
    """What to pause, of which connection, and why."""

    flows = forms.MultipleChoiceField(
        choices=[(flow.value, word) for flow, word in FLOW.items()],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    connection = forms.ChoiceField(label="Of which connection", required=False)
    reason = forms.CharField(label="Reason", max_length=200, help_text="Kept in the journal")

    def __init__(self, data: object, *, connections: list[tuple[str, str]]) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        field = self.fields["connection"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", "All connections"), *connections]


@page(scope="effects:pause")
def pause(request: PageRequest) -> HttpResponse:
    """Ask what to pause and why, pause it; or resume one stop."""
    visit = request.visit
    back = safe_back(request, visit.url("home"))
    resumed = number_in(request.POST.get("resume", ""))
    if request.method == "POST" and resumed is not None:
        try:
            stop = services.resume_effects(resumed, merchant_id=visit.merchant_id, by=visit.actor)
        except EffectPause.DoesNotExist as error:
            raise Http404("no such stop") from error
        what = FLOW[EffectFlow(stop.flow)] if stop.flow else "All outside effects"
        messages.success(request, f"{what}: going on, paced.")
        return HttpResponseRedirect(back)
    form = PauseForm(request.POST or None, connections=_connections(visit))
    if request.method == "POST" and form.is_valid():
        said = _paused(request, visit, form)
        if said:
            messages.success(request, said)
            return HttpResponseRedirect(back)
        form.add_error("flows", "Choose what to pause, or pause everything.")
    context = {"form": form, "flows": shell.flows(shell.counts(visit.mode.value)[0]), "back": back}
    if wants_part(request):
        return show_part(request, "pause_dialog.html", context)
    return show(request, "pause.html", context, status=422 if form.errors else 200)


def _connections(visit: Visit) -> list[tuple[str, str]]:
    rows = Connection.objects.filter(mode=visit.mode).exclude(status=Status.ARCHIVED)
    return [(str(row.id), row.name) for row in rows.order_by("name")]


def _paused(request: PageRequest, visit: Visit, form: PauseForm) -> str:
    wanted: list[str] = [""] if "everything" in request.POST else form.cleaned_data["flows"]
    chosen = form.cleaned_data["connection"]
    for flow in wanted:
        services.pause_effects(
            visit.merchant_id,
            mode=Mode(visit.mode.value),
            connection_id=int(chosen) if chosen else None,
            flow=EffectFlow(flow) if flow else "",
            reason=form.cleaned_data["reason"],
            by=visit.actor,
        )
    words = [FLOW[EffectFlow(flow)] if flow else "All outside effects" for flow in wanted]
    return f"Paused: {listed(words)}. Nothing is lost." if words else ""
