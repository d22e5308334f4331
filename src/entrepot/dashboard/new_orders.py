"""Orders that no storefront tells: one typed in, or many from a file."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect

from entrepot.access import scope as access_scope
from entrepot.canon.orders import Mode
from entrepot.connections.models import Connection
from entrepot.dashboard.forms_of_orders import (
    FIRST_LINES,
    GROUPS,
    MONEY,
    MOST_LINES,
    LineForm,
    OrderForm,
    lines_again,
    lines_of,
    order_of,
)
from entrepot.dashboard.page import page, show
from entrepot.dashboard.uploads import text_of
from entrepot.dashboard.visit import PageRequest, Visit
from entrepot.dashboard.wording import count_words, listed, money_words
from entrepot.intake.handing_over import (
    NotAnOrder,
    Outlook,
    StoreRemoved,
    further_stores,
    hand_over,
    order_numbered,
    outlooks,
    own_store,
)
from entrepot.intake.order_files import (
    COLUMNS,
    NEEDED,
    FileOrder,
    missing_columns,
    orders_of,
    unknown_columns,
)
from entrepot.intake.tables import BadFile, Cells, as_csv, rows_of

MOST_ROWS = 5000
MOST_MEGABYTES = 2
SHOWN_ROWS = 200
PAID = {
    "paid": "paid",
    "unpaid": "not paid yet",
    "on_terms": "on terms",
    "not_required": "nothing to pay",
}
SAMPLE_COLUMNS = (
    *NEEDED[:3], "email", "name", "line1", "city", "postal_code", "country", "shipping_method",
    "shipping_price", *NEEDED[3:],
)  # fmt: skip
SAMPLE = (
    ("FAIR-101", "EUR", "paid", "jonas@example.com", "Jonas Müller", "Möwenweg 7", "Lübeck",
     "23552", "DE", "standard", "4.90", "MUG-1", "Mug, blue", "2", "14.50"),
    ("FAIR-101", "", "", "", "", "", "", "", "", "", "", "CARD-12", "Postcards, 12", "1", "9.80"),
    ("FAIR-102", "JPY", "unpaid", "", "見本 花子", "銀座 1-2", "東京", "104-0061", "JP", "standard",
     "800", "MUG-1", "Mug, blue", "3", "2300"),
)  # fmt: skip


@page(scope="orders:write")
def new_order(request: PageRequest) -> HttpResponse:
    """Type an order in: what is wrong is said beside its field, and nothing typed is lost."""
    visit = request.visit
    mode = Mode(visit.mode.value)
    own, further = own_store(visit.merchant_id, mode), further_stores(visit.merchant_id, mode)
    if request.method != "POST":
        lines = [LineForm(at=at) for at in range(FIRST_LINES)]
        return _form_page(request, OrderForm(own=own, further=further), lines)
    if "more" in request.POST:
        again = OrderForm(own=own, further=further, initial=request.POST.dict())
        return _form_page(request, again, lines_again(request.POST))
    form = OrderForm(request.POST, own=own, further=further)
    lines = lines_of(request.POST)
    order = order_of(form, lines)
    if order is not None and _is_fresh(form, own, further):
        try:
            with access_scope.merchant(visit.merchant_id, savepoint=True):
                (taken,) = hand_over(
                    visit.merchant_id,
                    [order],
                    mode=mode,
                    store_id=form.store_id,
                    saying=form.cleaned_data["saying"],
                )
        except (NotAnOrder, StoreRemoved) as error:
            form.add_error(None, f"{str(error)[:1].upper()}{str(error)[1:]}.")
        else:
            messages.success(request, f"Order {taken.number} is taken. It is here within seconds.")
            return HttpResponseRedirect(visit.url("orders"))
    return _form_page(request, form, lines, status=422)


def _is_fresh(form: OrderForm, own: Connection | None, further: Sequence[Connection]) -> bool:
    """Whether the number is free; the form says so if not. The same form sent again is no other."""
    number, chosen = form.cleaned_data["number"], form.store_id
    store = own if chosen is None else next(one for one in further if one.id == chosen)
    known = order_numbered(store, number) if store and number else None
    if known is None or known.external_id == form.external_id:
        return True
    form.add_error("number", f"There is an order {number} already; change that one on its page.")
    return False


def _form_page(
    request: PageRequest, form: OrderForm, lines: Sequence[LineForm], *, status: int = 200
) -> HttpResponse:
    wrong = len(form.errors) + sum(len(line.errors) for line in lines if line.is_bound)
    return show(
        request,
        "new_order.html",
        {
            "form": form,
            "first": [form[name] for name in ("store", "number", "currency")],
            "groups": _groups(form, GROUPS),
            "money": _groups(form, MONEY),
            "lines": lines,
            "may_add": len(lines) < MOST_LINES,
            "wrong": wrong,
        },
        current="orders",
        status=status,
    )


def _groups(
    form: OrderForm, groups: Sequence[tuple[str, Sequence[str]]]
) -> list[tuple[str, list[object]]]:
    return [(word, [form[name] for name in names]) for word, names in groups]


@page(scope="orders:write")
def sample(request: PageRequest) -> HttpResponse:  # noqa: ARG001 -- as every view
    """A file to begin with: two orders, one of two lines."""
    return as_csv("orders-sample", SAMPLE_COLUMNS, rows=SAMPLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowEffect:
    """What one row of a file does: a role, and words."""

    row: int
    order: str
    line: str
    role: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a file would do: the orders that would be taken, and every row with its effect."""

    rows: list[RowEffect]
    taken: list[Outlook]
    new: int
    changed: int
    same: int
    wrong: int


