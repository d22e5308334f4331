"""News for operators inside the product: what was raised, what is unread, and where it leads."""

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from entrepot.dashboard.page import page, show
from entrepot.dashboard.reading.numbers import number_in
from entrepot.dashboard.spreadsheet import all_pages, name_of
from entrepot.dashboard.visit import PageRequest, Visit
from entrepot.dashboard.wording import count_words
from entrepot.intake.tables import as_csv
from entrepot.notifications import news as telling
from entrepot.notifications import queries
from entrepot.notifications.models import Notification
from entrepot.orders.models import Order

PAGE = 50
MOST_AT_ONCE = 500


@page(scope="notifications:read")
def news(request: PageRequest) -> HttpResponse:
    """List the operators' news, the newest first; what one of them has read is read for all."""
    visit = request.visit
    only_unread = request.GET.get("show") == "unread"
    before = number_in(request.GET.get("before", ""))
    found = _page(visit, only_unread=only_unread, before_id=before, limit=PAGE + 1)
    shown = found[:PAGE]
    return show(
        request,
        "news.html",
        {
            "news": shown,
            "unread": _of(visit).filter(read_at=None).count(),
            "only_unread": only_unread,
            "before": before,
            "older": shown[-1].id if len(found) > len(shown) else "",
            "may_mark": visit.may("notifications:write"),
        },
        current="news",
    )


def _of(visit: Visit) -> QuerySet[Notification]:
    return queries.news_of_operators(visit.merchant_id, visit.mode.value)


def _page(
    visit: Visit, *, only_unread: bool, before_id: int | None, limit: int
) -> list[Notification]:
    rows = _of(visit)
    if only_unread:
        rows = rows.filter(read_at=None)
    if before_id is not None:
        rows = rows.filter(id__lt=before_id)
    return list(rows[:limit])


@page(scope="notifications:read")
def export(request: PageRequest) -> HttpResponse:
    """Save the news as CSV, only what nobody has read where the list shows only that."""
    visit = request.visit
    only_unread = request.GET.get("show") == "unread"
    numbers: dict[int, str] = {}

    def behind(one: Notification | None, limit: int) -> list[Notification]:
        before = one.id if one else None
        found = _page(visit, only_unread=only_unread, before_id=before, limit=limit)
        about = Order.objects.filter(id__in={row.order_id for row in found if row.order_id})
        numbers.update(about.values_list("id", "number"))
        return found

    return as_csv(
        name_of(visit, "notifications"),
        ["at", "title", "message", "order", "read_at"],
        rows=(
            (
                one.created_at,
                one.title,
                one.message,
                numbers.get(one.order_id or 0, ""),
                one.read_at,
            )
            for one in all_pages(behind)
        ),
    )


@require_POST
@page(scope="notifications:write")
def mark_news(request: PageRequest) -> HttpResponse:
    """Mark one, or all of this mode, as read, or take one off the list."""
    visit = request.visit
    one = request.POST.get("news", "")
    asked = number_in(one)
    rows = _of(visit).filter(read_at=None) if asked is None else _of(visit).filter(id=asked)
    ids = list(rows.values_list("id", flat=True)[:MOST_AT_ONCE])
    if request.POST.get("do") == "remove" and one:
        telling.remove(ids, merchant_id=visit.merchant_id, mode=visit.mode, customer_id=None)
        messages.success(request, "Taken off the list; the record keeps it.")
    else:
        number = telling.mark_read(
            ids, merchant_id=visit.merchant_id, mode=visit.mode, customer_id=None
        )
        messages.success(request, f"{count_words(number, 'notification')} marked as read.")
    return HttpResponseRedirect(visit.url("news"))
