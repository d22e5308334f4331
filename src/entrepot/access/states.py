"""The roles that a person can have at a merchant."""

from django.db import models


class Role(models.TextChoices):
    """What a person does for a merchant; `permissions.py` says what each may."""

    OWNER = "owner", "Owner"
    OPERATOR = "operator", "Operator"
    WAREHOUSE = "warehouse", "Warehouse"
    SUPPORT = "support", "Support"
    VIEWER = "viewer", "Viewer"
