"""What everyone who registers webhooks promises."""

from tests.conformance.conftest import Outside

CAPABILITY = "subscribe"
URL = "https://hub.example/hooks/7"


def test_registering_twice_is_registering_once(outside: Outside) -> None:
    first = outside.client.subscribe(url=URL, secret="s3cret-one")
    again = outside.client.subscribe(url=URL, secret="s3cret-two")

    registered = [each for each in outside.client.subscriptions() if each.url == URL]
    assert first
    assert len(registered) == len(again) == len(first)
    assert all(each.is_active for each in registered)


def test_removing_is_repeatable_and_leaves_others_alone(outside: Outside) -> None:
    others = outside.client.subscribe(url="https://else.example/hook", secret="s3cret")
    ours = outside.client.subscribe(url=URL, secret="s3cret")

    for subscription in [*ours, *ours]:
        outside.client.unsubscribe(subscription.external_id)

    left = {each.external_id for each in outside.client.subscriptions()}
    assert left == {each.external_id for each in others}
