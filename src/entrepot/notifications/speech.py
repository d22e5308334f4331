"""One customer's language: phrases, money and days as they are written there."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton
from babel.numbers import format_currency

from entrepot.canon.money import Money
from entrepot.notifications.phrases import ENGLISH, PHRASES

RIGHT_TO_LEFT = "rtl"


@dataclass(frozen=True, slots=True)
class Speech:
    """Speaks one language in one region; days are those of the merchant's time zone."""

    locale: Locale
    zone: ZoneInfo

    @classmethod
    def of(cls, language: str, *, country: str = "", time_zone: str = "UTC") -> "Speech":
        """The speech for a language tag such as `de`, `de-AT` or `zh_Hant_TW`.

        The country refines a language that names none; what babel does not know falls back to the
        bare language, then to English.
        """
        plain = language.replace("-", "_") or ENGLISH
        base = plain.split("_")[0]
        for name in (plain if "_" in plain else f"{base}_{country}", plain, base, ENGLISH):
            try:
                return cls(Locale.parse(name), ZoneInfo(time_zone))
            except (UnknownLocaleError, ValueError):
                continue
        raise AssertionError("babel knows English")

    @property
    def language(self) -> str:
        """The bare language, as in `<html lang>`."""
        return str(self.locale.language)

    @property
    def direction(self) -> str:
        return RIGHT_TO_LEFT if self.locale.text_direction == RIGHT_TO_LEFT else "ltr"

    def phrase(self, key: str, /, **values: object) -> str:
        """A phrase with its values; English where the language has none."""
        words = PHRASES.get(self.language, {}).get(key) or PHRASES[ENGLISH][key]
        if isinstance(words, dict):
            words = words["other"]
        return words.format(**values)

    def counted(self, key: str, n: int) -> str:
        """A phrase in the form that its language uses for a count; without forms, the phrase."""
        language = self.language if key in PHRASES.get(self.language, {}) else ENGLISH
        words = PHRASES[language][key]
        if isinstance(words, str):
            return words.format(n=n)
        form = str(Locale.parse(language).plural_form(n))
        return words.get(form, words["other"]).format(n=n)

    def money(self, money: Money) -> str:
        """An amount as the locale writes it, with the currency's own decimals: "187,40 €".

        A minus is a minus everywhere: many locales have the hyphen of keyboards for it.
        """
        amount = money.rounded().amount
        return str(format_currency(amount, money.currency, locale=self.locale)).replace(
            "-", "\N{MINUS SIGN}"
        )

    def day(self, at: datetime) -> str:
        """A day of the near future or past, without its year: "Mo., 23. November"."""
        local = at.astimezone(self.zone)
        return str(format_skeleton("MMMMEd", local, tzinfo=self.zone, locale=self.locale))

    def date(self, at: datetime) -> str:
        """A whole date: "19. November 2026"."""
        return str(format_date(at.astimezone(self.zone).date(), "long", locale=self.locale))
