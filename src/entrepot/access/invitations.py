"""Links with which a person sets a password: the first one, or another when it is forgotten.

A merchant hands them to its own people, so a link must never open an account that works for other
merchants as well: it holds only while the person belongs to the merchant that made it, and to no
other, and until the password is set or the person signs in.
"""

import hmac
from dataclasses import dataclass
from datetime import timedelta

from entrepot.access import crypto, scope
from entrepot.access.models import Membership, User
from entrepot.access.queries import memberships_of
from entrepot.access.second_factor import take_factors_off
from entrepot.access.services import set_password
from entrepot.access.signing import BadToken, make_token, read_token
from entrepot.database.rows import Mode
from entrepot.events import outbox

PURPOSE = "set-password"
LIFETIME = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class PasswordLink:
    """Whose password a link sets, and whether a lost second factor goes with the old one."""

    user: User
    takes_factor_off: bool


def password_token(user_id: int, *, merchant_id: int, takes_factor_off: bool = False) -> str:
    """Make the token of a link for one of a merchant's people.

    Raises:
        Membership.DoesNotExist: the person has no role at the merchant.
    """
    with scope.merchant(merchant_id):
        membership = Membership.objects.select_related("user").get(
            user_id=user_id, merchant_id=merchant_id
        )
        outbox.record(
            "user.password_link_made",
            merchant_id=merchant_id,
            mode=Mode.LIVE,
            subject=("user", user_id),
            data={"takes_factor_off": takes_factor_off},
        )
    values = {
        "user": user_id,
        "factor": takes_factor_off,
        "proof": _proof(membership.user, [merchant_id]),
    }
    return make_token(PURPOSE, values, lifetime=LIFETIME)


def link_of_token(token: str) -> PasswordLink:
    """What a token is good for. Call it outside any merchant's scope.

    Raises:
        BadToken: it is not ours, it was used, its time is over, or the person's roles have changed.
    """
    values = read_token(PURPOSE, token)
    user = User.objects.filter(id=values["user"], is_active=True).first()
    if user is None:
        raise BadToken("the person of this link is not here any more")
    merchants = [membership.merchant_id for membership in memberships_of(user.id)]
    if not hmac.compare_digest(_proof(user, merchants), str(values["proof"])):
        raise BadToken("the link was used, or the person's roles have changed: ask for another")
    return PasswordLink(user, takes_factor_off=bool(values["factor"]))


def use_link(token: str, password: str) -> User:
    """Set the password that a link is for; it is used up by that.

    Raises:
        BadToken: as `link_of_token`.
        ValidationError: the password is too weak.
    """
    with scope.system():
        link = link_of_token(token)
        user = set_password(link.user, password)
        if link.takes_factor_off:
            take_factors_off(user)
    return user


def _proof(user: User, merchants: list[int]) -> str:
    """Changes with the password, with each signing in, and with the merchants one works for."""
    parts = (user.id, user.password, user.last_login, sorted(merchants))
    return crypto.keyed_hash(PURPOSE, "|".join(map(str, parts))).hex()
