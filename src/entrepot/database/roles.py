"""The database roles of the hub: who may see what, and with which password.

`owner` migrates, `default` (the app role) sees one merchant at a time, `system` serves the edge,
claims and upkeep. Role names come from the settings, so that two hubs can share a server.
"""

from django.conf import settings

from entrepot.database.router import APP, OWNER, SYSTEM


def app_role() -> str:
    """The name of the role that sees one merchant at a time."""
    return str(settings.DATABASES[APP]["USER"])


def system_role() -> str:
    """The name of the role that serves the edge, claims and upkeep."""
    return str(settings.DATABASES[SYSTEM]["USER"])


def owner_role() -> str:
    """The name of the role that owns the tables and migrates."""
    return str(settings.DATABASES[OWNER]["USER"])
