"""Every event of the hub, its meaning, and what its data carries.

Names are public (`noun.past_participle`); renaming one is a migration. An event that is not listed
here cannot be recorded.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventKind:
    """What an event means; `data` maps each key of its payload to what it holds."""

    meaning: str
    data: dict[str, str]


def _kind(meaning: str, **data: str) -> EventKind:
    return EventKind(meaning, data)


CATALOG: dict[str, EventKind] = {
    # Orders
    "order.imported": _kind("an order was seen for the first time", number="its number"),
    "order.changed": _kind("the source told something new about an order", fields="what changed"),
    "order.released": _kind("work on the order may start", by="paid, nothing_to_pay, terms, ..."),
    "order.held": _kind("the order will not proceed, on purpose", kind="which hold"),
    "order.hold_lifted": _kind("one hold is gone", kind="which hold"),
    "order.cancelled": _kind("the whole order is cancelled", by="who asked"),
    "order.lines_cancelled": _kind("units of lines are cancelled", units="line -> units"),
    "order.closed": _kind("nothing is left to do for the order"),
    "order.reopened": _kind("a closed or cancelled order has work again"),
    "order.address_changed": _kind("another address applies", fields="which parts changed"),
    "order.note_added": _kind("a person wrote a note", note_id="the note"),
    "order.tagged": _kind("tags changed", added="tags", removed="tags"),
    "order.fulfilled_elsewhere": _kind("others fulfilled units of it", units="line -> units"),
    "order.write_back_wanted": _kind("the storefront has to be told", what="which fact"),
    # Payments
    "payment.authorized": _kind("an amount is reserved", amount="amount", currency="its currency"),
    "payment.captured": _kind("an amount was taken", amount="amount", currency="its currency"),
    "payment.pending": _kind("a delayed method is under way"),
    "payment.failed": _kind("a payment was refused", code="the platform's word"),
    "payment.refunded": _kind("an amount went back", amount="amount", currency="its currency"),
    "payment.refund_failed": _kind("a refund came back", amount="amount", currency="its currency"),
    "payment.voided": _kind("an authorization was given up"),
    "payment.disputed": _kind("the customer's bank disputes it", amount="amount"),
    "payment.dispute_closed": _kind("a dispute ended", outcome="won or lost"),
    "payment.refund_pending": _kind("a refund is under way", amount="amount"),
    "payment.review_opened": _kind("the gateway reviews the payment for fraud"),
    "payment.review_closed": _kind("the gateway has ended its review"),
    "payment.dismissed": _kind("a person decided that a stray payment needs nothing"),
    "checkout.moved": _kind("a checkout of ours moved on", **{"from": "status", "to": "status"}),
    "checkout.taken_back": _kind(
        "a restored hub found a paid checkout of its own that it had forgotten",
        reference="ours",
        external_id="the session's id",
    ),
    "refund.wanted": _kind("a person wants money to go back", amount="amount", currency="which"),
    "refund.moved": _kind("a refund of ours moved on", **{"from": "status", "to": "status"}),
    "payment.unmatched": _kind("money came that belongs to no known order"),
    # Fulfillment
    "fulfillment_order.planned": _kind("routing made a share of an order", provider="connection"),
    "fulfillment_order.submitted": _kind("it was handed to the provider", reference="outside"),
    "fulfillment_order.accepted": _kind("the provider has taken it", reference="theirs"),
    "fulfillment_order.readdressed": _kind(
        "the provider answered a change of address", answer="theirs", address_id="asked for"
    ),
    "fulfillment_order.rejected": _kind("the provider refused it", code="theirs", fault="whose"),
    "fulfillment_order.held": _kind("it waits for something", kind="which hold"),
    "fulfillment_order.released": _kind("it may go on"),
    "fulfillment_order.cancelling": _kind("the provider was asked to stop"),
    "fulfillment_order.cancel_refused": _kind("the provider would not stop"),
    "fulfillment_order.cancelled": _kind("it will not be shipped"),
    "fulfillment_order.closed": _kind("everything of it has left"),
    "fulfillment_order.reopened": _kind("units that had left turned out not to have"),
    "fulfillment_order.quoted": _kind("the provider said what it would cost", cost="how much"),
    "fulfillment_order.changed": _kind("the provider told of its progress", stage="their word"),
    "fulfillment_order.replaced": _kind("a person wants units sent again", units="item -> units"),
    "fulfillment_order.change_asked": _kind("the provider was asked to send it elsewhere"),
    "fulfillment_order.change_answered": _kind("the provider answered", answer="its answer"),
    "asset.checked": _kind("a print file was fetched, or could not be", status="how it ended"),
    "artwork.copied": _kind("a print file was copied", url="where it came from"),
    "artwork.failed": _kind("a print file could not be copied", url="where it should be"),
    "mapping.changed": _kind("a SKU becomes something else", sku="which"),
    "shipment.recorded": _kind("goods left together", units="line -> units"),
    "shipment.tracked": _kind("tracking came after the goods had left"),
    "shipment.voided": _kind("a shipment turned out not to exist"),
    "parcel.added": _kind("a parcel has a tracking number", tracking_number="the number"),
    "parcel.moved": _kind("a parcel's status changed", status="to", previous="from"),
    "parcel.delivered": _kind("a carrier says that it arrived"),
    "parcel.presumed_delivered": _kind("no carrier could say; taken for delivered"),
    "parcel.exception": _kind("a carrier reports trouble", detail="the carrier's words"),
    "parcel.returned": _kind("it came back to its sender"),
    # Effects outside
    "attempt.intended": _kind("an effect outside is intended", effect="kind", reference="outside"),
    "attempt.called": _kind("the call is about to leave"),
    "attempt.accepted": _kind("the other side has it", reference="theirs"),
    "attempt.rejected": _kind("the other side refused", code="theirs", fault="whose"),
    "attempt.not_sent": _kind("it never left", why="why not"),
    "attempt.became_unknown": _kind("nobody knows whether it arrived", why="what was seen"),
    "attempt.resolved": _kind("an unknown attempt was looked up", outcome="what was found"),
    # Connections
    "connection.added": _kind("an account was connected", platform="which"),
    "connection.changed": _kind("its settings changed", fields="which"),
    "connection.went_live": _kind("its effects reach outside from now on"),
    "connection.paused": _kind("its effects stopped"),
    "connection.resumed": _kind("its effects go on"),
    "connection.misconfigured": _kind("the platform refuses our credentials", detail="its words"),
    "connection.recovered": _kind("the platform accepts our credentials again"),
    "connection.import_begun": _kind("its history is being read", flow="of what"),
    "connection.deliveries_refused": _kind(
        "its third webhook in a row was refused", check="what failed", refused="how many"
    ),
    "connection.archived": _kind("it was removed; its history stays"),
    # Notifications
    "notification.wanted": _kind(
        "a customer should be told", kind="which message", not_before="when it may leave"
    ),
    "notification.sent": _kind("a mail was accepted by the mail service", kind="which message"),
    "notification.delivered": _kind("the mail service says that it arrived"),
    "notification.bounced": _kind("the mail came back", detail="the mail service's words"),
    "notification.refused": _kind("the mail service refused it", detail="its words"),
    "notification.became_unknown": _kind("the mail service may have taken it", detail="why"),
    "notification.configured": _kind("what is told, how or by whom, changed", fields="which"),
    "notification.skipped": _kind("it was decided not to tell", why="why not"),
    # Promises and input
    "obligation.opened": _kind("something is owed", kind="what", due_at="by when"),
    "obligation.met": _kind("what was owed is done", kind="what"),
    "obligation.waived": _kind("a person let go of it", kind="what"),
    "obligation.voided": _kind("what was owed need not be done any more", kind="what"),
    "obligation.overdue": _kind("its deadline passed", kind="what"),
    "inbox.parked": _kind("input could not be read or applied", why="why not"),
    "inbox.replayed": _kind("stored input was run again, on purpose"),
    "inbox.discarded": _kind("a person decided that it needs nothing"),
    "deadletter.buried": _kind("our own work gave up", task="which", error="why"),
    "deadletter.replayed": _kind("given-up work was run again, on purpose"),
    "deadletter.discarded": _kind("a person decided that it needs nothing"),
    # The installation
    "alert.raised": _kind("a person should know", kind="what", cause="of what"),
    "alert.acknowledged": _kind("a person has seen it", kind="what", cause="of what"),
    "alert.recovered": _kind("it is over", kind="what", cause="of what"),
    "installation.adopted": _kind("a person let the effects of a moved database go on"),
    # People and keys
    "merchant.created": _kind("a merchant was set up", code="its code"),
    "merchant.changed": _kind("a merchant's own settings changed", fields="which ones"),
    "customer.revealed": _kind("a person looked at personal data", what="which parts"),
    "user.created": _kind("a person may sign in"),
    "user.password_link_made": _kind(
        "somebody made a link with which a person sets a password",
        takes_factor_off="whether a lost second factor goes as well",
    ),
    "user.join_link_made": _kind(
        "somebody made a link with which a person whom the hub knows takes a role", role="which"
    ),
    "user.role_granted": _kind("a person has a role at the merchant", role="which"),
    "user.role_revoked": _kind("a person lost a role at the merchant", role="which"),
    "api_key.created": _kind("a machine may call", prefix="its public part", scopes="what it may"),
    "api_key.rotated": _kind("a key has a successor", prefix="the old one", successor="the new"),
    "api_key.revoked": _kind("a key is no longer valid", prefix="its public part"),
}
