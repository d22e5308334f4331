"""Links with which a person sets a password, or takes a role at a further merchant.

A merchant hands them to its own people, so a link must never open an account that works for other
merchants as well: it holds only while the person belongs to the merchant that made it, and to no
other, and until the password is set or the person signs in.

Nor may an account that one merchant made open another merchant: its password may be known to those
who handed the first link on. So who is known already gets no role before they accept it, signed in;
and who works for nobody any more chooses a new password with it.
"""

import hmac
from dataclasses import dataclass
from datetime import timedelta

from entrepot.access import crypto, scope
from entrepot.access.models import Membership, Merchant, User
from entrepot.access.queries import memberships_of
from entrepot.access.second_factor import take_factors_off
from entrepot.access.services import grant_role, set_password
from entrepot.access.signing import BadToken, make_token, read_token
from entrepot.access.states import Role
from entrepot.database.rows import Mode
from entrepot.events import outbox
from entrepot.events.models import Event

PURPOSE = "set-password"
JOIN_PURPOSE = "join-merchant"
ROLE_EVENTS = ("user.role_granted", "user.role_revoked")
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
        _note_link(
            "user.password_link_made", user_id, merchant_id, takes_factor_off=takes_factor_off
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


def _note_link(name: str, user_id: int, merchant_id: int, **data: object) -> None:
    outbox.record(
        name, merchant_id=merchant_id, mode=Mode.LIVE, subject=("user", user_id), data=data
    )


@dataclass(frozen=True, slots=True)
class Invitation:
    """A role that waits for somebody to take it; who works for nobody proves it by the link."""

    user: User
    merchant: Merchant
    role: Role
    needs_sign_in: bool


def join_token(user_id: int, *, merchant_id: int, role: Role) -> str:
    """Make the token of a link with which a person whom the hub knows takes a role."""
    with scope.merchant(merchant_id):
        _note_link("user.join_link_made", user_id, merchant_id, role=role)
        proof = _join_proof(user_id, merchant_id)
    values = {"user": user_id, "merchant": merchant_id, "role": role.value, "proof": proof}
    return make_token(JOIN_PURPOSE, values, lifetime=LIFETIME)


def invitation_of_token(token: str) -> Invitation:
    """What a token offers. Call it outside any merchant's scope.

    Raises:
        BadToken: it is not ours, its time is over, or the person's role there has changed since.
    """
    values = read_token(JOIN_PURPOSE, token)
    with scope.system():
        user = User.objects.filter(id=values["user"], is_active=True).first()
        merchant = Merchant.objects.filter(id=values["merchant"]).first()
        if user is None or merchant is None:
            raise BadToken("the person of this link is not here any more")
        if not hmac.compare_digest(_join_proof(user.id, merchant.id), str(values["proof"])):
            raise BadToken("the link was used, or the person's role has changed: ask for another")
        works = bool(memberships_of(user.id))
    return Invitation(user, merchant, Role(values["role"]), needs_sign_in=works)


def accept_invitation(token: str, *, signed_in: int | None, password: str = "") -> Invitation:
    """Take the role that a link offers; it is used up by that.

    Who works for nobody sets a password; whatever was known of the account before ends. Of two
    links that are used at once the second finds somebody who works for the first one's merchant,
    and has to be signed in.

    Raises:
        BadToken: as `invitation_of_token`, or somebody else is signed in.
        ValidationError: the password is too weak.
    """
    with scope.system():
        user_id = read_token(JOIN_PURPOSE, token)["user"]
        User.objects.select_for_update().filter(id=user_id).first()
        invitation = invitation_of_token(token)
        user = invitation.user
        if not invitation.needs_sign_in:
            set_password(user, password)
            take_factors_off(user)
        elif signed_in != user.id:
            raise BadToken("the link is for somebody else: sign in as the person who got it")
        with outbox.because(actor=f"user:{user.id}"):
            grant_role(user.id, merchant_id=invitation.merchant.id, role=invitation.role)
    return invitation


def _join_proof(user_id: int, merchant_id: int) -> str:
    """Changes with each role that the person gets or loses at the merchant."""
    told = Event.objects.filter(
        merchant_id=merchant_id,
        subject_kind="user",
        subject_id=user_id,
        name__in=ROLE_EVENTS,
    )
    return crypto.keyed_hash(JOIN_PURPOSE, f"{user_id}|{merchant_id}|{told.count()}").hex()


def _proof(user: User, merchants: list[int]) -> str:
    """Changes with the password, with each signing in, and with the merchants one works for."""
    parts = (user.id, user.password, user.last_login, sorted(merchants))
    return crypto.keyed_hash(PURPOSE, "|".join(map(str, parts))).hex()
