"""The sandbox: what each simulator believes beside the hub, its dials, its time, its scenarios."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.utils import timezone
from django.views.decorators.http import require_POST

from entrepot.connect.errors import ConnectorError
from entrepot.connect.http import Http
from entrepot.dashboard.page import at_work, page, show
from entrepot.dashboard.reading import flow, owed, standing
from entrepot.dashboard.reading.numbers import number_in
from entrepot.dashboard.visit import PageRequest
from entrepot.dashboard.wording import count_words, plain, sentence

EVERYWHERE = "*"
ADDRESS = "ENTREPOT_SANDBOX_URL"
DIALS = (
    ("double_webhook", "Webhooks twice"),
    ("delay_webhook", "Webhooks late, and so out of order"),
    ("lose_webhook", "Webhooks lost"),
    ("drop_answer", "Answers dropped after the work is done"),
    ("late", "Late answers"),
    ("rate_limited", "Refused for their frequency"),
    ("server_error", "Server errors without work"),
    ("invisible", "Invisible after creation"),
    ("unreachable", "Unreachable"),
)
MOST_SOLD = 200
# Above so many sales the books are compared only when somebody asks: it takes seconds then.
JUDGED_UNASKED = 1000
# (class of the tally, its word, role of its colour, filter of the orders list)
CLASSES = (
    ("delivered", "delivered", "good", "fulfillment=delivered"),
    ("under_way", "under way", "info", ""),
    ("held", "held", "warn", "state=held"),
    ("parked", "parked", "bad", ""),
    ("cancelled", "cancelled", "neutral", "state=cancelled"),
    ("unpaid", "unpaid", "neutral", "state=awaiting_payment"),
)


class Judge(Protocol):
    """Compares what the simulators believe with the hub."""

    def __call__(
        self,
        merchant_id: int,
        *,
        accounts: dict[str, Any],
        books: dict[str, Any],
        placed: list[dict[str, Any]],
    ) -> Any:
        """A verdict; the arguments are as the sandbox's /control/ interface tells them."""
        ...


_judges: list[Judge] = []


def judge_by(judge: Judge) -> None:
    """Have the books compared by a function of the sandbox, which pages do not import."""
    _judges[:] = [judge]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One class of the sum: its number, where its bar begins, its words, the list of its rows."""

    number: int
    start: int
    word: str
    role: str
    url: str


class DialsForm(forms.Form):
    """How often each thing goes wrong, in per cent, and the seed of the dice."""

    where = forms.CharField(max_length=60)
    seed = forms.IntegerField(min_value=0, max_value=2**31)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        for name, word in DIALS:
            self.fields[name] = forms.IntegerField(
                label=word, min_value=0, max_value=100, required=False
            )

    def chances(self) -> dict[str, float]:
        """Each dial as a chance between 0 and 1."""
        return {name: (self.cleaned_data.get(name) or 0) / 100 for name, _ in DIALS}


@page(scope="connections:read", calls_out=True)
def sandbox(request: PageRequest) -> HttpResponse:
    """Show the books beside the hub's own figures, and the dials."""
    visit = request.visit
    state, problem = _asked("GET", "state")
    texts, _ = _asked("GET", "scenarios") if state else ({}, "")
    mounts = [place["mount"] for place in state.get("places", [])]
    where = request.GET.get("where", EVERYWHERE)
    where = where if where in mounts else EVERYWHERE
    sales = int(state.get("sales_placed", 0))
    told = _books() if sales and (sales <= JUDGED_UNASKED or "check" in request.GET) else None
    with at_work(visit):
        mode = visit.mode.value
        verdict = _judges[0](visit.merchant_id, **told) if told and _judges else None
        agreements = verdict.agreements if verdict else {}
        return show(
            request,
            "sandbox.html",
            {
                "state": state,
                "problem": problem,
                "now": datetime.fromisoformat(state["now"]) if state else None,
                "sales": sales,
                "verdict": verdict,
                "parts": _parts(request, verdict) if verdict else [],
                "checked_at": timezone.now(),
                "places": [
                    {**_place(one), "agreement": agreements.get(one["mount"])}
                    for one in state.get("places", [])
                ],
                "where": where,
                "dials": [
                    {"name": name, "word": word, "value": _dial(state, name, where=where)}
                    for name, word in DIALS
                ],
                "scenarios": list(texts.items()),
                "causes": standing.summary(standing.causes(mode)),
                "flow": flow.flow(mode, owed.morning_of(visit.merchant.created_at)),
                "may_write": visit.may("connections:write"),
            },
            current="sandbox",
        )


def _books() -> dict[str, Any] | None:
    """Accounts, books and sales placed; None when the sandbox stops answering in between."""
    told: dict[str, Any] = {
        name: _asked("GET", name)[0] for name in ("accounts", "books", "placed")
    }
    return {**told, "placed": told["placed"]["sales"]} if all(told.values()) else None


