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


def _move(meaning: str, **data: str) -> EventKind:
    return EventKind(meaning, {**data, "from": "status", "to": "status"})


def _money(meaning: str) -> EventKind:
    return _kind(
        meaning,
        kind="which fact",
        amount="how much",
        currency="of the amount",
        external_id="the platform's id of the fact",
    )


def _snapshot(meaning: str) -> EventKind:
    return _kind(
        meaning,
        number="its number",
        state="as we understand it, or deleted",
        source_status="the storefront's word",
        version="of what was told",
    )


def _cancelled(meaning: str) -> EventKind:
    return _kind(
        meaning,
        by="who asked",
        units="line -> units",
        tells_customer="whether the customer is to be told",
    )


def _effect(meaning: str) -> EventKind:
    return _move(
        meaning,
        effect="kind",
        reference="ours, outside",
        subject_kind="of what",
        subject_id="which one",
        token="the lease's number",  # noqa: S106 -- no secret
        outcome="what the other side answered, if it did",
    )


def _mail(meaning: str, **data: str) -> EventKind:
    return _move(meaning, kind="which message", detail="the words of who decided", **data)


def _parcel(meaning: str) -> EventKind:
    return _move(meaning, status="the same as to", tracking_number="its number, if it has one")


def _pause(meaning: str) -> EventKind:
    """Of a connection as a whole (from, to), or of one flow or all of a merchant's."""
    return _move(
        meaning,
        flow="which effects, or all",
        pause_id="which stop it is",
        is_fuse="whether a fuse stopped them",
    )


