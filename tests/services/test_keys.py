"""A key that was made a moment ago verifies at once, and whoever asks for unknown ones asks Vault rarely."""

from __future__ import annotations

import asyncio

from pydantic import SecretStr

from services.agents.keys import KeyPair, SigningKey, SigningKeyRing
from tests.support.eventually import eventually


def key(kid: str) -> SigningKey:
    return SigningKey.of(SecretStr(f"a secret of more than thirty-two bytes, of {kid}"), kid)


class Shelf:
    """Where the keys lie; ``looks`` counts who looked."""

    def __init__(self) -> None:
        self.pair, self.looks = KeyPair(key("first")), 0

    async def fetch(self) -> KeyPair:
        self.looks += 1
        found = self.pair
        await asyncio.sleep(0.1)
        return found


async def test_a_new_key_is_found_though_somebody_looked_a_moment_ago() -> None:
    shelf = Shelf()
    ring = SigningKeyRing(shelf.fetch)
    assert await ring.for_token("of-nobody") == []
    shelf.pair = KeyPair(key("second"), key("first"))
    assert [found.kid for found in await ring.for_token("second")] == ["second"]


async def test_a_new_key_is_found_though_a_look_is_under_way_that_began_before_it() -> None:
    shelf = Shelf()
    ring = SigningKeyRing(shelf.fetch)
    looking = asyncio.create_task(ring.for_token("of-nobody"))
    await eventually(lambda: shelf.looks == 1)
    shelf.pair = KeyPair(key("second"), key("first"))
    assert [found.kid for found in await ring.for_token("second")] == ["second"]
    assert await looking == []


async def test_unknown_key_ids_wait_for_one_look_together() -> None:
    shelf = Shelf()
    ring = SigningKeyRing(shelf.fetch)
    await ring.pair()
    assert await asyncio.gather(*(ring.for_token(f"nobody-{n}") for n in range(200))) == [[]] * 200
    assert shelf.looks == 2


async def test_a_key_that_was_set_is_never_looked_for() -> None:
    assert await SigningKeyRing.fixed(SecretStr("a secret of more than thirty-two bytes")).for_token("of-nobody") == []
