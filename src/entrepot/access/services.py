"""Merchants, people and their roles: the ways in which they come and go."""

from collections.abc import Iterator
from contextlib import contextmanager
from zoneinfo import available_timezones

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from entrepot.access import scope
from entrepot.access.models import Membership, Merchant, User
from entrepot.access.states import Role
from entrepot.database.rows import Mode
from entrepot.events import outbox


class HasAccount(Exception):
    """Somebody who signs in already was to be given a first role at a merchant.

    Whoever invited them first may have chosen their password, so they have to say yes themselves.
    """

    def __init__(self, user_id: int) -> None:
        super().__init__("this person signs in already: they have to accept the role themselves")
        self.user_id = user_id


class LastOwner(Exception):
    """A merchant would be left without an owner."""

    def __init__(self, merchant_id: int) -> None:
        super().__init__(
            f"cannot take the last owner from merchant {merchant_id}: name another owner first"
        )
        self.merchant_id = merchant_id


def create_merchant(
    *, name: str, code: str, time_zone: str = "UTC", locale: str = "en", mode: Mode = Mode.LIVE
) -> Merchant:
    """Set up a merchant. `code` is its short name in addresses, unique in the installation.

    Raises:
        IntegrityError: the code is taken.
    """
    with scope.system():
        merchant = Merchant.objects.create(
            name=name, code=code, time_zone=time_zone, locale=locale, mode=mode
        )
        outbox.record(
            "merchant.created",
            merchant_id=merchant.id,
            mode=mode,
            subject=("merchant", merchant.id),
            data={"code": code},
        )
    return merchant


def change_merchant(
    merchant_id: int, *, name: str, time_zone: str, locale: str, mode: Mode
) -> Merchant:
    """Set how a merchant is called, its time zone, language, and the mode its pages start with.

    The same again changes nothing.

    Raises:
        ValidationError: the name is empty, or there is no such time zone; `messages` says which.
    """
    if not name.strip():
        raise ValidationError("a merchant needs a name")
    if time_zone not in available_timezones():
        raise ValidationError(f"there is no time zone {time_zone!r}")
    wanted = {"name": name.strip(), "time_zone": time_zone, "locale": locale, "mode": str(mode)}
    with scope.merchant(merchant_id):
        merchant = Merchant.objects.select_for_update().get(id=merchant_id)
        changed = sorted(key for key, value in wanted.items() if getattr(merchant, key) != value)
        if not changed:
            return merchant
        for key in changed:
            setattr(merchant, key, wanted[key])
        merchant.save(update_fields=changed)
        outbox.record(
            "merchant.changed",
            merchant_id=merchant_id,
            mode=mode,
            subject=("merchant", merchant_id),
            data={"fields": changed},
        )
    return merchant


def invite(merchant_id: int, *, email: str, name: str, role: Role) -> Membership:
    """Give somebody a role, and let them sign in if nobody knows them yet.

    A new person has no password: the link of `invitations.password_token` sets the first one.

    Raises:
        HasAccount: they sign in already and have no role here; `invitations.join_token` asks them.
        LastOwner: it is the merchant's only owner, who would not be any more.
    """
    with scope.merchant(merchant_id):
        user = User.objects.filter(email=email.strip().lower()).first()
        if user is None:
            user = create_user(email=email, name=name)
        elif not Membership.objects.filter(user=user, merchant_id=merchant_id).exists():
            raise HasAccount(user.id)
        return grant_role(user.id, merchant_id=merchant_id, role=role)


def create_user(
    *,
    email: str,
    name: str,
    password: str | None = None,
    time_zone: str = "UTC",
) -> User:
    """Let a person sign in; without a password only once one was set.

    They may do nothing before `grant_role`; Django's own flags open nothing and are not set.

    Raises:
        ValidationError: the password is too weak; `messages` says in which ways.
        IntegrityError: somebody has that e-mail address.
    """
    user = User(email=email.strip().lower(), name=name, time_zone=time_zone)
    if password is not None:
        validate_password(password, user)
    user.set_password(password)
    with _any_scope():
        user.save(force_insert=True)
    return user


def set_password(user: User, password: str) -> User:
    """Give a person another password; their sessions end with the old one.

    Raises:
        ValidationError: the password is too weak.
    """
    validate_password(password, user)
    user.set_password(password)
    with _any_scope():
        user.save(update_fields=["password"])
    return user


def grant_role(user_id: int, *, merchant_id: int, role: Role) -> Membership:
    """Give a person a role at a merchant, in place of the one they had.

    The same role again changes nothing.

    Raises:
        LastOwner: the person is the merchant's only owner and would not be any more.
    """
    with scope.merchant(merchant_id):
        membership = (
            Membership.objects.select_for_update()
            .filter(user_id=user_id, merchant_id=merchant_id)
            .first()
        )
        if membership is None:
            membership = Membership(user_id=user_id, merchant_id=merchant_id, role=role)
        elif membership.role == role:
            return membership
        else:
            _keep_an_owner(membership)
            membership.role = role
        membership.save()
        _record_role("user.role_granted", membership)
    return membership


def revoke_role(user_id: int, *, merchant_id: int) -> None:
    """Take a person's role at a merchant; without one nothing changes.

    Raises:
        LastOwner: the person is the merchant's only owner.
    """
    with scope.merchant(merchant_id):
        membership = (
            Membership.objects.select_for_update()
            .filter(user_id=user_id, merchant_id=merchant_id)
            .first()
        )
        if membership is None:
            return
        _keep_an_owner(membership)
        membership.delete()
        _record_role("user.role_revoked", membership)


def _keep_an_owner(membership: Membership) -> None:
    """Locks all owners in key order, so that two of them cannot leave at the same moment."""
    owners = list(
        Membership.objects.select_for_update()
        .filter(merchant_id=membership.merchant_id, role=Role.OWNER)
        .order_by("id")
        .values_list("user_id", flat=True)
    )
    if owners == [membership.user_id]:
        raise LastOwner(membership.merchant_id)


def _record_role(name: str, membership: Membership) -> None:
    outbox.record(
        name,
        merchant_id=membership.merchant_id,
        mode=Mode.LIVE,
        subject=("user", membership.user_id),
        data={"role": membership.role},
    )


@contextmanager
def _any_scope() -> Iterator[None]:
    """People belong to no merchant: any open scope will do, else the system's."""
    if scope.is_open():
        yield
        return
    with scope.system():
        yield
