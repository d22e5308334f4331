"""What a SKU becomes, and how far its print files have come."""

from enum import Enum

from django.db.models import TextChoices


class MappingKind(TextChoices):
    """Where the units of a line go."""

    PROVIDER = "provider"  # a provider's product
    KIT = "kit"  # several SKUs of ours
    BY_HAND = "by_hand"  # the merchant ships it
    ELSEWHERE = "elsewhere"  # somebody else fulfills it; not ours to send
    NOTHING = "nothing"  # nothing to ship: a download, a voucher

    def misfit(self, place: str, *, is_maker: bool) -> str:
        """Why goods of this kind cannot come from a place of that name; "" where they can.

        People ship from a place of their own; what makes things is sent orders.
        """
        if self is MappingKind.BY_HAND and is_maker:
            return f"{place} makes things itself: name a place where you ship by hand, or none"
        if self is MappingKind.PROVIDER and not is_maker:
            return f"{place} is where you ship by hand: its kind is by_hand"
        return ""


class AssetStatus(TextChoices):
    """Whether a print file is safe to send."""

    WAITING = "waiting"  # not copied yet
    READY = "ready"  # copied, with checksum
    UNREACHABLE = "unreachable"  # tried again, each time later


class AssetStep(Enum):
    """A named move of a print file: the statuses it may start from, and where it ends."""

    COPY = ({AssetStatus.WAITING, AssetStatus.UNREACHABLE}, AssetStatus.READY)
    FAIL = ({AssetStatus.WAITING, AssetStatus.UNREACHABLE}, AssetStatus.UNREACHABLE)

    def __init__(self, sources: set[AssetStatus], target: AssetStatus) -> None:
        self.sources = sources
        self.target = target


class IllegalAssetStep(Exception):
    """A print file was asked to make a move that its status does not allow."""

    def __init__(self, asset: object, step: AssetStep, status: str) -> None:
        super().__init__(f"cannot {step.name.lower()} {asset}: it is {status}")
        self.step = step
        self.status = status
