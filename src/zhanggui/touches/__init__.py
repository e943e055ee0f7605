"""Who may be contacted when: permission, contact limits, contact history, suppression. Knows no offer and no word."""

from zhanggui.touches.contact_limits import Cap, ContactLimits

__all__ = ["Cap", "ContactLimits"]