def _parts(request: PageRequest, verdict: Any) -> list[Part]:
    """The classes of the sum, each with the list of its rows."""
    orders = request.visit.url("orders")
    urls = {"parked": f"{request.visit.url('inbox')}?outcome=parked"}
    numbers = [verdict.tally.classes[name] for name, *_ in CLASSES]
    return [
        Part(
            number=numbers[place],
            start=sum(numbers[:place]),
            word=word,
            role=role,
            url=urls.get(name, f"{orders}?{query}" if query else orders),
        )
        for place, (name, word, role, query) in enumerate(CLASSES)
    ]


def _place(one: dict[str, Any]) -> dict[str, Any]:
    struck = one.get("struck", {})
    return {
        "name": one["name"],
        "mount": one["mount"],
        "books": [
            (sentence(name), value)
            for name, value in one.get("summary", {}).items()
            if isinstance(value, int | str)
        ],
        "struck": ", ".join(f"{plain(name)} {number:,}" for name, number in struck.items()),
        "is_troubled": bool(one.get("dials")),
        "dials": _dial_words(one.get("dials", {})),
        "waiting": one.get("deliveries_waiting", 0),
        "calls": one.get("calls", 0),
    }


def _dial(state: dict[str, Any], name: str, *, where: str) -> int | str:
    """How a dial is set there, in per cent; everywhere: "" where accounts differ."""
    chances = {
        round(100 * place.get("dials", {}).get(name, 0))
        for place in state.get("places", [])
        if where in {EVERYWHERE, place["mount"]}
    }
    return chances.pop() if len(chances) == 1 else ""


def _dial_words(dials: dict[str, Any]) -> str:
    words = dict(DIALS)
    return ", ".join(
        f"{words[name][0].lower()}{words[name][1:]} {round(100 * chance)} %"
        for name, chance in dials.items()
        if name in words
    )


@require_POST
@page(scope="connections:write", calls_out=True)
def control(request: PageRequest) -> HttpResponse:
    """Turn dials, begin a scenario, move time, or let customers buy."""
    act = CONTROLS.get(request.POST.get("do", ""))
    done, problem = act(request.POST) if act else ("", "")
    if problem:
        messages.warning(request, problem)
    elif done:
        messages.success(request, done)
    back = request.visit.url("sandbox")
    if where := request.POST.get("where", ""):
        back = f"{back}?{urlencode({'where': where})}#faults"
    return HttpResponseRedirect(back)


def _set_dials(told: QueryDict) -> tuple[str, str]:
    form = DialsForm(told)
    if not form.is_valid():
        return "", "Each dial is a number of per cent between 0 and 100; the seed is a number."
    asked = {
        "mount": form.cleaned_data["where"],
        "dials": form.chances(),
        "seed": form.cleaned_data["seed"],
    }
    return "The dials are set.", _asked("POST", "faults", asked)[1]


def _begin_scenario(told: QueryDict) -> tuple[str, str]:
    name = told.get("scenario", "")
    asked = {"name": name, "seed": _number(told.get("seed", ""), usual=0)}
    return f"Scenario “{name}” has begun.", _asked("POST", "scenario", asked)[1]


def _sell(told: QueryDict) -> tuple[str, str]:
    number = min(max(_number(told.get("count", ""), usual=20), 1), MOST_SOLD)
    asked = {"count": number, "seed": _number(told.get("turn", ""), usual=1)}
    return f"{count_words(number, 'order')} placed.", _asked("POST", "sell", asked)[1]


def _simply(name: str, body: dict[str, Any], done: str) -> Callable[[QueryDict], tuple[str, str]]:
    return lambda _told: (done, _asked("POST", name, body)[1])


CONTROLS: dict[str, Callable[[QueryDict], tuple[str, str]]] = {
    "dials": _set_dials,
    "scenario": _begin_scenario,
    "sell": _sell,
    "calm": _simply("scenario", {"name": "calm", "seed": 0}, "All dials are off."),
    "freeze": _simply("clock", {"speed": 0}, "Time stands still."),
    "run": _simply("clock", {"speed": None}, "Time runs as it did."),
    "jump": _simply("clock", {"jump_seconds": 24 * 3600}, "A day has passed."),
}


def _number(text: str, *, usual: int) -> int:
    number = number_in(text) if len(text) < 10 else None
    return usual if number is None else number


def _asked(
    method: str, name: str, body: dict[str, Any] | None = None
) -> tuple[dict[str, Any], str]:
    """What the sandbox answers, or why it does not; outside of any transaction."""
    address = os.environ.get(ADDRESS, "")
    if not address:
        return {}, "No sandbox runs beside this hub. Start one: entrepot up --sandbox"
    http = Http(address, priority="people")
    try:
        if method == "GET":
            answer = http.get(f"/control/{name}", allow={400, 404})
        else:
            answer = http.post(f"/control/{name}", json=body or {}, allow={400, 404})
        found = answer.json()
    except ConnectorError as error:
        return {}, f"The sandbox does not answer: {error}"
    if not isinstance(found, dict):
        return {}, "The sandbox answered something else than its state."
    if answer.status_code != 200:
        return {}, f"The sandbox refused: {found.get('error', answer.status_code)}"
    return found, ""
