"""Who may knock: API keys, stored hashed."""

from zhanggui.access.keys import ApiKey, create, keys, revoke, verify

__all__ = ["ApiKey", "create", "keys", "revoke", "verify"]
