"""Zhanggui (掌柜): an AI marketing engine that an online shop runs itself."""