CATALOG: dict[str, EventKind] = {
    # Orders
    "order.imported": _snapshot("an order was seen for the first time"),
    "order.changed": _snapshot("the source told something new about an order"),
    "order.released": _kind("work on the order may start", by="paid, nothing_to_pay, terms, ..."),
    "order.held": _kind(
        "the order will not proceed, on purpose", kind="which hold", about="what, if it tells"
    ),
    "order.hold_lifted": _kind("one hold is gone", kind="which hold", about="what, if it tells"),
    "order.cancelled": _cancelled("the whole order is cancelled"),
    "order.lines_cancelled": _cancelled("units of lines are cancelled"),
    "order.reopened": _kind("a closed or cancelled order has work again", units="line -> units"),
    "customer.erased": _kind(
        "what was known of an order's customer is gone",
        orders="how many orders they had",
        counts="how many rows of each kind were emptied or removed",
    ),
    "order.address_changed": _kind(
        "another address applies", **{"from": "address id", "to": "address id"}
    ),
    "order.note_added": _kind("a person wrote a note", note_id="the note"),
    "order.tagged": _kind("tags changed", added="tags", removed="tags"),
    "order.fulfilled_elsewhere": _kind("others fulfilled units of it", units="line -> units"),
    # Payments
    "payment.authorized": _money("an amount is reserved"),
    "payment.captured": _money("an amount was taken"),
    "payment.pending": _money("a delayed method is under way"),
    "payment.failed": _money("a payment was refused"),
    "payment.refunded": _money("an amount went back"),
    "payment.refund_failed": _money("a refund came back"),
    "payment.voided": _money("an authorization was given up"),
    "payment.disputed": _money("the customer's bank disputes it"),
    "payment.dispute_closed": _money("a dispute ended; its kind says how"),
    "payment.refund_pending": _money("a refund is under way"),
    "payment.review_opened": _money("the gateway reviews the payment for fraud"),
    "payment.review_closed": _money("the gateway has ended its review"),
    "payment.dismissed": _money("a person decided that an unmatched payment needs nothing"),
    "checkout.moved": _kind("a checkout of ours moved on", **{"from": "status", "to": "status"}),
    "checkout.taken_back": _kind(
        "a restored hub found a paid checkout of its own that it had forgotten",
        reference="ours",
        external_id="the session's id",
    ),
    "refund.wanted": _kind("a person wants money to go back", amount="amount", currency="which"),
    "refund.moved": _kind("a refund of ours moved on", **{"from": "status", "to": "status"}),
    "capture.wanted": _kind(
        "a person wants authorized money to be taken", amount="amount", currency="which"
    ),
    "capture.moved": _kind("a capture of ours moved on", **{"from": "status", "to": "status"}),
    "void.wanted": _kind(
        "a person wants authorized money to be let go", amount="amount", currency="which"
    ),
    "void.moved": _kind("a void of ours moved on", **{"from": "status", "to": "status"}),
    "payment.unmatched": _money("money came that belongs to no known order"),
    # Fulfillment
    "fulfillment_order.planned": _kind(
        "routing made a share of an order", provider="connection", share="its number"
    ),
    "fulfillment_order.submitted": _move("it was handed to the provider"),
    "fulfillment_order.accepted": _move("the provider has taken it", reference="theirs"),
    "fulfillment_order.readdressed": _kind(
        "the provider answered a change of address", answer="theirs", address_id="asked for"
    ),
    "fulfillment_order.shipping_chosen": _kind(
        "a person wants a share to go by another shipping method",
        **{"from": "the provider's word", "to": "the provider's word"},
    ),
    "fulfillment_order.shipping_answered": _kind(
        "the provider answered a change of shipping method",
        answer="theirs",
        shipping_method="asked for",
    ),
    "fulfillment_order.rejected": _move(
        "the provider refused it; without a fault, nothing had left", code="theirs", fault="whose"
    ),
    "fulfillment_order.held": _move("it waits for something"),
    "fulfillment_order.released": _move("it may go on"),
    "fulfillment_order.cancelling": _move("the provider was asked to stop"),
    "fulfillment_order.cancel_refused": _move("the provider would not stop"),
    "fulfillment_order.cancelled": _move("it will not be shipped"),
    "fulfillment_order.closed": _move("everything of it has left"),
    "fulfillment_order.reopened": _move("units that had left turned out not to have"),
    "fulfillment_order.changed": _move("the provider told of its progress", stage="their word"),
    "fulfillment_order.replaced": _kind(
        "a person wants units sent again", units="item -> units", replaces="which share"
    ),
    "artwork.copied": _kind("a print file was copied", url="where it came from"),
    "artwork.failed": _kind("a print file could not be copied", url="where it should be"),
    "mapping.changed": _kind(
        "a SKU becomes something else, or a shipping method is called otherwise",
        sku="which, or",
        kind="what it becomes",
        method_code="the storefront's, or",
        provider_method="the provider's",
    ),
    "shipment.recorded": _kind(
        "goods left together",
        units="line -> units",
        carrier="whose",
        tracking_number="if known by then",
    ),
    "shipment.tracked": _kind(
        "tracking came after the goods had left", tracking_number="the number"
    ),
    "shipment.voided": _kind("a shipment turned out not to exist"),
    "parcel.added": _kind(
        "a parcel has a tracking number", tracking_number="the number", carrier="whose"
    ),
    "parcel.moved": _parcel("a parcel's status changed"),
    "parcel.delivered": _parcel("a carrier says that it arrived"),
    "parcel.presumed_delivered": _parcel("no carrier could say; taken for delivered"),
    "parcel.exception": _parcel("a carrier reports trouble"),
    "parcel.returned": _parcel("it came back to its sender"),
    # Effects outside
    "attempt.intended": _effect("an effect outside is intended"),
    "attempt.called": _effect("the call is about to leave"),
    "attempt.accepted": _effect("the other side has it"),
    "attempt.rejected": _effect("the other side refused"),
    "attempt.not_sent": _effect("it never left"),
    "attempt.became_unknown": _effect("nobody knows whether it arrived"),
    # Connections
    "connection.added": _move("an account was connected", platform="which"),
    "connection.changed": _kind("its settings changed", fields="which"),
    "connection.went_live": _move("its effects reach outside from now on"),
    "connection.paused": _pause("its effects stopped"),
    "connection.resumed": _pause("its effects go on"),
    "connection.misconfigured": _move("the platform refuses our credentials"),
    "connection.recovered": _move("the platform accepts our credentials again"),
    "connection.import_begun": _kind(
        "its history is being read", flow="of what", import_id="which import"
    ),
    "connection.deliveries_refused": _kind(
        "its third webhook in a row was refused", check="what failed", refused="how many"
    ),
    "connection.archived": _move("it was removed; its history stays"),
    # Notifications
    "notification.wanted": _kind(
        "a customer should be told",
        kind="which message",
        fact="about what",
        not_before="when it may leave",
    ),
    "notification.sent": _mail("a mail was accepted by the mail service"),
    "notification.delivered": _mail("the mail service says that it arrived"),
    "notification.bounced": _mail("the mail came back"),
    "notification.refused": _mail("the mail service refused it"),
    "notification.became_unknown": _mail("the mail service may have taken it"),
    "notification.configured": _kind("what is told, how or by whom, changed", fields="which"),
    "notification.skipped": _mail("it was decided not to tell", fact="about what"),
    # Promises and input
    "obligation.opened": _kind("something is owed", kind="what", due_at="by when"),
    "obligation.met": _kind("what was owed is done", kind="what", due_at="by when"),
    "obligation.waived": _kind("a person let go of it", kind="what", due_at="by when"),
    "obligation.voided": _kind(
        "what was owed need not be done any more", kind="what", due_at="by when"
    ),
    "obligation.overdue": _kind("its deadline passed", kind="what", due_at="by when"),
    "inbox.parked": _kind("input could not be read or applied", why="why not"),
    "inbox.replayed": _kind("stored input was run again, on purpose"),
    "inbox.discarded": _kind("a person decided that it needs nothing"),
    "deadletter.buried": _kind("our own work gave up", task="which", error="why"),
    "deadletter.replayed": _kind("given-up work was run again, on purpose", task="which"),
    "deadletter.discarded": _kind("a person decided that it needs nothing", task="which"),
    # The installation
    "alert.raised": _kind("a person should know", kind="what", cause="of what"),
    "alert.acknowledged": _kind("a person has seen it", kind="what", cause="of what"),
    "alert.recovered": _kind("it is over", kind="what", cause="of what"),
    "installation.adopted": _kind("a person let the effects of a moved database go on"),
    # People and keys
    "merchant.created": _kind("a merchant was set up", code="its code"),
    "merchant.changed": _kind("a merchant's own settings changed", fields="which ones"),
    "customer.revealed": _kind("a person looked at personal data", what="which parts"),
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
