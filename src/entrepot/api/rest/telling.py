"""What people are told: mails to customers, news for operators, alerts, and how the hub is."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from ninja import Query, Router, Schema
from pydantic import Field, WithJsonSchema

from entrepot.api.caller import ApiRequest, Caller
from entrepot.api.errors import not_found
from entrepot.api.operations import operation
from entrepot.api.paging import Id, Listed, Paged, page_of
from entrepot.api.rest.order_parts import shaped
from entrepot.api.rest.order_shapes import MailShape
from entrepot.api.rest.shapes import Because, Body, Done
from entrepot.monitoring.models import Alert
from entrepot.monitoring.services import acknowledge
from entrepot.notifications import news, queries, services
from entrepot.notifications.models import Mail
from entrepot.notifications.states import Kind, MailStatus
from entrepot.tasks.health import health_of

router = Router(tags=["notifications and health"])
MOST_AT_ONCE = 500
MailKind = Annotated[Kind, WithJsonSchema({"type": "string", "enum": Kind.values})]


class MailEventShape(Schema):
    """What the mail service said of a mail afterwards."""

    kind: str
    detail: str
    happened_at: datetime


class WholeMail(MailShape):
    """A mail with its words; recipient, html and text need the scope `personal_data:read`."""

    recipient: str
    html: str
    text: str
    events: list[MailEventShape]


class NewsShape(Schema):
    """News inside the product."""

    id: int
    order_id: int | None
    kind: str
    title: str
    message: str
    link: str
    created_at: datetime
    read_at: datetime | None


class AlertShape(Schema):
    """Something that a person should know, once per cause, until it has recovered."""

    id: int
    kind: str
    cause: str
    title: str
    detail: str
    count: int
    raised_at: datetime
    seen_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str
    recovered_at: datetime | None


class HealthShape(Schema):
    """How the hub is: healthy, degraded or unhealthy, and each of its parts."""

    at: datetime
    verdict: str
    effects_paused_reason: str
    backup: dict[str, Any]
    database: dict[str, Any]
    lanes: list[dict[str, Any]]
    connections: list[dict[str, Any]]
    retries: dict[str, Any]
    orders: dict[str, Any]
    notifications: dict[str, Any]


class MailFilter(Paged):
    """Which mails."""

    status: MailStatus | None = None
    kind: MailKind | None = None


class NewsFilter(Paged):
    """Which news."""

    is_read: bool | None = None


class AlertFilter(Paged):
    """Which alerts; those that stand, unless told otherwise."""

    is_over: bool = False


class ChosenNews(Body):
    """Which news; all of it without ids."""

    ids: Annotated[list[Id], Field(max_length=MOST_AT_ONCE)] = []


@operation(
    router,
    "GET",
    path="/mails",
    scope="notifications:read",
    answers=Listed[MailShape],
    summary="List mails",
)
def list_mails(request: ApiRequest, asked: Query[MailFilter]) -> Listed[MailShape]:
    """Mails to customers, the newest first, those that were not sent with their reason."""
    rows = queries.mails(request.auth.merchant_id, request.auth.mode)
    if asked.status is not None:
        rows = rows.filter(status=asked.status)
    if asked.kind is not None:
        rows = rows.filter(kind=asked.kind)
    found, follows = page_of(rows, asked)
    return Listed[MailShape].model_construct(
        data=[shaped(MailShape, row) for row in found], next=follows
    )


@operation(
    router,
    "GET",
    path="/mails/{mail_id}",
    scope="notifications:read",
    answers=WholeMail,
    summary="Read a mail",
)
def get_mail(request: ApiRequest, mail_id: Id) -> WholeMail:
    """One mail with its words, as it was or will be sent."""
    caller = request.auth
    mail = _mail(caller, mail_id)
    sees = caller.sees_people
    return shaped(
        WholeMail,
        mail,
        recipient=queries.recipient_of(mail) if sees else "",
        html=mail.html if sees else "",
        text=mail.text if sees else "",
        events=[
            shaped(MailEventShape, event)
            for event in queries.events_of([mail.id], merchant_id=caller.merchant_id)
        ],
    )


@operation(
    router,
    "POST",
    path="/mails/{mail_id}/resend",
    scope="notifications:write",
    answers=MailShape,
    status=202,
    summary="Send a mail again",
)
def resend_mail(request: ApiRequest, mail_id: Id, asked: Because) -> MailShape:
    """As a new mail, rendered afresh; refused while nobody knows whether the first arrived."""
    caller = request.auth
    mail = services.resend(
        _mail(caller, mail_id).id,
        merchant_id=caller.merchant_id,
        by=caller.actor,
        reason=asked.reason,
    )
    return shaped(MailShape, Mail.objects.get(id=mail.id))


@operation(
    router,
    "POST",
    path="/mails/{mail_id}/skip",
    scope="notifications:write",
    answers=MailShape,
    summary="Do not send a mail that waits",
)
def skip_mail(request: ApiRequest, mail_id: Id, asked: Because) -> MailShape:
    """The customer is not told of this."""
    caller = request.auth
    mail = services.skip_mail(
        _mail(caller, mail_id).id,
        merchant_id=caller.merchant_id,
        by=caller.actor,
        reason=asked.reason,
    )
    return shaped(MailShape, mail)


@operation(
    router,
    "GET",
    path="/notifications",
    scope="notifications:read",
    answers=Listed[NewsShape],
    summary="List operators' notifications",
)
def list_news(request: ApiRequest, asked: Query[NewsFilter]) -> Listed[NewsShape]:
    """News for the merchant's operators, the newest first."""
    rows = queries.news_of_operators(request.auth.merchant_id, request.auth.mode)
    if asked.is_read is not None:
        rows = rows.filter(read_at__isnull=not asked.is_read)
    found, follows = page_of(rows, asked)
    return Listed[NewsShape].model_construct(
        data=[shaped(NewsShape, row) for row in found], next=follows
    )


