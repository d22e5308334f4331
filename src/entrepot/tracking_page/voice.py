"""One customer's language and place: words, money, days and times as they are written there."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, get_timezone_name

from entrepot.canon.money import Money
from entrepot.notifications.speech import Speech
from entrepot.tracking_page.words import ENGLISH, NAMES, WORDS


@dataclass(frozen=True, slots=True)
class Voice:
    """Speaks one of the page's languages; numbers and dates are those of the customer's region."""

    speech: Speech

    @classmethod
    def of(cls, language: str, *, country: str = "", time_zone: str = "UTC") -> "Voice":
        """The voice for a language tag; English for one that the page does not speak."""
        base = language.replace("-", "_").split("_")[0].lower()
        if base not in WORDS:
            return cls(Speech.of(ENGLISH, time_zone=time_zone))
        spoken = language if base == language.replace("-", "_")[: len(base)].lower() else base
        return cls(Speech.of(spoken, country=country, time_zone=time_zone))

    @property
    def language(self) -> str:
        """The bare language, as in `<html lang>`."""
        return self.speech.language

    @property
    def locale(self) -> Locale:
        """The language in its region."""
        return self.speech.locale

    @property
    def zone_words(self) -> str:
        """The time zone as people say it, summer and winter: "Central European Time"."""
        # UTC has no other name than this one: asked for another, CLDR answers "Unknown Region".
        variant: Literal["generic", "standard"] = (
            "standard" if self.speech.zone.key == "UTC" else "generic"
        )
        return str(
            get_timezone_name(self.speech.zone, "long", zone_variant=variant, locale=self.locale)
        )

    def others(self) -> list[tuple[str, str]]:
        """The languages that the page speaks: (tag, its own name)."""
        return list(NAMES.items())

    def say(self, key: str, /, **values: object) -> str:
        """A phrase with its values; English where the language lacks it."""
        words = WORDS[self.language].get(key) or WORDS[ENGLISH][key]
        return (words if isinstance(words, str) else words["other"]).format(**values)

    def count(self, key: str, n: int) -> str:
        """A phrase in the form that the language uses for a count."""
        words = WORDS[self.language].get(key) or WORDS[ENGLISH][key]
        if isinstance(words, str):
            return words.format(n=n)
        form = str(Locale.parse(self.language).plural_form(n))
        return words.get(form, words["other"]).format(n=n)

    def listed(self, parts: Iterable[str]) -> str:
        """Clauses as one sentence: "a, b and c"."""
        found = list(parts)
        if len(found) < 2:
            return "".join(found)
        comma = "," if self.language == ENGLISH and len(found) > 2 else ""
        return f"{', '.join(found[:-1])}{comma} {self.say('and')} {found[-1]}"

    def money(self, amount: Money) -> str:
        """An amount as the locale writes it: "187,40 €"."""
        return self.speech.money(amount)

    def day(self, at: datetime) -> str:
        """A weekday with its date: "Mon, November 23"."""
        return self.speech.day(at)

    def short(self, at: datetime) -> str:
        """A day in few letters, for the steps: "20. Nov."."""
        local = at.astimezone(self.speech.zone)
        return str(format_skeleton("MMMd", local, tzinfo=self.speech.zone, locale=self.locale))

    def date(self, at: datetime) -> str:
        """A whole date: "19. November 2026"."""
        return str(format_date(at.astimezone(self.speech.zone).date(), "long", locale=self.locale))

    def moment(self, at: datetime) -> str:
        """Day and time of day."""
        time = format_time(at, "short", tzinfo=self.speech.zone, locale=self.locale)
        return f"{self.day(at)}, {time}"
