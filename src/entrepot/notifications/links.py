"""Addresses that leave the hub in mails: signed, without an id that could be guessed."""

from datetime import timedelta

from django.conf import settings

from entrepot.access.signing import make_token

TRACKING_PURPOSE = "tracking"
# What `by` is in the token of somebody who knew a number and an e-mail address: such a token opens
# the page and hides there what a mailed link shows.
BY_LOOK_UP = "look-up"
TRACKING_LIFETIME = timedelta(days=365)


def tracking_token(merchant_id: int, order_id: int) -> str:
    """A token that opens one order's tracking page; its values are `merchant` and `order`."""
    return make_token(
        TRACKING_PURPOSE, {"merchant": merchant_id, "order": order_id}, lifetime=TRACKING_LIFETIME
    )


def tracking_page(token: str) -> str:
    """The address of the tracking page for a token."""
    return f"{settings.PUBLIC_URL}/t/{token}/"


def mails_off(token: str) -> str:
    """The address where the customer stops the mails about the order."""
    return f"{settings.PUBLIC_URL}/t/{token}/mails/"
