"""Forms of a connection: its settings as the manifest lists them, and the merchant's choices."""

from collections.abc import Mapping
from typing import Any

from django import forms

from entrepot.connect.manifest import Manifest, Setting
from entrepot.connections.states import EffectFlow
from entrepot.dashboard.words_of_states import FLOW

PREFIX = "setting-"
FLOWS = tuple(EffectFlow)


class SettingsForm(forms.Form):
    """A name, and one field per setting of the platform; the catalogue of fields is its manifest's.

    What is typed is checked by the connection's own rules when it is saved, so that a form, a file
    and a program are refused with the same words.
    """

    name = forms.CharField(label="Name", max_length=80, help_text="How pages call it")

    def __init__(
        self,
        data: Any = None,
        *,
        manifest: Manifest,
        kept: Mapping[str, Any] | None = None,
        stored: Mapping[str, str] | None = None,
        name: str = "",
    ) -> None:
        super().__init__(data)
        self.fields["name"].initial = name or manifest.name
        self.manifest = manifest
        for setting in manifest.settings:
            value = (kept or {}).get(setting.name, setting.default)
            field = _field(setting, value, dict(stored or {}))
            if setting.is_required and setting.name not in (stored or {}):
                field.widget.attrs["required"] = True  # the browser asks; saving refuses
            self.fields[f"{PREFIX}{setting.name}"] = field

    def settings(self) -> dict[str, Any]:
        """What was typed, by the setting's own name."""
        return {
            setting.name: self.cleaned_data[f"{PREFIX}{setting.name}"]
            for setting in self.manifest.settings
        }

    def blame(self, faults: Mapping[str, str]) -> None:
        """Show what is wrong under the field that it is about."""
        for name, fault in faults.items():
            field = f"{PREFIX}{name}"
            self.add_error(field if field in self.fields else None, _as_sentence(fault))


def _as_sentence(fault: str) -> str:
    return f"{fault[:1].upper()}{fault[1:]}."


def _field(setting: Setting, value: Any, stored: dict[str, str]) -> forms.Field:
    common: dict[str, Any] = {"label": setting.label, "help_text": setting.help, "required": False}
    match setting.type:
        case "secret":
            hint = " ".join(filter(None, [stored.get(setting.name, ""), setting.help]))
            return forms.CharField(
                **{**common, "help_text": hint},
                widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
            )
        case "flag":
            return forms.BooleanField(**common, initial=bool(value))
        case "choice":
            known = setting.choices if setting.default else ("", *setting.choices)
            choices = [(one, one or "not told") for one in dict.fromkeys(known)]
            return forms.ChoiceField(**common, choices=choices, initial=value or "")
        case "map":
            lines = "\n".join(f"{theirs} = {ours}" for theirs, ours in (value or {}).items())
            return forms.CharField(
                **common, initial=lines, widget=forms.Textarea(attrs={"rows": 3})
            )
        case "list":
            return forms.CharField(**common, initial=", ".join(value or []))
        case "number":
            return forms.CharField(
                **common, initial=value, widget=forms.TextInput(attrs={"inputmode": "decimal"})
            )
        case "url":
            return forms.CharField(**common, initial=value, widget=forms.URLInput())
        case _:
            return forms.CharField(**common, initial=value)


class WordList(forms.CharField):
    """Words between commas, as a list."""

    def to_python(self, value: Any) -> Any:
        return [word.strip() for word in str(value or "").split(",") if word.strip()]

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list | tuple) else value


