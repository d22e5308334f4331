"""Tells people of alerts: one mail and one webhook for everything that is new, recoveries as well.

Told twice is better than not at all, so alerts are noted as told after they left. When one of the
two ways works, the alerts are told; only when none does are they tried again.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog
from django.conf import settings
from django.core.mail import EmailMessage

from entrepot.access import scope
from entrepot.connect.errors import ConnectorError, Unavailable
from entrepot.connect.http import Http
from entrepot.monitoring import queries
from entrepot.monitoring.queries import Untold
from entrepot.monitoring.services import note_told

DEADLINE = timedelta(seconds=10)

log = structlog.get_logger()


def tell() -> int:
    """Tell what is untold, grouped; return how many alerts and recoveries were told.

    Call it outside transactions.

    Raises:
        Unavailable: every configured way failed; nothing is noted as told.
    """
    with scope.system():
        untold = queries.untold()
    if not untold:
        return 0
    failures = []
    ways = [way for way, address in _ways() if address]
    for way in ways:
        try:
            way(untold)
        except (ConnectorError, OSError) as error:
            failures.append(str(error))
            log.warning("alerts could not be told by one way", error=str(error))
    if ways and len(failures) == len(ways):
        raise Unavailable(f"alerts could not be told: {'; '.join(failures)}")
    note_told(
        [one.alert.id for one in untold if not one.has_recovered],
        [one.alert.id for one in untold if one.has_recovered],
    )
    return len(untold)


def subject_of(untold: Sequence[Untold]) -> str:
    """One line that says what it is about."""
    raised = [one for one in untold if not one.has_recovered]
    over = len(untold) - len(raised)
    if len(untold) == 1:
        word = "Over: " if over else ""
        return f"{word}{untold[0].alert.title}"
    parts = [f"{len(raised)} alerts" if len(raised) > 1 else ""]
    if len(raised) == 1:
        parts = [raised[0].alert.title]
    if over:
        parts.append(f"{over} over")
    return ", ".join(part for part in parts if part)


def text_of(untold: Sequence[Untold]) -> str:
    """The mail: by merchant, what stands first, then what is over."""
    lines: list[str] = []
    for merchant in dict.fromkeys(one.merchant for one in untold):
        lines += [merchant or "This installation", ""]
        mine = [one for one in untold if one.merchant == merchant]
        for one in sorted(mine, key=lambda one: one.has_recovered):
            mark = "Over: " if one.has_recovered else "- "
            lines.append(f"{mark}{one.alert.title}")
            if one.alert.detail and not one.has_recovered:
                lines.append(f"  {one.alert.detail}")
        lines.append("")
    return "\n".join([*lines, settings.PUBLIC_URL, ""])


def body_of(untold: Sequence[Untold]) -> dict[str, object]:
    """The webhook's body. `text` is there for chat services, which show it as it is."""
    return {
        "text": f"{subject_of(untold)}\n{text_of(untold)}",
        "alerts": [
            {
                "id": one.alert.id,
                "merchant": one.merchant,
                "kind": one.alert.kind,
                "cause": one.alert.cause,
                "title": one.alert.title,
                "detail": one.alert.detail,
                "count": one.alert.count,
                "raised_at": one.alert.raised_at.isoformat(),
                "recovered_at": (
                    one.alert.recovered_at.isoformat() if one.alert.recovered_at else None
                ),
            }
            for one in untold
        ],
    }


def _ways() -> list[tuple[Callable[[Sequence[Untold]], None], str]]:
    return [(_mail, settings.ALERT_MAIL), (_post, settings.ALERT_WEBHOOK_URL)]


def _mail(untold: Sequence[Untold]) -> None:
    EmailMessage(
        subject=f"[Entrepot] {subject_of(untold)}",
        body=text_of(untold),
        to=[address.strip() for address in settings.ALERT_MAIL.split(",")],
    ).send()


def _post(untold: Sequence[Untold]) -> None:
    Http("", allow_private=settings.ALLOW_PRIVATE_ADDRESSES).post(
        settings.ALERT_WEBHOOK_URL, json=body_of(untold), deadline=DEADLINE
    )
