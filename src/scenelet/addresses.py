"""Which addresses are of the public internet, by IANA's registries as they stand here.

Python 3.11 to 3.14 each know another state of these registries, and some let a cloud's metadata
service pass. Knows no names and no sockets.

Source: https://www.iana.org/assignments/iana-ipv4-special-registry and
https://www.iana.org/assignments/iana-ipv6-special-registry, read 2026-11; RFC 4291 for what is
not unicast.
"""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Never asked for, though the registry calls a few anycast addresses of them reachable.
INSIDE_V4 = (
    "0.0.0.0/8",  # this network
    "10.0.0.0/8",  # private use
    "100.64.0.0/10",  # shared by a carrier's customers; metadata of some clouds
    "127.0.0.0/8",  # loopback
    "168.63.129.16/32",  # no special-purpose address, but Azure's wire server
    "169.254.0.0/16",  # link-local; metadata of most clouds
    "172.16.0.0/12",  # private use
    "192.0.0.0/24",  # IETF protocol assignments; 192.0.0.192: Oracle's metadata
    "192.0.2.0/24",  # documentation
    "192.88.99.0/24",  # 6to4 relays, deprecated
    "192.168.0.0/16",  # private use
    "198.18.0.0/15",  # benchmarking
    "198.51.100.0/24",  # documentation
    "203.0.113.0/24",  # documentation
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, and limited broadcast
)
GLOBAL_V6 = "2000::/3"  # all of global unicast; what is outside leads inside or nowhere
INSIDE_V6 = (
    "2001::/23",  # IETF protocol assignments: benchmarking, ORCHID, anycast
    "2001:db8::/32",  # documentation
    "3fff::/20",  # documentation
)
# IPv6 addresses that hold an IPv4 address, and by how many bits from the right it is shifted:
# they lead where that one does.
HOLDS_V4 = (
    ("::ffff:0:0/96", 0),  # IPv4-mapped
    ("64:ff9b::/96", 0),  # NAT64
    ("2002::/16", 80),  # 6to4
)
TEREDO = "2001::/32"  # holds its server's address, and its client's with all bits turned round

_BITS_V4 = 0xFFFFFFFF
_INSIDE_V4 = tuple(ipaddress.IPv4Network(each) for each in INSIDE_V4)
_INSIDE_V6 = tuple(ipaddress.IPv6Network(each) for each in INSIDE_V6)
_GLOBAL_V6, _TEREDO = ipaddress.IPv6Network(GLOBAL_V6), ipaddress.IPv6Network(TEREDO)
_HOLDS_V4 = tuple((ipaddress.IPv6Network(each), shift) for each, shift in HOLDS_V4)


def is_public(text: str) -> bool:
    """Whether an IP address is one of the public internet.

    An IPv4 address inside an IPv6 one counts as itself.
    """
    address = ipaddress.ip_address(text.split("%")[0])
    inner = _held(address)
    return all(_is_public(each) for each in inner or [address])


def _held(address: Address) -> list[Address]:
    """IPv4 addresses that an IPv6 address leads to."""
    if address.version == 4:
        return []
    bits = int(address)
    if address in _TEREDO:
        return [_v4(bits >> 64), _v4(~bits)]
    return [_v4(bits >> shift) for network, shift in _HOLDS_V4 if address in network]


def _v4(bits: int) -> Address:
    return ipaddress.IPv4Address(bits & _BITS_V4)


def _is_public(address: Address) -> bool:
    if address.version == 4:
        return not any(address in network for network in _INSIDE_V4)
    return address in _GLOBAL_V6 and not any(address in network for network in _INSIDE_V6)
