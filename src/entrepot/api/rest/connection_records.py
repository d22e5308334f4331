"""What is known about a connection: calls, webhooks, readings of its history."""

from ninja import Query, Router

from entrepot.api.caller import ApiRequest
from entrepot.api.operations import operation
from entrepot.api.paging import Id, Listed, Paged, page_of
from entrepot.api.rest.connection_shapes import CallShape, ImportShape, NewImport, WebhookShape
from entrepot.api.rest.connections import found_connection
from entrepot.api.rest.order_parts import shaped
from entrepot.connections import history
from entrepot.connections.models import CallRecord, HistoryImport, WebhookRegistration

router = Router(tags=["connections"])


@operation(
    router,
    "GET",
    path="/connections/{connection_id}/calls",
    scope="connections:read",
    answers=Listed[CallShape],
    summary="List a connection's calls",
)
def list_calls(request: ApiRequest, connection_id: Id, paged: Query[Paged]) -> Listed[CallShape]:
    """What was said to the platform lately, redacted, the newest first."""
    found_connection(request.auth, connection_id)
    found, follows = page_of(CallRecord.objects.filter(connection_id=connection_id), paged)
    sees = request.auth.sees_people
    return Listed[CallShape].model_construct(
        data=[
            shaped(CallShape, row) if sees else shaped(CallShape, row, sent="", answered="")
            for row in found
        ],
        next=follows,
    )


@operation(
    router,
    "GET",
    path="/connections/{connection_id}/webhooks",
    scope="connections:read",
    answers=Listed[WebhookShape],
    summary="List a connection's webhooks",
)
def list_webhooks(
    request: ApiRequest, connection_id: Id, paged: Query[Paged]
) -> Listed[WebhookShape]:
    """Our webhooks at the platform, as it last confirmed them; a watchdog repairs them."""
    found_connection(request.auth, connection_id)
    rows = WebhookRegistration.objects.filter(connection_id=connection_id)
    found, follows = page_of(rows, paged)
    return Listed[WebhookShape].model_construct(
        data=[shaped(WebhookShape, row) for row in found], next=follows
    )


@operation(
    router,
    "GET",
    path="/connections/{connection_id}/imports",
    scope="connections:read",
    answers=Listed[ImportShape],
    summary="List history imports",
)
def list_imports(
    request: ApiRequest, connection_id: Id, paged: Query[Paged]
) -> Listed[ImportShape]:
    """How far the reading of a platform's history has come."""
    found_connection(request.auth, connection_id)
    rows = HistoryImport.objects.filter(connection_id=connection_id)
    found, follows = page_of(rows, paged)
    return Listed[ImportShape].model_construct(
        data=[shaped(ImportShape, row) for row in found], next=follows
    )


@operation(
    router,
    "POST",
    path="/connections/{connection_id}/imports",
    scope="connections:write",
    answers=ImportShape,
    status=202,
    summary="Import history",
)
def begin_import(request: ApiRequest, connection_id: Id, asked: NewImport) -> ImportShape:
    """Resumable; nothing of it is shipped, mailed or written back."""
    found_connection(request.auth, connection_id)
    begun = history.begin_import(
        connection_id, merchant_id=request.auth.merchant_id, flow=asked.flow, since=asked.since
    )
    begun.refresh_from_db()
    return shaped(ImportShape, begun)
