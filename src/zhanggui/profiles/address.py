"""Addresses in the form in which they are compared: one mailbox, one text. Sends nothing, and keeps what was given as given."""

import re
import unicodedata

CONTACT = "email:"
"""How the id of a contact begins of whom nothing but an e-mail address is known; the address follows, normalised."""
_APART = re.compile(r"\(0\)|[\s().\-\u2010-\u2015/]")
_LONGEST_ID = 256


def normalise(channel: str, address: str) -> str:
    """The address as it is compared: NFKC, without blanks around it; of e-mail in lower case with its domain in ASCII
    (plus-tags stay), of telephone numbers without what sets digits apart. Doing it twice changes nothing.
    """
    if channel == "email":
        name, at, domain = _composed(_composed(address).strip().lower()).strip().rpartition("@")
        return f"{name}{at}{_ascii(domain)}"
    if channel == "sms":
        number = _composed(_APART.sub("", _composed(address)))
        return f"+{number[2:]}" if number.startswith("00") else number
    return address.strip()


def contact_id(email: str) -> str | None:
    """The id of the contact at an e-mail address; None for what cannot be one."""
    address = normalise("email", email)
    name, _, domain = address.rpartition("@")
    usable = name and domain and address.isprintable() and " " not in address
    return f"{CONTACT}{address}" if usable and len(CONTACT) + len(address) <= _LONGEST_ID else None


def _composed(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _ascii(domain: str) -> str:
    try:
        return domain.encode("idna").decode().strip().lower()
    except UnicodeError:  # an empty or a long label: no domain, and compared as it is
        return domain
