"""Who may knock: API keys, stored hashed."""

from zhanggui.access.keys import ApiKey, create, is_news, keys, note_server_use, revoke, scope_named, verify

__all__ = ["ApiKey", "create", "is_news", "keys", "note_server_use", "revoke", "scope_named", "verify"]
