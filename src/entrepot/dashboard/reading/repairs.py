"""What a person does about each kind of hold, and what follows from it."""

from entrepot.orders.states import HoldKind

REPAIRS = {
    HoldKind.UNMAPPED_SKU: "Map the SKU; every order that waits for it goes on by itself.",
    HoldKind.MISSING_ARTWORK: (
        "Give the mapping a file that can be fetched; every order that waits for it goes on."
    ),
    HoldKind.ADDRESS_REFUSED: "Correct the address; the order goes on by itself.",
    HoldKind.SHIPPING_UNMAPPED: (
        "Say what the shipping method is called at the provider; all that wait for it go on."
    ),
    HoldKind.DUPLICATE_SUSPECTED: "Compare it with its twin, then release or cancel this one.",
    HoldKind.MODE_UNKNOWN: (
        "Say whether the payment method takes real money; all that wait for it go on."
    ),
    HoldKind.STATE_UNKNOWN: "Map the shop's state in the connection's settings, or release it.",
    HoldKind.COST: "Look at both figures, then release it or map another product.",
    HoldKind.DISPUTE: "It goes on when the dispute is won; until then release or cancel it.",
    HoldKind.REVIEW: "It goes on when the review is closed at the payment gateway.",
    HoldKind.SOURCE: "Let it go on in the shop; the hub follows.",
    HoldKind.TOTALS: "Compare what was paid with what was sold, then release, refund or cancel it.",
    HoldKind.REFUSED: (
        "Mend what the provider names, then release: it is sent again, as a new try."
    ),
    HoldKind.ITEM_UNAVAILABLE: (
        "Map another product, or release it when the item is back: what is missing is made anew."
        " Refund what nobody can make."
    ),
    HoldKind.CHANGED_AFTER_SENDING: (
        "Ask the provider to change it too; what has left is for its carrier and the customer."
        " Then release."
    ),
    HoldKind.CONTENT_DIFFERS: "Compare the provider's order with ours, then say whose it is.",
    HoldKind.PAYMENT_NEEDED: "Pay at the provider. We look every 15 min and go on by ourselves.",
    HoldKind.SHIPPED_AFTER_CANCEL: "Ask the customer to send it back, or let it be; then release.",
    HoldKind.PERSON: "Whoever set the hold lifts it.",
}
