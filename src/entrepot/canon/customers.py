"""The person who bought, as a storefront told it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerSnapshot:
    """A buyer. `external_id` is empty for guests; `language` is a BCP 47 tag or empty."""

    external_id: str = ""
    email: str = ""
    name: str = ""
    phone: str = ""
    company: str = ""
    language: str = ""
    accepts_marketing: bool | None = None
