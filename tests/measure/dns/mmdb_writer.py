"""A small mmdb file of our own making. Source: MaxMind DB File Format Specification 2.0."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path
from typing import Any

_RECORD_BITS = 24


class _Uint16(int):
    """A number that readers expect in two bytes."""


class _Uint64(int):
    """A number that readers expect in eight bytes."""


def write_mmdb(path: Path, networks: dict[str, dict[str, Any]], ip_version: int = 6) -> None:
    """Write a file that gives each network its record; IPv4 networks lie under ::/96."""
    nodes: list[list[Any]] = [[None, None]]
    for text, record in networks.items():
        _insert(nodes, _bits(ipaddress.ip_network(text), ip_version), record)
    data, offsets = b"", {}
    for node in nodes:
        for value in node:
            if isinstance(value, dict) and id(value) not in offsets:
                offsets[id(value)] = len(data)
                data += _encode(value)
    tree = b"".join(_record(value, len(nodes), offsets).to_bytes(3, "big") for node in nodes for value in node)
    about = {
        "binary_format_major_version": _Uint16(2),
        "binary_format_minor_version": _Uint16(0),
        "build_epoch": _Uint64(1),
        "database_type": "Test-ASN",
        "description": {"en": "test"},
        "ip_version": _Uint16(ip_version),
        "languages": ["en"],
        "node_count": len(nodes),
        "record_size": _Uint16(_RECORD_BITS),
    }
    path.write_bytes(tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + _encode(about))


def _bits(network: ipaddress.IPv4Network | ipaddress.IPv6Network, ip_version: int) -> str:
    width = network.max_prefixlen
    bits = f"{int(network.network_address):0{width}b}"[: network.prefixlen]
    return "0" * 96 + bits if network.version == 4 and ip_version == 6 else bits


def _insert(nodes: list[list[Any]], bits: str, record: dict[str, Any]) -> None:
    node = 0
    for bit in bits[:-1]:
        if nodes[node][int(bit)] is None:
            nodes.append([None, None])
            nodes[node][int(bit)] = len(nodes) - 1
        node = nodes[node][int(bit)]
    nodes[node][int(bits[-1])] = record


def _record(value: Any, node_count: int, offsets: dict[int, int]) -> int:
    if value is None:
        return node_count
    return value if isinstance(value, int) else node_count + 16 + offsets[id(value)]


def _encode(value: Any) -> bytes:
    if isinstance(value, str):
        content = value.encode()
        if len(content) < 29:
            return bytes([2 << 5 | len(content)]) + content
        return bytes([2 << 5 | 29, len(content) - 29]) + content
    if isinstance(value, dict):
        return bytes([7 << 5 | len(value)]) + b"".join(_encode(key) + _encode(part) for key, part in value.items())
    if isinstance(value, list):
        return bytes([len(value), 11 - 7]) + b"".join(map(_encode, value))
    if isinstance(value, _Uint16):
        return bytes([5 << 5 | 2]) + struct.pack(">H", value)
    if isinstance(value, _Uint64):
        return bytes([8, 9 - 7]) + struct.pack(">Q", value)
    return bytes([6 << 5 | 4]) + struct.pack(">I", value)
