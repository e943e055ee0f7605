import asyncio
import threading

from zhanggui.api.health import Health
from zhanggui.errors import StorageError


def test_a_store_that_answers_has_no_trouble() -> None:
    assert asyncio.run(Health(lambda: None).trouble()) == ""


def test_what_is_wrong_is_said() -> None:
    def fails() -> None:
        raise StorageError("the disk is gone")

    assert asyncio.run(Health(fails).trouble()) == "the disk is gone"


def test_a_store_that_hangs_is_in_trouble_and_asked_once_however_many_want_to_know() -> None:
    asked, free = [], threading.Event()

    def hangs() -> None:
        asked.append(1)
        free.wait(30)

    async def many() -> list[str]:
        health = Health(hangs)
        told = await asyncio.gather(*[health.trouble() for _ in range(50)])
        told.append(await health.trouble())
        assert len(asked) == 1
        free.set()
        while (last := await health.trouble()) != "":
            assert "not answered" in last
        return told

    told = asyncio.run(many())
    assert len(told) == 51
    assert all("not answered" in text for text in told)
    assert len(asked) <= 2
