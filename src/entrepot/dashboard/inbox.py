"""What came from outside: the list, one message down to its bytes, replay and discard."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils import timezone
from django.views.decorators.http import require_POST

from entrepot.access.crypto import CannotDecrypt
from entrepot.connect.ports import Secrets
from entrepot.connect.registry import platform
from entrepot.connect.webhook import Refused, WebhookRequest
from entrepot.connections.models import Connection
from entrepot.dashboard.actions.action import Effect, ReasonForm, nothing
from entrepot.dashboard.asking import ask
from entrepot.dashboard.page import page, safe_back, show
from entrepot.dashboard.reading import connections, inbox_list, raw_bytes
from entrepot.dashboard.reading.inbox_list import Entry
from entrepot.dashboard.reading.numbers import number_in, numbers_in
from entrepot.dashboard.spreadsheet import all_pages, name_of
from entrepot.dashboard.visit import PageRequest, Visit
from entrepot.dashboard.wording import begun, count_words
from entrepot.events import outbox
from entrepot.inbox import queries, services
from entrepot.inbox.models import InboxMessage, Refusal
from entrepot.inbox.sealing import BodyErased
from entrepot.inbox.states import Outcome
from entrepot.intake.tables import as_csv
from entrepot.orders.models import Order

MOST = 500
VIEWS = ("raw", "parsed")
DECISIONS = ("replay", "discard")


@page(scope="inbox:read")
def inbox(request: PageRequest) -> HttpResponse:
    """List what came in; the filters stand in the address."""
    visit = request.visit
    view = request.GET.get("outcome", "")
    chosen = number_in(request.GET.get("connection", ""))
    source, since = request.GET.get("source", ""), request.GET.get("since", "")
    before = number_in(request.GET.get("before", ""))
    rows = _listed(visit, request.GET, before_id=before, limit=inbox_list.PAGE + 1)
    shown = rows[: inbox_list.PAGE]
    counted = inbox_list.counts(visit.mode.value)
    return show(
        request,
        "inbox.html",
        {
            "rows": shown,
            "view": view,
            "views": [
                (key, word, counted.get(key) if key else None, _query(request, outcome=key))
                for key, word in inbox_list.VIEWS
            ],
            "sources": [(key.value, word) for key, word in inbox_list.SOURCE.items()],
            "source": source,
            "connections": _connections(visit),
            "connection": chosen,
            "spans": [(key, word) for key, (_span, word) in inbox_list.SINCE.items()],
            "since": since,
            "is_filtered": bool(view or chosen or source or since),
            "everything": _query(request, all="1", before=request.GET.get("before", "")),
            "astray": sum(row.is_refusal and row.arrived_id is None for row in shown),
            "query": _query(request),
            "older": _query(request, before=str(shown[-1].id)) if len(rows) > len(shown) else "",
            "newest": _query(request, before="") if request.GET.get("before") else "",
        },
        current="inbox",
    )


@page(scope="inbox:read")
def export(request: PageRequest) -> HttpResponse:
    """Save what the filters of the list let through as CSV."""
    visit = request.visit
    numbers: dict[int, str] = {}

    def behind(row: Entry | None, limit: int) -> list[Entry]:
        found = _listed(visit, request.GET, before_id=row.id if row else None, limit=limit)
        about = Order.objects.filter(id__in={one.order_id for one in found if one.order_id})
        numbers.update(about.values_list("id", "number"))
        return found

    head = [
        "message", "received_at", "connection", "way_in", "topic", "became", "reason", "times",
        "came_in_as", "order", "bytes",
    ]  # fmt: skip
    return as_csv(
        name_of(visit, "inbox"),
        head,
        rows=(
            (
                row.name,
                row.at,
                row.connection,
                row.source,
                row.topic,
                row.chip.word,
                row.reason,
                row.repeats + 1,
                f"m-{row.arrived_id}" if row.arrived_id else "",
                numbers.get(row.order_id or 0, ""),
                row.size,
            )
            for row in all_pages(behind)
        ),
    )


def _listed(
    visit: Visit, asked: QueryDict, *, limit: int, before_id: int | None = None
) -> list[Entry]:
    """What the filters of an address let through, the newest first."""
    span = inbox_list.SINCE.get(asked.get("since", ""))
    return inbox_list.entries(
        visit.merchant_id,
        visit.mode.value,
        view=asked.get("outcome", ""),
        connection_id=number_in(asked.get("connection", "")),
        source=asked.get("source", ""),
        since=timezone.now() - span[0] if span else None,
        before_id=before_id,
        limit=limit,
    )


def _connections(visit: Visit) -> list[tuple[int, str]]:
    rows = Connection.objects.filter(mode=visit.mode).order_by("name", "id")
    return list(rows.values_list("id", "name"))


def _query(request: PageRequest, **changes: str) -> str:
    """The filters of this page with some of them changed; a change begins at the newest."""
    query = request.GET.copy()
    query.pop("before", None)
    for key, value in changes.items():
        query.pop(key, None)
        if value:
            query[key] = value
    return query.urlencode()


@page(scope="inbox:read")
def message(request: PageRequest, message_id: int) -> HttpResponse:
    """Show one message: what became of it each time, its headers, its bytes."""
    return _message_page(request, message_id, reveals=False)


@require_POST
@page(scope="personal_data:read")
def reveal_message(request: PageRequest, message_id: int) -> HttpResponse:
    """Show one message with its personal data; that somebody looked is kept in the journal."""
    visit = request.visit
    row = _found(visit, message_id)
    outbox.record(
        "customer.revealed",
        merchant_id=visit.merchant_id,
        mode=visit.mode,
        subject=("inbox", row.id),
        data={"what": "raw message"},
    )
    return _message_page(request, message_id, reveals=True)


def _found(visit: Visit, message_id: int) -> InboxMessage:
    row = InboxMessage.objects.filter(id=message_id, mode=visit.mode).first()
    if row is None:
        raise Http404(f"no message m-{message_id} in {visit.mode} mode")
    return row


def _message_page(request: PageRequest, message_id: int, *, reveals: bool) -> HttpResponse:
    visit = request.visit
    row = _found(visit, message_id)
    received = queries.messages(visit.merchant_id, ids=[message_id], limit=1)[0]
    body, problem = _body(row)
    order = Order.objects.filter(id=received.order_id).first() if received.order_id else None
    return show(
        request,
        "inbox_item.html",
        {
            "name": f"m-{row.id}",
            "message": row,
            "received": received,
            "chip": inbox_list.chip_of_outcome(received.outcome),
            "source": inbox_list.SOURCE[row.source],  # type: ignore[index]
            "connection": connections.names().get(row.connection_id, "a removed connection"),
            "runs": [
                (run, inbox_list.chip_of_outcome(Outcome(run.outcome)))
                for run in queries.outcomes_of(row.id)
            ],
            "order": order,
            "headers": raw_bytes.safe_headers(row.headers),
            "same": inbox_list.same_content(row),
            "may_replay": visit.may("inbox:replay") and received.has_body,
            "is_parked": received.outcome == Outcome.PARKED,
            "fingerprint": bytes(row.fingerprint).hex(),
            "body_problem": problem,
            "complete": f"Complete: {row.size:,} bytes.",
            "reveals": reveals,
            **_bytes_of(request, body, reveals=reveals),
        },
        current="inbox",
    )


def _body(row: InboxMessage) -> tuple[bytes, str]:
    try:
        return services.open_body(row), ""
    except BodyErased:
        return b"", "The bytes are gone, by retention or erasure. Their hash is kept."
    except CannotDecrypt as error:
        return b"", f"The bytes cannot be opened: {error}."


def _bytes_of(request: PageRequest, body: bytes, *, reveals: bool) -> dict[str, Any]:
    view = request.GET.get("view", "")
    view = view if view in VIEWS else "raw" if b"\n" in body.strip() else "parsed"
    return {"raw": raw_bytes.shown(body, is_parsed=view == "parsed", reveals=reveals), "view": view}


@page(scope="inbox:read")
def refusal(request: PageRequest, refusal_id: int) -> HttpResponse:
    """Show one delivery that was not believed: which check failed, and whether anything is lost."""
    visit = request.visit
    row = Refusal.objects.filter(id=refusal_id).first()
    whose = row.connection_id if row is not None else 0
    connection = Connection.objects.filter(id=whose, mode=visit.mode).first()
    if row is None or connection is None:
        raise Http404(f"no refused delivery r-{refusal_id} in {visit.mode} mode")
    same = inbox_list.same_content(row)
    body = bytes(row.beginning)
    return show(
        request,
        "refusal.html",
        {
            "tried": _tried(request, connection, row) if request.method == "POST" else None,
            "can_verify": len(body) == row.size and platform(connection.platform).offers("webhook"),
            "name": f"r-{row.id}",
            "refusal": row,
            "connection": connection,
            "platform": connections.platform_name(connection.platform),
            "check": inbox_list.check_words(row.check_failed),
            "headers": raw_bytes.safe_headers(row.headers),
            "same": same,
            "arrived": next((one for one in same if not one.is_refusal), None),
            "in_a_row": connection.refused_in_a_row,
            "complete": (
                f"{len(body):,} of {row.size:,} bytes."
                " Of a refusal the headers, the hash and the first 4 KB are kept."
            ),
            "reveals": False,
            **_bytes_of(request, body, reveals=False),
        },
        current="inbox",
    )


def _tried(request: PageRequest, connection: Connection, row: Refusal) -> dict[str, Any]:
    """Whether another secret would have verified the delivery; the secret is not kept."""
    secret = request.POST.get("secret", "").strip()
    asked = WebhookRequest(body=bytes(row.beginning), headers=row.headers)
    try:
        platform(connection.platform).webhook.verify(
            asked, Secrets(signing=(secret,), path_token=connection.token), now=row.at
        )
    except Refused as error:
        return {"holds": False, "words": f"{inbox_list.check_words(error.check)} with it, too."}
    return {"holds": True, "words": "The delivery is genuine: this secret signed it."}


@page(scope="inbox:replay")
def decide(request: PageRequest, name: str) -> HttpResponse:
    """Preview a replay or a discard of the chosen messages, and do it."""
    if name not in DECISIONS:
        raise Http404(f"no action {name!r} on messages")
    visit = request.visit
    asked = request.POST if request.method == "POST" else request.GET
    ids = list(numbers_in(asked.getlist("message")[:MOST]))
    rest = asked.get("rest", "")
    if asked.get("all") and asked.get("outcome", "") != inbox_list.REFUSED:
        before = number_in(asked.get("before", ""))
        listed = [row.id for row in _listed(visit, asked, before_id=before, limit=MOST + 1)]
        ids = listed[:MOST]
        rest = _query(request, all="", before=str(ids[-1])) if len(listed) > MOST else ""
    rows = _chosen(visit, ids)
    back = safe_back(request, visit.url("inbox"))
    if not rows:
        messages.info(request, "Select at least one message first.")
        return HttpResponseRedirect(visit.url("inbox"))
    form = ReasonForm(request.POST if request.method == "POST" else None)
    fitting = [row for row in rows if name == "replay" or row.chip.word == "Parked"]
    if request.method == "POST" and form.is_valid() and fitting:
        return _decided(
            request, name, [row.id for row in fitting], form.cleaned_data["reason"], rest=rest
        )
    return ask(
        request,
        title=f"{name.capitalize()} {_several(rows)}?",
        address=visit.url("decide-messages", name),
        form=form,
        effects=_effects(name, fitting, others=len(rows) - len(fitting), has_rest=bool(rest)),
        verb=f"{name.capitalize()} {count_words(len(fitting), 'message')}",
        back=back,
        current="inbox",
        is_danger=name == "discard",
        obstacle="" if fitting else "Only parked messages can be discarded; none of these is.",
        kept=[("message", str(row.id)) for row in fitting] + ([("rest", rest)] if rest else []),
    )


def _chosen(visit: Visit, ids: list[int]) -> list[Entry]:
    """The chosen messages of this mode, the newest first."""
    if not ids:
        return []
    known = connections.names()
    rows = queries.messages(visit.merchant_id, mode=visit.mode.value, ids=ids, limit=len(ids))
    return [inbox_list.of_message(row, known) for row in rows]


def _several(rows: list[Entry]) -> str:
    return rows[0].name if len(rows) == 1 else count_words(len(rows), "message")


def _effects(name: str, rows: list[Entry], *, others: int, has_rest: bool) -> list[Effect]:
    number = f"{len(rows):,}"
    if name == "discard":
        effects = [
            Effect("x", "Ended as needing nothing", number, "warn"),
            nothing("inbox", "The bytes are kept and can be replayed later"),
        ]
    else:
        again = sum(row.order_id is not None for row in rows)
        effects = [
            Effect("refresh", "Read again with today’s mapping, as if they came now", number),
            Effect("list", "Orders made of them are updated, never doubled", f"{again:,}"),
            nothing("truck", "Nothing that was sent, refunded or mailed is sent again"),
        ]
    if has_rest:
        effects.append(
            nothing("clock", f"Older ones wait for another round: one takes {MOST}, newest first")
        )
    if others:
        effects.append(nothing("ring", f"{count_words(others, 'other')} not parked: left as is"))
    return effects


def _decided(
    request: PageRequest, name: str, ids: list[int], reason: str, *, rest: str
) -> HttpResponse:
    visit = request.visit
    back = visit.url("message", ids[0]) if len(ids) == 1 else visit.url("inbox")
    if rest:
        back += f"?{QueryDict(rest).urlencode()}"
    if name == "discard":
        done = services.discard(ids, merchant_id=visit.merchant_id, reason=reason)
        messages.success(request, begun(f"{count_words(len(done), 'message')} discarded."))
        return HttpResponseRedirect(back)
    try:
        done = services.replay(ids, merchant_id=visit.merchant_id, reason=reason)
    except BodyErased as error:
        messages.warning(request, f"{error}. Nothing was replayed.")
        return HttpResponseRedirect(back)
    said = begun(f"{count_words(len(done), 'message')} replayed.")
    if len(done) < len(ids):
        said += f" {len(ids) - len(done)} wait anyway."
    if rest:
        said += " Older ones wait for another round: the list begins with them now."
    messages.success(request, said)
    return HttpResponseRedirect(back)