class PolicyForm(forms.Form):
    """What the merchant chose for a connection, beside the platform's own settings.

    An empty field means the usual.
    """

    release_states = WordList(
        label="Released when status is",
        required=False,
        help_text="The storefront’s own words, between commas. Paid orders are released anyway",
    )
    terms_methods = WordList(
        label="Payment on terms",
        required=False,
        help_text="Methods that ship before they are paid, such as cod",
    )
    real_payment_methods = WordList(
        label="Methods that take real money",
        required=False,
        help_text="Where the platform cannot tell live from test",
    )
    cooling_off_minutes = forms.IntegerField(
        label="Cooling off, in minutes", required=False, min_value=0, max_value=7 * 24 * 60
    )
    mail_gather_minutes = forms.IntegerField(
        label="News becomes one mail within, in minutes", required=False, min_value=0, max_value=240
    )
    marketplace_channels = WordList(
        label="Marketplace channels",
        required=False,
        help_text="Their customers are not mailed, unless listed in the next field",
    )
    mailed_channels = WordList(label="Marketplaces that allow mail", required=False)
    production_days = forms.IntegerField(
        label="Working days to make and send", required=False, min_value=0, max_value=90
    )
    calendar_country = forms.CharField(
        label="Holidays of", required=False, max_length=2, help_text="Country code, such as DE"
    )
    time_zone = forms.CharField(
        label="Its time zone", required=False, max_length=60, help_text="Such as Europe/Berlin"
    )
    presume_delivered_days = forms.IntegerField(
        label="Days until an unfollowed parcel counts as delivered",
        required=False,
        min_value=1,
        max_value=120,
        help_text="Empty: 14. It is shown as presumed",
    )
    most_cost_percent = forms.IntegerField(
        label="Most of an order’s revenue that it may cost, in %",
        required=False,
        min_value=1,
        max_value=1000,
        help_text="Empty: 100. What costs more is held with both figures",
    )
    silent_after_hours = forms.IntegerField(
        label="Hours of silence until you are alerted",
        required=False,
        min_value=0,
        max_value=24 * 90,
        help_text="Empty: 24. 0: never. For a shop that sells less often",
    )
    calls_per_minute = forms.IntegerField(
        label="Calls a minute", required=False, min_value=1, max_value=100_000
    )

    STOREFRONT = (
        "release_states",
        "terms_methods",
        "real_payment_methods",
        "cooling_off_minutes",
        "mail_gather_minutes",
        "marketplace_channels",
        "mailed_channels",
        "most_cost_percent",
    )
    PROVIDER = ("production_days", "calendar_country", "time_zone", "presume_delivered_days")
    MINUTES = {
        "cooling_off_minutes": "cooling_off_seconds",
        "mail_gather_minutes": "mail_gather_seconds",
    }

    def __init__(self, data: Any = None, *, manifest: Manifest, policy: Mapping[str, Any]) -> None:
        super().__init__(data)
        wanted = set(self.STOREFRONT if manifest.kinds & {"storefront", "payment"} else ())
        if "fulfillment" in manifest.kinds:
            wanted |= set(self.PROVIDER)
        if not manifest.is_built_in:
            wanted.add("calls_per_minute")
            if manifest.kinds & {"storefront", "payment"}:
                wanted.add("silent_after_hours")
        for name in set(self.fields) - wanted:
            del self.fields[name]
        for name, field in self.fields.items():
            kept = policy.get(self.MINUTES.get(name, name))
            field.initial = kept // 60 if name in self.MINUTES and kept is not None else kept
        ceilings = policy.get("hourly_ceilings", {})
        for flow in FLOWS:
            self.fields[f"ceiling_{flow}"] = forms.IntegerField(
                label=f"Most {FLOW[flow].lower()} an hour",
                required=False,
                min_value=1,
                initial=ceilings.get(flow.value),
                help_text="Empty: five times the usual, at least 50",
            )

    def changes(self) -> dict[str, Any]:
        """What the form asks for, as the connection keeps it; None takes a choice away."""
        told = self.cleaned_data
        ceilings = {
            flow.value: told[f"ceiling_{flow}"] for flow in FLOWS if told.get(f"ceiling_{flow}")
        }
        changes: dict[str, Any] = {"hourly_ceilings": ceilings or None}
        for name in self.fields:
            if name.startswith("ceiling_"):
                continue
            value = told[name]
            if name in self.MINUTES:
                changes[self.MINUTES[name]] = value * 60 if value is not None else None
            else:
                changes[name] = value if value not in ("", [], None) else None
        return changes
