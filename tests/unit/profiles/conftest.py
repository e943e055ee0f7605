"""A transaction in a database of the test's own."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from zhanggui.storage import Database


@pytest.fixture
def connection(database: Database) -> Iterator[sa.Connection]:
    with database.transaction() as connection:
        yield connection
