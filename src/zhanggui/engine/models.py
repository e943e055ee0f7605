"""`engine.models`: the language model that writes, loaded when first asked for."""

from dataclasses import dataclass, field
from threading import Lock

from zhanggui.config import ModelSettings
from zhanggui.content.copywriter import with_copywriter
from zhanggui.llm.model import LanguageModel
from zhanggui.storage import plugins


@dataclass(frozen=True, kw_only=True)
class Models:
    """The model that a shop's settings name, or the one that was `given` in its place."""

    settings: ModelSettings
    given: LanguageModel | None = None
    _loaded: list[LanguageModel] = field(default_factory=list, init=False, repr=False)
    _loading: Lock = field(default_factory=Lock, init=False, repr=False)

    def writer(self) -> LanguageModel | None:
        """The model that writes; None when the shop has none. Raises ModelError when it cannot be loaded."""
        if self.given is not None or not self.settings.type:
            return self.given
        with self._loading:
            if not self._loaded:
                chosen = self.settings
                options = with_copywriter(chosen.options) if chosen.type == "local" else chosen.options
                self._loaded.append(plugins.make("zhanggui.models", chosen.type, options))
            return self._loaded[0]
