"""Stripe's test cards, and what a simulated Stripe does with each.

Source: docs.stripe.com, "Testing"; from experience, see README.md.
"""

DECLINES = {
    "4000000000000002": ("card_declined", "generic_decline", "Your card was declined."),
    "4000000000009995": (
        "card_declined",
        "insufficient_funds",
        "Your card has insufficient funds.",
    ),
    "4000000000000069": ("expired_card", "expired_card", "Your card has expired."),
}
AUTHENTICATES = "4000002500003155"  # wants 3-D Secure first
DISPUTES = "4000000000000259"  # paid, then disputed
REVIEWED = "4000000000009235"  # paid, then held for a review
REFUNDS_FAIL = "4000000000005126"  # a refund is made, and fails later
REFUNDS_PEND = "4000000000007726"  # a refund is pending for a while
