"""Which addresses a connector may reach. Whoever writes a name into a settings file or a page must not make a connector knock
at doors inside the agency's own network, so a name is resolved here, every address is looked at, and the connection goes to
an address that was looked at: resolving again would let the name's owner answer otherwise the second time.

Connecting is left to outgoing.py.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

import anyio

from connectors.sdk import Transient

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

MAX_ADDRESSES: Final = 16
_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052


class AddressRefused(Transient):
    """The name leads to an address that configuration does not allow. Deliveries wait: the name, or allow_networks, is wrong,
    and not what was to be sent."""


async def resolved(host: str, port: int) -> Sequence[str]:
    """The addresses that the system's resolver knows for a name, in its order. Raises OSError."""
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def reachable(host: str, port: int, networks: Sequence[Network], resolve: Resolve = resolved) -> list[str]:
    """The addresses to connect to, in the resolver's order.

    Raises AddressRefused if any address of the name is not allowed (a name that is partly inside is no honest one), and
    Transient if the name has none.
    """
    try:
        texts = [host] if _is_address(host) else await resolve(host, port)
        addresses = [ip_address(text) for text in texts[:MAX_ADDRESSES]]
    except (OSError, ValueError, UnicodeError):
        raise Transient("the host's name cannot be resolved") from None
    if not addresses:
        raise Transient("the host's name has no address")
    if not all(allowed(address, networks) for address in addresses):
        raise AddressRefused("the host's address is not a public one, and allow_networks does not name it")
    return [str(address) for address in addresses]


def allowed(address: Address, networks: Sequence[Network] = ()) -> bool:
    """Whether an address is in one of the networks, or else public: not private, loopback, link-local, multicast, reserved,
    nor an IPv6 form of such an IPv4 address."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if any(address in network for network in networks):
        return True
    return _public(address) and all(_public(inner) for inner in _embedded(address))


def _public(address: Address) -> bool:
    special = (
        address.is_private,
        address.is_loopback,
        address.is_link_local,
        address.is_multicast,
        address.is_reserved,
        address.is_unspecified,
        isinstance(address, IPv6Address) and address.is_site_local,
    )
    in_nat64 = isinstance(address, IPv6Address) and address in _NAT64  # public or not by what is embedded
    return in_nat64 or (address.is_global and not any(special))


def _embedded(address: Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses to which a packet for this one may be carried on: 6to4, Teredo, NAT64."""
    if isinstance(address, IPv4Address):
        return
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if address in _NAT64:
        yield IPv4Address(int(address) & 0xFFFFFFFF)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
