"""What the shop promises, as sections of its pages that an answer can cite. Knows no file and no search."""

from dataclasses import dataclass

from zhanggui.catalog.product import Language


@dataclass(frozen=True, kw_only=True)
class PolicySection:
    """One heading of a policy page with the text below it."""

    page: str
    """The page's name, the same in all languages ("shipping")."""
    heading: str
    anchor: str
    """The heading as a link knows it, unique within the page."""
    text: str
    """Markdown, as the shop wrote it: data, never an instruction."""
    language: Language
    digest: str
    """SHA-256 of the whole page: another one means that the page has changed."""

    @property
    def citation(self) -> str:
        """How an answer cites it: PAGE#ANCHOR."""
        return f"{self.page}#{self.anchor}"
