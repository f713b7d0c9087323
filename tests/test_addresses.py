import ipaddress

import pytest

from scenelet.addresses import HOLDS_V4, INSIDE_V4, INSIDE_V6, TEREDO, is_public

OUTSIDE_GLOBAL_V6 = (
    "::/128", "::1/128", "::/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "5f00::/16", "fc00::/7",
    "fe80::/10", "fec0::/10", "ff00::/8", "::ffff:0:0:0/96",
)  # fmt: skip
WITHIN_PROTOCOL_ASSIGNMENTS = ("2001::/23", "2001:2::/48", "2001:10::/28", "2001:db8::/32")
METADATA = (
    "169.254.169.254", "192.0.0.192", "100.100.100.200", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254",
    "169.254.170.2", "::ffff:192.0.0.192", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "::169.254.169.254",
)  # fmt: skip
ASKED_FOR = (
    "8.8.8.8",
    "1.1.1.1",
    "93.184.215.14",
    "192.31.196.1",
    "2606:4700::1111",
    "2a00:1450::8",
)


def ends(prefix):
    network = ipaddress.ip_network(prefix)
    return network[0], network[-1], network[network.num_addresses // 2]


@pytest.mark.parametrize(
    "prefix", [*INSIDE_V4, *INSIDE_V6, *OUTSIDE_GLOBAL_V6, *WITHIN_PROTOCOL_ASSIGNMENTS]
)
def test_no_address_of_a_special_purpose_prefix_is_public(prefix):
    for address in ends(prefix):
        assert not is_public(str(address)), address


@pytest.mark.parametrize("prefix", INSIDE_V4)
@pytest.mark.parametrize("holder", [each for each, _ in HOLDS_V4])
def test_an_ipv4_address_inside_an_ipv6_one_leads_where_it_does(prefix, holder):
    network = ipaddress.ip_network(holder)
    shift = 128 - network.prefixlen - 32
    for address in ends(prefix):
        held = int(network.network_address) | int(address) << shift
        assert not is_public(str(ipaddress.IPv6Address(held)))
    public = int(network.network_address) | int(ipaddress.IPv4Address("8.8.8.8")) << shift
    assert is_public(str(ipaddress.IPv6Address(public)))


@pytest.mark.parametrize("inner", ["10.0.0.1", "127.0.0.1", "192.0.0.192"])
def test_a_teredo_address_leads_to_its_server_and_its_client(inner):
    head = int(ipaddress.ip_network(TEREDO).network_address)
    public, inside = (int(ipaddress.IPv4Address(each)) for each in ("8.8.8.8", inner))
    turned = {each: ~each & 0xFFFFFFFF for each in (public, inside)}
    assert not is_public(str(ipaddress.IPv6Address(head | public << 64 | turned[inside])))
    assert not is_public(str(ipaddress.IPv6Address(head | inside << 64 | turned[public])))
    assert is_public(str(ipaddress.IPv6Address(head | public << 64 | turned[public])))


@pytest.mark.parametrize("address", METADATA)
def test_no_clouds_metadata_service_is_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ASKED_FOR)
def test_addresses_of_the_public_internet_are_public(address):
    assert is_public(address)


@pytest.mark.parametrize("prefix", INSIDE_V4)
def test_the_neighbours_of_a_prefix_are_not_refused_with_it(prefix):
    network = ipaddress.ip_network(prefix)
    others = [ipaddress.ip_network(each) for each in INSIDE_V4]
    for number in (int(network[0]) - 1, int(network[-1]) + 1):
        if 0 <= number < 2**32:
            neighbour = ipaddress.IPv4Address(number)
            assert is_public(str(neighbour)) != any(neighbour in each for each in others)


def test_the_interpreters_own_tables_are_not_asked(monkeypatch):
    for name in ("is_global", "is_private", "is_reserved", "is_multicast"):
        for kind in (ipaddress.IPv4Address, ipaddress.IPv6Address):
            monkeypatch.setattr(kind, name, property(lambda _: 1 / 0))
    assert is_public("8.8.8.8")
    assert not is_public("192.0.0.192")
    assert not is_public("fe80::1%eth0")
