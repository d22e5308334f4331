"""Keeps the views that people save."""

from entrepot.dashboard.models import SavedView
from entrepot.database import sql

LONGEST_NAME = 60

_KEEP = """
    INSERT INTO dashboard_saved_view (merchant_id, user_id, name, query, is_shared)
    VALUES (%(merchant_id)s, %(user_id)s, %(name)s, %(query)s, %(is_shared)s)
    ON CONFLICT (merchant_id, user_id, name) DO UPDATE SET
        query = excluded.query,
        is_shared = excluded.is_shared
"""
_FORGET = """
    DELETE FROM dashboard_saved_view
    WHERE id = %(id)s AND merchant_id = %(merchant_id)s AND user_id = %(user_id)s
"""


def keep(*, merchant_id: int, user_id: int, name: str, query: str, is_shared: bool) -> None:
    """Save a view; the same name of the same person again replaces it."""
    sql.run(
        _KEEP,
        {
            "merchant_id": merchant_id,
            "user_id": user_id,
            "name": " ".join(name.split())[:LONGEST_NAME],
            "query": query[:2000],
            "is_shared": is_shared,
        },
    )


def forget(view_id: int, *, merchant_id: int, user_id: int) -> bool:
    """Remove a view of one's own; False where there is none."""
    parameters = {"id": view_id, "merchant_id": merchant_id, "user_id": user_id}
    return sql.run(_FORGET, parameters) > 0


def views_for(user_id: int) -> list[SavedView]:
    """A person's own views and the shared ones, by name."""
    own = SavedView.objects.filter(user_id=user_id)
    return list((own | SavedView.objects.filter(is_shared=True)).order_by("name", "id"))
