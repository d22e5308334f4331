"""How pages say amounts, times, durations, counts and states, the same everywhere."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from babel import Locale, UnknownLocaleError
from django.utils import timezone

from entrepot.canon.money import Money, exponent_of

NO_BREAK = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
NONE = "\N{EN DASH}"
COUNTRIES = Locale("en").territories


@dataclass(frozen=True, slots=True)
class Chip:
    """A status as pages show it: a role (good, warn, bad, ...), an icon, and always a word."""

    role: str
    icon: str
    word: str

    def saying(self, word: str) -> "Chip":
        """The same status, said in more detail."""
        return Chip(self.role, self.icon, word)


def amount_words(money: Money) -> str:
    """The bare amount with the currency's own decimals and U+2212 for minus: "1,249.00"."""
    amount = money.rounded().amount
    digits = f"{abs(amount):,.{exponent_of(money.currency)}f}"
    return f"{MINUS}{digits}" if amount < 0 else digits


def money_words(money: Money) -> str:
    """Amount, no-break space, ISO code: "18,400 JPY"."""
    return f"{amount_words(money)}{NO_BREAK}{money.currency}"


def duration_words(span: timedelta) -> str:
    """A length of time in its two largest units: "2 h 10 min", "3 days 4 h", "41 s"."""
    seconds = int(abs(span).total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    whole = "1 day" if days == 1 else f"{days:,} days"
    return f"{whole} {hours} h" if hours and days < 14 else whole


def count_words(number: int, noun: str, *, plural: str = "") -> str:
    """A number with its noun: "1 order", "9 orders"; none is "no orders"."""
    if number == 1:
        return f"1 {noun}"
    several = plural or f"{noun}s"
    return f"{number:,} {several}" if number else f"no {several}"


def clock_words(instant: datetime) -> str:
    """The time of day where the page is: "14:29"."""
    return f"{timezone.localtime(instant):%H:%M}"


def day_words(instant: datetime, *, now: datetime | None = None) -> str:
    """The day where the page is, with its year only when it is not this one."""
    local = timezone.localtime(instant)
    this_year = timezone.localtime(now or timezone.now()).year
    year = "" if local.year == this_year else f" {local.year}"
    return f"{local:%a} {local.day} {local:%b}{year}"


def short_words(instant: datetime, *, now: datetime | None = None) -> str:
    """Today's time, else the day: "14:29", "Thu 19 Nov"."""
    now = now or timezone.now()
    if timezone.localtime(instant).date() == timezone.localtime(now).date():
        return clock_words(instant)
    return day_words(instant, now=now)


def moment_words(instant: datetime, *, now: datetime | None = None) -> str:
    """Day and time without the zone, which the page says once: "Thu 19 Nov, 09:02"."""
    now = now or timezone.now()
    if timezone.localtime(instant).date() == timezone.localtime(now).date():
        return f"today {clock_words(instant)}"
    return f"{day_words(instant, now=now)}, {clock_words(instant)}"


def full_words(instant: datetime) -> str:
    """Day, year, time and zone: "Thu 19 Nov 2026, 09:02 CET"."""
    local = timezone.localtime(instant)
    return f"{local:%a} {local.day} {local:%b} {local.year}, {local:%H:%M} {local.tzname()}"


def utc_words(instant: datetime) -> str:
    """The instant in UTC, for the hover: "2026-11-19 08:02 UTC"."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def distance_words(instant: datetime, *, now: datetime) -> str:
    """How far away an instant is: "in 9 min", "1 h 4 min ago"."""
    words = duration_words(instant - now)
    return f"in {words}" if instant > now else f"{words} ago"


def plain(word: str) -> str:
    """A status word for people: "partially_refunded" is "partially refunded"."""
    return word.replace("_", " ")


def sentence(word: str) -> str:
    """The same at the beginning of a sentence or on a chip."""
    return begun(plain(word))


def begun(words: str) -> str:
    """Words as the beginning of a sentence; nothing else of them changes."""
    return words[:1].upper() + words[1:]


def listed(words: list[str], *, last: str = "and") -> str:
    """Words as a list in a sentence: "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def masked_email(email: str) -> str:
    """Enough of an address to recognise it, not to use it: "m•••@seemail.example"."""
    name, at, domain = email.partition("@")
    return f"{name[:1]}•••{at}{domain}" if at else "•••"


def masked_phone(phone: str) -> str:
    """The country and the last two digits: "+49 ••• ••• 41"."""
    if not phone:
        return ""
    start = phone.split(" ", maxsplit=1)[0] if phone.startswith("+") and " " in phone else ""
    return f"{start} ••• ••• {phone[-2:]}".strip()


def country_name(code: str) -> str:
    """A country by its English name; a code that has none as it is."""
    return str(COUNTRIES.get(code, code))


# What the list of regions holds besides: unions, groups, and the unknown one.
NO_COUNTRIES = frozenset({"EU", "EZ", "QO", "UN", "ZZ"})


def countries() -> list[tuple[str, str]]:
    """What a form offers as countries: "Germany (DE)"."""
    codes = [str(code) for code in COUNTRIES if re.fullmatch("[A-Z]{2}", str(code))]
    named = sorted((country_name(code), code) for code in codes if code not in NO_COUNTRIES)
    return [("", "Choose a country"), *((code, f"{name} ({code})") for name, code in named)]


def language_name(tag: str) -> str:
    """A language by its English name, with its country: "German (Austria)"; else the tag."""
    try:
        return str(Locale.parse(tag.replace("-", "_")).get_display_name("en") or tag)
    except (UnknownLocaleError, ValueError):
        return tag


def initials(name: str) -> str:
    """Up to two initials for an avatar."""
    parts = [part for part in name.split() if part]
    return "".join(part[0] for part in parts[:2]).upper() or "?"
