"""Places: where a parcel goes, and where a scan was made."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A postal address as it was typed; nothing in it has been corrected.

    `region` is a name, or what addresses of the country carry instead; no platform's own code.
    `country` is ISO 3166-1 alpha-2 in upper case, or empty when the source did not say.
    """

    name: str = ""
    company: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""
    phone: str = ""

    @property
    def is_empty(self) -> bool:
        """Nothing in it says where to go."""
        return not (self.line1 or self.city or self.postal_code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a carrier scanned a parcel, as far as it told."""

    city: str = ""
    region: str = ""
    country: str = ""
    postal_code: str = ""
