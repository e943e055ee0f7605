"""Text in, text out: the protocol, and models behind it. `local` and `remote` are loaded only when named."""

from zhanggui.llm.model import ChatMessage, ChatRequest, Completion, LanguageModel, Sampling

__all__ = ["ChatMessage", "ChatRequest", "Completion", "LanguageModel", "Sampling"]
