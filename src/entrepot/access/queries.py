"""Who works for which merchant, and what they may do there."""

from datetime import datetime

from entrepot.access import scope
from entrepot.access.models import ApiKey, Membership, Merchant


def unsure_before(merchant_id: int) -> datetime | None:
    """Until when another copy of the database may have acted; read once in the open scope."""

    def read() -> datetime | None:
        rows = Merchant.objects.filter(id=merchant_id)
        return rows.values_list("unsure_before", flat=True).first()

    return scope.once("unsure_before", merchant_id, read=read)


def memberships_of(user_id: int) -> list[Membership]:
    """A person's roles with their merchants, by the merchants' names."""
    with scope.system():
        return list(
            Membership.objects.filter(user_id=user_id)
            .select_related("merchant")
            .order_by("merchant__name", "merchant_id")
        )


def merchant_by_code(code: str) -> Merchant | None:
    """The merchant of that code, seen by the system."""
    with scope.system():
        return Merchant.objects.filter(code=code).first()


def all_merchants() -> list[Merchant]:
    """Every merchant of the installation, in the order in which they came."""
    with scope.system():
        return list(Merchant.objects.order_by("id"))


def api_keys_of(merchant_id: int) -> list[ApiKey]:
    """A merchant's keys, the newest first, revoked ones included."""
    with scope.merchant(merchant_id):
        return list(ApiKey.objects.filter(merchant_id=merchant_id).order_by("-id"))