@operation(
    router,
    "POST",
    path="/notifications/read",
    scope="notifications:write",
    answers=Done,
    summary="Mark notifications as read",
)
def read_news(request: ApiRequest, asked: ChosenNews) -> Done:
    """Those that are named, or all."""
    mine: dict[str, Any] = {
        "merchant_id": request.auth.merchant_id,
        "mode": request.auth.mode,
        "customer_id": None,
    }
    if asked.ids:
        return Done(changed=news.mark_read(asked.ids, **mine))
    return Done(changed=news.mark_all_read(**mine))


@operation(
    router,
    "GET",
    path="/alerts",
    scope="health:read",
    answers=Listed[AlertShape],
    summary="List alerts",
)
def list_alerts(request: ApiRequest, asked: Query[AlertFilter]) -> Listed[AlertShape]:
    """What a person should know, the newest first."""
    rows = Alert.objects.filter(
        merchant_id=request.auth.merchant_id, recovered_at__isnull=not asked.is_over
    )
    found, follows = page_of(rows, asked)
    return Listed[AlertShape].model_construct(
        data=[shaped(AlertShape, row) for row in found], next=follows
    )


@operation(
    router,
    "POST",
    path="/alerts/{alert_id}/acknowledge",
    scope="health:write",
    answers=AlertShape,
    summary="Acknowledge an alert",
)
def acknowledge_alert(request: ApiRequest, alert_id: Id) -> AlertShape:
    """Somebody has seen it; it stands until its cause is over."""
    caller = request.auth
    alert = acknowledge(alert_id, merchant_id=caller.merchant_id, by=caller.actor)
    return shaped(AlertShape, alert)


@operation(
    router,
    "GET",
    path="/health",
    scope="health:read",
    answers=HealthShape,
    summary="Read the hub's health",
    calls_outside=True,
)
def get_health(request: ApiRequest) -> HealthShape:
    """Last backup, database, lanes, connections, retries, orders, notifications."""
    return HealthShape.model_construct(
        **asdict(health_of(request.auth.merchant_id, request.auth.mode))
    )


def _mail(caller: Caller, mail_id: int) -> Mail:
    mail = queries.mails(caller.merchant_id, caller.mode).filter(id=mail_id).first()
    if mail is None:
        raise not_found(f"mail {mail_id}")
    return mail
