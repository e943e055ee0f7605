"""By which name a customer may be greeted, if by any: traits are what anybody typed, or a broken client sent.

Says whether a text can be a name; whose it is it does not know.
"""

import re
import unicodedata

from zhanggui.catalog.clean import clean
from zhanggui.events.ids import is_no_id

_LONGEST = 60
_BETWEEN = frozenset(" -.'’·・&")
"""What stands between the letters of names: O’Brien, J. R., 阿里·木, Anna & Tom."""
_LINK = re.compile(r"\.\w{2,}|\bwww\b", re.IGNORECASE)
_NOBODY = frozenset({"test", "unknown", "anonymous", "guest", "customer", "user"})
"""What stands for a name in a form, beside what stands for an id."""


def greeted(value: object) -> str:
    """The name in a trait; empty for what is none, so that nobody is greeted by a link, a number, a list or `null`."""
    if not isinstance(value, str):
        return ""
    name = clean(value[:1_000])
    if len(name) > _LONGEST or is_no_id(name) or name.lower() in _NOBODY or _LINK.search(name):
        return ""
    kinds = [unicodedata.category(sign)[0] for sign in name if sign not in _BETWEEN]
    return name if "L" in kinds and set(kinds) <= {"L", "M"} else ""
