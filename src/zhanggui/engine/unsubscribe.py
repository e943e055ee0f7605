"""`engine.unsubscribe`: the way out of a shop's messages, for who holds a link of theirs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from zhanggui.catalog.product import Language
from zhanggui.config import ShopSettings
from zhanggui.delivery import unsubscribe
from zhanggui.profiles import consent
from zhanggui.storage import Database


@dataclass(frozen=True, kw_only=True)
class Unsubscribe:
    """The unsubscribe links of a shop and the pages behind them."""

    database: Database
    shop: ShopSettings
    secret: bytes
    clock: Callable[[], datetime]

    def url(self, customer_id: str, channel: str, language: Language) -> str:
        """The link that withdraws a customer's consent to marketing on a channel."""
        wish = unsubscribe.Unsubscription(
            customer_id=customer_id, channel=channel, purpose="marketing", language=language
        )
        return f"{self.shop.public_url.rstrip('/')}/unsubscribe/{unsubscribe.token(wish, self.secret)}"

    def page(self, token: str) -> str:
        """The page behind an unsubscribe link. Changes nothing. Raises NotFoundError for a broken link."""
        wish = unsubscribe.read(token, self.secret)
        return unsubscribe.page(wish.language, self.shop.name, done=False)

    def withdraw(self, token: str) -> str:
        """Withdraw the consent that a link names, at once; returns the confirmation page. Raises NotFoundError."""
        wish = unsubscribe.read(token, self.secret)
        withdrawal = consent.Consent(
            customer_id=wish.customer_id,
            channel=wish.channel,
            purpose="marketing",
            granted=False,
            at=self.clock(),
            how="unsubscribe link",
            text="",
        )
        with self.database.transaction() as connection:
            consent.record(connection, [withdrawal], now=withdrawal.at)
        return unsubscribe.page(wish.language, self.shop.name, done=True)

    def broken_page(self) -> str:
        """The page behind an unsubscribe link that is cut off or not ours: what to do, in both languages."""
        return unsubscribe.broken_page(self.shop.name, self.shop.contact)
