"""News for operators inside the product: what was raised, what is unread, and where it leads."""

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from entrepot.dashboard.page import page, show
from entrepot.dashboard.reading.numbers import number_in
from entrepot.dashboard.visit import PageRequest, Visit
from entrepot.dashboard.wording import count_words
from entrepot.notifications import news as telling
from entrepot.notifications import queries
from entrepot.notifications.models import Notification

PAGE = 50
MOST_AT_ONCE = 500


def _of(visit: Visit) -> QuerySet[Notification]:
    return queries.news_of_operators(visit.merchant_id, visit.mode.value)


@page(scope="notifications:read")
def news(request: PageRequest) -> HttpResponse:
    """List the operators' news, the newest first; what one of them has read is read for all."""
    visit = request.visit
    only_unread = request.GET.get("show") == "unread"
    before = number_in(request.GET.get("before", ""))
    rows = _of(visit)
    unread = rows.filter(read_at=None)
    wanted = unread if only_unread else rows
    if before is not None:
        wanted = wanted.filter(id__lt=before)
    found = list(wanted[: PAGE + 1])
    shown = found[:PAGE]
    return show(
        request,
        "news.html",
        {
            "news": shown,
            "unread": unread.count(),
            "only_unread": only_unread,
            "before": before,
            "older": shown[-1].id if len(found) > len(shown) else "",
            "may_mark": visit.may("notifications:write"),
        },
        current="news",
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
