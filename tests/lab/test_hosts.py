"""The hosts of the lab's worlds: those at fault, each with an address and a name of its own."""

from __future__ import annotations

from pytomo_scrapy.lab.faults import FAULTS, host_faults
from pytomo_scrapy.lab.hosts import DUAL_STACK_HOST_NAME, FAST, fault_host_name, full_name, host_fault, special_hosts

HOST = full_name(FAST[0])


def test_special_hosts_have_every_host_fault_each_on_an_address_of_its_own() -> None:
    hosts = special_hosts()
    own = {fault.name for fault in host_faults()}
    assert {fault_host_name(fault) for fault in own} <= hosts.keys()
    assert len({host.address for host in hosts.values()}) == len(hosts)
    assert FAULTS.keys() >= own
    assert all(name == host.name for name, host in hosts.items())


def test_host_fault_of_a_fault_s_host_is_that_fault_and_of_others_none() -> None:
    assert [host_fault(fault_host_name(fault.name)) for fault in host_faults()] == host_faults()
    assert host_fault(HOST) is None and host_fault(DUAL_STACK_HOST_NAME) is None
