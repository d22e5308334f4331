"""Health: how the hub is in each of its parts, and the alerts that stand."""

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from entrepot.access import scope as access_scope
from entrepot.dashboard.page import at_work, page, show
from entrepot.dashboard.reading import health as reading
from entrepot.dashboard.visit import PageRequest
from entrepot.monitoring.models import Alert
from entrepot.monitoring.queries import open_alerts
from entrepot.monitoring.services import INSTALLATION, acknowledge
from entrepot.tasks.health import health_of


@page(scope="health:read", calls_out=True)
def health(request: PageRequest) -> HttpResponse:
    """Show what alerts first, then every part that the verdict is made of."""
    visit, mode = request.visit, request.visit.mode.value
    found = health_of(visit.merchant_id, mode)
    with access_scope.system():  # what concerns the installation is no merchant's
        of_the_installation = list(open_alerts(INSTALLATION))
    with at_work(visit):
        standing = list(open_alerts(visit.merchant_id).filter(mode=mode))
        return show(
            request,
            "health.html",
            {
                "health": found,
                "verdict": reading.VERDICT[found.verdict],
                "why": reading.why(found),
                "database": reading.VERDICT[found.database.verdict],
                "alerts": reading.alerts(standing, of_the_installation),
                "over": reading.over(visit.merchant_id, mode),
                "lines": reading.connection_lines(found.connections),
                "lanes": reading.lane_lines(found.lanes),
                "attempts": reading.attempt_lines(found.retries.attempts_24h),
                "mails": found.notifications.by_status.items(),
                "may_acknowledge": visit.may("health:write"),
            },
            current="health",
        )


@require_POST
@page(scope="health:write")
def see(request: PageRequest, alert_id: int) -> HttpResponse:
    """Note that somebody has seen an alert; it stands until its cause is over."""
    visit = request.visit
    try:
        acknowledge(alert_id, merchant_id=visit.merchant_id, by=visit.actor)
    except Alert.DoesNotExist as error:
        raise Http404(f"no alert {alert_id}") from error
    messages.success(request, "Colleagues read that you have seen it.")
    return HttpResponseRedirect(visit.url("health"))
