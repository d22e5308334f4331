"""The words of built-in mails that are made by code: greetings, headings of parcels, headlines.

A phrase may have a plural: `{n}` is the count, and the form follows the language's own rule (CLDR).
Customers whose language neither the merchant's templates nor the hub's mails speak get English. In
a merchant's template of a language that is not here, these phrases are English, with the
language's own numbers and dates.
"""

from typing import Final

ENGLISH: Final = "en"
Forms = dict[str, str]

PHRASES: dict[str, dict[str, str | Forms]] = {
    "en": {
        "greeting": "Hello {name},",
        "greeting.nobody": "Hello,",
        "headline.confirmation": "We have your order",
        "headline.shipped": {
            "one": "Your parcel is on its way",
            "other": "{n} parcels are on their way",
        },
        "headline.partly_shipped": "A part of your order is on its way",
        "headline.delivered": {
            "one": "Your parcel has arrived",
            "other": "{n} parcels have arrived",
        },
        "headline.exception": "There is news about your parcel",
        "headline.cancelled": "Your order is cancelled",
        "headline.partly_cancelled": "A part of your order is cancelled",
        "headline.refunded": "Your refund is on its way",
        "order": "Order {number}",
        "parcel": "Parcel {number}",
        "parcel.arrives": "Parcel {number}: arrives by {day}",
        "parcel.delivered": "Parcel {number}: delivered {day}",
        "shipment": "Shipment {number}",
        "to_come": "Still to come",
        "to_come.when": "We write again when it leaves.",
        "track": {"one": "Track your parcel", "other": "Track all parcels"},
        "view_order": "View your order",
        "ships_to": "Goes to: {address}.",
        "reply": "Something not right? Just answer this mail.",
        "why": "You get this mail because of your order {number}.",
        "mails_off": "Stop the mails about this order",
        "items": "Items",
        "fees": "Fees",
        "total": "Total",
        "shipping": "Shipping",
        "discount": "Discount",
        "tax": "Tax",
        "tax_included": "tax included",
        "carrier.unknown": "The carrier",
        "nothing_known": "The carrier has not said more yet.",
    },
    "de": {
        "greeting": "Hallo {name},",
        "greeting.nobody": "Hallo,",
        "headline.confirmation": "Wir haben deine Bestellung",
        "headline.shipped": {
            "one": "Dein Paket ist unterwegs",
            "other": "{n} Pakete sind unterwegs",
        },
        "headline.partly_shipped": "Ein Teil deiner Bestellung ist unterwegs",
        "headline.delivered": {"one": "Dein Paket ist da", "other": "{n} Pakete sind da"},
        "headline.exception": "Neues von deinem Paket",
        "headline.cancelled": "Deine Bestellung ist storniert",
        "headline.partly_cancelled": "Ein Teil deiner Bestellung ist storniert",
        "headline.refunded": "Deine Erstattung ist unterwegs",
        "order": "Bestellung {number}",
        "parcel": "Paket {number}",
        "parcel.arrives": "Paket {number}: kommt bis {day}",
        "parcel.delivered": "Paket {number}: zugestellt {day}",
        "shipment": "Sendung {number}",
        "to_come": "Noch nicht dabei",
        "to_come.when": "Wir melden uns, wenn es losgeht.",
        "track": {"one": "Paket verfolgen", "other": "Alle Pakete verfolgen"},
        "view_order": "Bestellung ansehen",
        "ships_to": "Geht an: {address}.",
        "reply": "Stimmt etwas nicht? Antworte einfach auf diese Mail.",
        "why": "Du bekommst diese Mail zu deiner Bestellung {number}.",
        "mails_off": "Mails zu dieser Bestellung abstellen",
        "items": "Artikel",
        "fees": "Gebühren",
        "total": "Summe",
        "shipping": "Versand",
        "discount": "Rabatt",
        "tax": "Steuer",
        "tax_included": "darin enthaltene Steuer",
        "carrier.unknown": "Der Paketdienst",
        "nothing_known": "Der Paketdienst hat noch nichts Genaueres gesagt.",
    },
}
