"""The simulated EasyPost's answers, as JSON values."""

from datetime import UTC, datetime
from typing import Any

from entrepot.connect.simulator import Request, Response
from entrepot.connectors.easypost.journeys import Tracker


def tracker_body(tracker: Tracker) -> dict[str, Any]:
    """A tracker with all scans, oldest first."""
    parcel = tracker.parcel
    status, detail = parcel.scans[-1][1:3] if parcel.scans else ("unknown", "unknown")
    return {
        "id": tracker.id,
        "object": "Tracker",
        "mode": tracker.mode,
        "tracking_code": parcel.code,
        "status": status,
        "status_detail": detail,
        "created_at": written(tracker.created_at),
        "updated_at": written(tracker.updated_at),
        "signed_by": None,
        "weight": None,
        "est_delivery_date": written(parcel.starts_at + parcel.journey),
        "shipment_id": None,
        "carrier": parcel.carrier,
        "tracking_details": [
            {
                "object": "TrackingDetail",
                "message": message,
                "status": word,
                "status_detail": more,
                "datetime": written(at),
                "source": parcel.carrier,
                "tracking_location": {
                    "object": "TrackingLocation",
                    "city": "Zkušebnice" if word != "pre_transit" else None,
                    "state": None,
                    "country": "CZ" if word != "pre_transit" else None,
                    "zip": None,
                },
            }
            for at, word, more, message in parcel.scans
        ],
        "carrier_detail": {
            "object": "CarrierDetail",
            "service": None,
            "est_delivery_date_local": None,
            "est_delivery_time_local": None,
        },
        "public_url": f"https://track.easypost.example/{tracker.id}",
    }


def webhook_body(hook: dict[str, Any]) -> dict[str, Any]:
    """A webhook; its secret is never shown."""
    shown = {name: value for name, value in hook.items() if name != "secret"}
    return {**shown, "object": "Webhook"}


def object_of(request: Request, name: str) -> dict[str, Any]:
    """The object under `name` in a body; empty when there is none."""
    try:
        body = request.json()
    except ValueError:
        return {}
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, dict) else {}


def error(status: int, code: str, *, message: str) -> Response:
    """An error answer."""
    return Response(status, {"error": {"code": code, "message": message, "errors": []}})


def written(instant: datetime) -> str:
    """An instant, whole seconds in UTC."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
