"""Addresses inside are reached only if configuration names them, in whatever form they come."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sdk import Transient
from connectors.transports.addresses import AddressRefused, allowed, reachable

INSIDE = [
    *("127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1"),
    *("224.0.0.1", "239.1.1.1", "255.255.255.255", "198.18.0.1", "192.0.2.1", "240.0.0.1"),
    *("::1", "::", "fe80::1", "fe80::1%1", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::1"),
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_refused(address: str) -> None:
    assert not allowed(ip_address(address))


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_a_public_address_is_allowed(address: str) -> None:
    assert allowed(ip_address(address))


@given(st.ip_addresses(v=4))
def test_wrapping_an_address_into_the_newer_kind_opens_no_door(address: IPv4Address) -> None:
    mapped = IPv6Address(b"\0" * 10 + b"\xff\xff" + address.packed)
    translated = IPv6Address(bytes.fromhex("0064ff9b") + b"\0" * 8 + address.packed)
    tunnelled = IPv6Address(bytes.fromhex("2002") + address.packed + b"\0" * 10)
    assert allowed(mapped) == allowed(address) == allowed(translated)
    assert allowed(address) or not allowed(tunnelled)


def test_a_network_that_configuration_names_is_allowed_and_its_neighbour_is_not() -> None:
    networks = [ip_network("10.20.0.0/16"), ip_network("fd00:1::/32")]
    assert allowed(ip_address("10.20.3.4"), networks)
    assert allowed(ip_address("::ffff:10.20.3.4"), networks)
    assert allowed(ip_address("fd00:1::5"), networks)
    assert not allowed(ip_address("10.21.0.1"), networks)


def found(host: str, *addresses: str) -> list[str]:
    async def resolve(_host: str, _port: int) -> list[str]:
        if not addresses:
            raise OSError
        return list(addresses)

    async def ask() -> list[str]:
        return await reachable(host, 443, (), resolve)

    return anyio.run(ask)


def test_a_name_of_which_one_address_is_inside_is_refused_whole() -> None:
    assert found("name.example", "8.8.8.8", "1.1.1.1") == ["8.8.8.8", "1.1.1.1"]
    with pytest.raises(AddressRefused):
        found("name.example", "8.8.8.8", "10.0.0.1")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "0.0.0.0"])
def test_an_address_in_place_of_a_name_is_looked_at_too(host: str) -> None:
    with pytest.raises(AddressRefused):
        found(host, "8.8.8.8")


def test_a_name_without_an_address_may_have_one_later() -> None:
    with pytest.raises(Transient, match="cannot be resolved"):
        found("name.example")


@pytest.mark.parametrize("host", ["0x7f000001", "2130706433", "127.1", "0177.0.0.1"])
def test_odd_ways_to_write_an_address_do_not_lead_inside(host: str) -> None:
    async def ask() -> list[str]:
        return await reachable(host, 443, ())

    with pytest.raises(Transient):  # refused, or not resolved at all
        anyio.run(ask)
