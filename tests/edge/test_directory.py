"""What the edge remembers of addresses, and when it must not."""

import asyncio
from functools import partial

import psycopg

from entrepot.connections import services as connections
from entrepot.connections.models import Connection
from entrepot.edge.directory import Address, Directory

IS_WAITED_FOR = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"


def test_what_was_read_before_a_change_was_heard_is_not_remembered_after_it(
    shop: Connection, superuser_url: str
) -> None:
    async def ask() -> tuple[int, int]:
        directory = Directory("unused: this test tells it of changes itself")
        address = Address(shop.token)
        with psycopg.connect(superuser_url) as other:
            other.execute("LOCK TABLE connections_connection IN ACCESS EXCLUSIVE MODE")
            under_way = asyncio.create_task(directory.find(address))
            while not await asyncio.to_thread(_is_waited_for, other):
                pass
            directory.forget(shop.id)
        before = await under_way
        archive = partial(connections.archive, shop.id, merchant_id=shop.merchant_id)
        await asyncio.to_thread(archive, reason="closed")
        return len(before), len(await directory.find(address))

    assert asyncio.run(ask()) == (1, 0)


def _is_waited_for(connection: psycopg.Connection) -> bool:
    return connection.execute(IS_WAITED_FOR).fetchone() == (True,)
