"""A person's second factor: set up with an authenticator, on once a first code has proved it."""

from django_otp import devices_for_user
from django_otp.plugins.otp_totp.models import TOTPDevice

from entrepot.access.models import User


def has_second_factor(user: User) -> bool:
    """Whether signing in asks this person for a code."""
    return any(True for _ in devices_for_user(user))


def waiting_factor(user: User) -> TOTPDevice:
    """The factor that a person is setting up; asking again gives the same secret."""
    known = TOTPDevice.objects.filter(user=user, confirmed=False).first()
    if known is not None:
        return known
    made = TOTPDevice(user=user, name="authenticator", confirmed=False)
    made.save(force_insert=True)
    return made


def confirm_factor(device: TOTPDevice, code: str) -> bool:
    """Turn a factor on when its code is right; False, and nothing changed, when it is not."""
    if not device.verify_token(code):
        return False
    device.confirmed = True
    device.save()
    return True


def take_factors_off(user: User) -> None:
    """Let a person sign in without a code again: the device is lost, or was somebody else's."""
    for device in list(devices_for_user(user, confirmed=None)):
        device.delete()
