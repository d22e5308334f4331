"""What a SKU becomes."""

from django.db.models import TextChoices


class MappingKind(TextChoices):
    """Where the units of a line go."""

    PROVIDER = "provider"  # a provider's product
    KIT = "kit"  # several SKUs of ours
    BY_HAND = "by_hand"  # the merchant ships it
    ELSEWHERE = "elsewhere"  # somebody else fulfills it; not ours to send
    NOTHING = "nothing"  # nothing to ship: a download, a voucher


class AssetStatus(TextChoices):
    """Whether a print file is safe to send."""

    WAITING = "waiting"  # not copied yet
    READY = "ready"  # copied, with checksum
    UNREACHABLE = "unreachable"  # tried again, each time later