@page(scope="orders:write")
def import_orders(request: PageRequest) -> HttpResponse:
    """Read orders from a file, show what each row does, then take those that are new or changed."""
    visit = request.visit
    if request.method != "POST":
        return _import_page(request)
    text, problem, preview = "", "", None
    try:
        text = text_of(request, most_megabytes=MOST_MEGABYTES)
        preview = _preview(visit, orders_of(_checked(rows_of(text, most=MOST_ROWS))))
    except BadFile as error:
        problem = str(error)
    except StoreRemoved as error:
        problem = f"{error}."
    if "take" in request.POST and preview is not None and preview.taken:
        taken = hand_over(
            visit.merchant_id,
            [one.order for one in preview.taken],
            mode=Mode(visit.mode.value),
            saying=request.POST.get("saying", "")[:64],
        )
        messages.success(
            request, f"{count_words(len(taken), 'order')} taken. They are here within seconds."
        )
        return HttpResponseRedirect(visit.url("orders"))
    return _import_page(request, text=text, problem=problem, preview=preview)


def _import_page(
    request: PageRequest, *, text: str = "", problem: str = "", preview: Preview | None = None
) -> HttpResponse:
    rows = sorted(preview.rows, key=lambda row: row.role != "warn") if preview else []
    return show(
        request,
        "order_import.html",
        {
            "columns": SAMPLE_COLUMNS,
            "needed": listed(list(NEEDED)),
            "others": [name for name in COLUMNS if name not in NEEDED],
            "saying": uuid.uuid4().hex,
            "text": text,
            "problem": problem,
            "preview": preview,
            "rows": rows[:SHOWN_ROWS],
            "more": max(len(rows) - SHOWN_ROWS, 0),
        },
        current="orders",
        status=422 if problem else 200,
    )


def _checked(rows: list[tuple[int, Cells]]) -> list[tuple[int, Cells]]:
    head = list(rows[0][1])
    if missing := missing_columns(head):
        raise BadFile(f"The file lacks {listed(missing)}: its first row names the columns.")
    if unknown := unknown_columns(head):
        raise BadFile(f"Nobody reads the columns {listed(unknown)}: remove or rename them.")
    return rows


def _preview(visit: Visit, found: list[FileOrder]) -> Preview:
    readable = [one.order for one in found if one.order is not None]
    looked = outlooks(visit.merchant_id, readable, mode=Mode(visit.mode.value))
    by_id = {one.order.external_id: one for one in looked}
    fine = [one for one in looked if not one.problem]
    taken = [one for one in fine if not one.is_same]
    new = sum(one.known is None for one in taken)
    return Preview(
        rows=[row for one in found for row in _effects(one, by_id.get(one.external_id))],
        taken=taken,
        new=new,
        changed=len(taken) - new,
        same=len(fine) - len(taken),
        wrong=len(found) - len(fine),
    )


def _effects(one: FileOrder, outlook: Outlook | None) -> list[RowEffect]:
    """The rows of one order: the first says what becomes of it, the others what they add."""
    faults: dict[int, list[str]] = {}
    for number, words in one.faults:
        faults.setdefault(number, []).append(words)
    if outlook is not None and outlook.problem:
        faults.setdefault(one.first_row, []).append(outlook.problem)
    effects = []
    for number, cells in one.rows:
        role, words = "", "A line of it"
        if number in faults:
            role, words = "warn", f"Left out: {'; '.join(faults[number])}"
        elif faults:
            role, words = "warn", f"Left out, with row {min(faults)}"
        elif number == one.first_row and outlook is not None:
            words = _told(outlook)
        effects.append(
            RowEffect(
                row=number,
                order=cells["external_id"] or "no id",
                line=f"{cells['quantity']} × {cells['sku']}",
                role=role,
                words=words,
            )
        )
    return effects


def _told(outlook: Outlook) -> str:
    order, total, known = outlook.order, outlook.total, outlook.known
    assert total is not None
    if outlook.is_same:
        return "Nothing changes: known as it is"
    said = f"{count_words(len(order.lines), 'line')}, {money_words(total)}, {PAID[order.payment]}"
    if known is None:
        return f"A new order: {said}"
    return f"Changes order {known.number} to {said}; its lines that are not here are cancelled"
