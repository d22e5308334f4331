"""What mail services say afterwards: delivered, bounced, complained.

anymail normalises their webhooks and announces each event on a signal. Nobody listens to signals
here: the view puts an object of its own in the signal's place, which calls our service, so that
one reads in one file what happens, and an error reaches the service's retry. The address is
unguessable (a keyed hash), because several services sign nothing; those that sign are verified by
anymail as well.
"""

import importlib
import inspect
from typing import Any

from anymail.webhooks.base import AnymailBaseWebhookView
from django.conf import settings
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt

from entrepot.access import crypto, scope
from entrepot.notifications import services
from entrepot.notifications.models import Mail, MailEvent
from entrepot.notifications.states import Step
from entrepot.orders.models import Order

PURPOSE = "mail-webhook"
STEPS = {
    "delivered": Step.DELIVER,
    "bounced": Step.BOUNCE,
    "rejected": Step.BOUNCE,
    "failed": Step.BOUNCE,
}
# anymail's words for a customer who wants no more of it.
UNWANTED = frozenset({"complained", "unsubscribed"})


class _Recorder:
    """Stands where anymail expects a signal."""

    def send(self, sender: object, *, event: Any, esp_name: str) -> list[object]:
        record_event(event, service=esp_name)
        return []


def current_service() -> str:
    """The mail service in use, "" for plain SMTP and the mailbox, which report nothing."""
    path = str(settings.EMAIL_BACKEND)
    return path.split(".")[2] if path.startswith("anymail.backends.") else ""


def webhook_url(service: str) -> str:
    """Where a mail service should report to; `entrepot mail-events` prints it."""
    return f"{settings.PUBLIC_URL}/mail-events/{service}/{_token(service)}/"


@csrf_exempt  # its callers are programs without a session; the address is the proof
def receive(request: HttpRequest, service: str, token: str) -> HttpResponseBase:
    """The view behind `webhook_url`."""
    known = [value.hex()[:40] for value in crypto.keyed_hashes(PURPOSE, service)]
    if not any(constant_time_compare(token, one) for one in known):
        raise Http404
    response: HttpResponseBase = _view_of(service)(request)
    return response


def record_event(event: Any, *, service: str) -> None:
    """Record one of anymail's normalised tracking events, once per event id.

    Events of mails that we do not know (another system's on the same account) are passed over.
    """
    with scope.system():
        found = Mail.objects.filter(esp_message_id=event.message_id or "-").first()
        if found is None:
            return
        # The order first, as everywhere: a complaint also drops the order's waiting mails.
        Order.objects.select_for_update().get(merchant_id=found.merchant_id, id=found.order_id)
        mail = Mail.objects.select_for_update().get(id=found.id)
        kind = str(event.event_type)
        said = (event.reject_reason, event.mta_response or event.description)
        detail = " ".join(str(word) for word in said if word)
        _, is_new = MailEvent.objects.get_or_create(
            merchant_id=mail.merchant_id,
            mail=mail,
            event_id=str(event.event_id or f"{kind}:{event.timestamp}"),
            defaults={"kind": kind, "detail": detail, "happened_at": event.timestamp},
        )
        step = STEPS.get(kind)
        if is_new and step is not None and mail.status in step.sources:
            mail.take(step, reason=detail)
        if is_new and kind in UNWANTED:
            services.stop_mails(
                mail.order_id, merchant_id=mail.merchant_id, by=f"mail_service:{service}"
            )


def _token(service: str) -> str:
    return crypto.keyed_hash(PURPOSE, service).hex()[:40]


def _view_of(service: str) -> Any:
    """Anymail's own view for a service, with our recorder in place of its signal."""
    try:
        module = importlib.import_module(f"anymail.webhooks.{service}")
    except ModuleNotFoundError as error:
        raise Http404 from error
    for _, view in inspect.getmembers(module, inspect.isclass):
        is_tracking = "Tracking" in view.__name__ or "Combined" in view.__name__
        if issubclass(view, AnymailBaseWebhookView) and is_tracking and "Base" not in view.__name__:
            ours: Any = type(
                f"Our{view.__name__}",
                (view,),
                {"signal": _Recorder(), "warn_if_no_basic_auth": False},
            )
            return ours.as_view()
    raise Http404
