"""Merchants, the people who work for them, and the machines that call in their name."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower, Now

from entrepot.access.states import Role
from entrepot.database.rows import MerchantRow, Mode, one_of


class Merchant(models.Model):
    """A business that sells; every other row belongs to one.

    `mode` is the one that lists and forms of the dashboard start with. `time_zone` is for reports,
    business hours and pages; the record itself is UTC. What happened before `unsure_before` may
    have been acted upon by another copy of this database, of which a restored one knows nothing.
    """

    name = models.TextField()
    code = models.SlugField(max_length=60, unique=True)
    time_zone = models.TextField(default="UTC")
    locale = models.TextField(default="en")
    mode = models.TextField(choices=Mode, default=Mode.LIVE)
    created_at = models.DateTimeField(db_default=Now())
    unsure_before = models.DateTimeField(null=True)

    class Meta:
        db_table = "access_merchant"
        constraints: ClassVar = [
            one_of("mode", Mode.values, name="access_merchant_mode"),
        ]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    """Finds people by e-mail address, whatever its capitals; makes none."""

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in; what they may do is decided by their memberships.

    `email` is kept in lower case.
    """

    email = models.EmailField(max_length=254, unique=True)
    name = models.TextField()
    time_zone = models.TextField(default="UTC")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())

    objects = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        db_table = "access_user"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="access_user_email_lower"
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name.split(" ")[0]


class Membership(models.Model):
    """A person's role at a merchant; one each."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.TextField(choices=Role)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "access_membership"
        verbose_name, verbose_name_plural = "person", "people"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "merchant"], name="access_membership_key"),
            one_of("role", Role.values, name="access_membership_role"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} is {self.role} at {self.merchant_id}"


class ApiKey(MerchantRow):
    """A machine's key: public `prefix`, hashed secret, what it may do and from where.

    `allowed_addresses` are networks (`203.0.113.0/24`); empty means anywhere. `replaced_by` points
    to the successor of a rotated key, which keeps working until `expires_at`.
    """

    name = models.TextField()
    mode = models.TextField(choices=Mode)
    prefix = models.TextField(unique=True)
    secret_hash = models.BinaryField()
    scopes = ArrayField(models.TextField())
    allowed_addresses = ArrayField(models.TextField(), default=list)
    rate_limit_per_minute = models.PositiveIntegerField(default=600)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    replaced_by = models.OneToOneField(
        "self", null=True, on_delete=models.DO_NOTHING, related_name="replaces", db_constraint=False
    )

    class Meta:
        db_table = "access_api_key"
        verbose_name, verbose_name_plural = "API key", "API keys"
        indexes: ClassVar = [
            models.Index(fields=["merchant_id", "id"], name="access_api_key_merchant"),
        ]
        constraints: ClassVar = [
            one_of("mode", Mode.values, name="access_api_key_mode"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"
