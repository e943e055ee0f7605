"""What is counted as one address, where something is counted by address. Knows no network."""

from ipaddress import IPv6Address, IPv6Network, ip_address


def neighbourhood(host: str) -> str:
    """The address; of IPv6 its network of 64 bits, of which a client has all addresses."""
    try:
        address = ip_address(host)
    except ValueError:  # a socket file, or a test
        return host
    if not isinstance(address, IPv6Address):
        return host
    return str(address.ipv4_mapped or IPv6Network((address, 64), strict=False))
