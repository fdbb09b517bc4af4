"""Reads an NVS partition of ESP-IDF as its library would, and says what that would stumble over.

    nvs.read(bytes)                # {(namespace, key): value}
    nvs.pages(bytes)               # ["active", "full", "erased", ...]
"""
import struct
import zlib

PAGE, ENTRY, ENTRIES = 4096, 32, 126
STATES = {0xFFFFFFFF: "erased", 0xFFFFFFFE: "active", 0xFFFFFFFC: "full", 0xFFFFFFF8: "freeing"}
INTEGERS = {0x01: "<B", 0x11: "<b", 0x02: "<H", 0x12: "<h", 0x04: "<I", 0x14: "<i", 0x08: "<Q", 0x18: "<q"}
STRING, CHUNK, INDEX = 0x21, 0x42, 0x48


def crc(data):
    return zlib.crc32(data, 0xFFFFFFFF)


def cut(partition):
    return [partition[at:at + PAGE] for at in range(0, len(partition), PAGE)]


def pages(partition):
    return [STATES[struct.unpack_from("<I", page)[0]] for page in cut(partition)]


def entries(page):
    """(head, data) of what is written on a page, in its order."""
    number = 0
    while number < ENTRIES:
        state = page[32 + number // 4] >> 2 * (number % 4) & 3
        at = 64 + number * ENTRY
        head = page[at:at + ENTRY]
        span = head[2] if state == 2 else 1
        if state == 2:
            assert struct.unpack_from("<I", head, 4)[0] == crc(head[:4] + head[8:]), f"entry {number} is damaged"
            assert 1 <= span <= ENTRIES - number, f"entry {number} spans {span}"
            for other in range(number, number + span):
                assert page[32 + other // 4] >> 2 * (other % 4) & 3 == 2, f"entry {other} is not marked"
            yield head, page[at + ENTRY:at + span * ENTRY]
        else:
            assert state == 0 or head == b"\xff" * ENTRY, f"entry {number} is empty and has bytes"
        number += span


def counted(head, data):
    size, _, checksum = struct.unpack_from("<HHI", head, 24)
    assert crc(data[:size]) == checksum, "data is damaged"
    return data[:size]


def read(partition):
    used = []
    for page in cut(partition):
        state, sequence = struct.unpack_from("<II", page)
        if STATES[state] == "erased":
            assert page == b"\xff" * PAGE, "a page without state is not erased"
            continue
        assert struct.unpack_from("<I", page, 28)[0] == crc(page[4:28]) and page[8] == 0xFE, "a page's head is damaged"
        used.append((sequence, page))
    used.sort()
    assert len({sequence for sequence, _ in used}) == len(used), "two pages have one sequence number"
    spaces, values, chunks = {}, {}, {}
    for _, page in used:
        for head, data in entries(page):
            space, kind, _, chunk = head[:4]
            key = head[8:24].split(b"\0")[0].decode()
            if space == 0:
                assert key not in spaces.values(), f"namespace {key} is there twice"
                spaces[head[24]] = key
                continue
            if kind == CHUNK:
                assert (space, key, chunk) not in chunks, f"a part of {key} is there twice"
                chunks[space, key, chunk] = counted(head, data)
                continue
            assert (space, key) not in values, f"{key} is there twice"
            values[space, key] = {STRING: lambda: counted(head, data)[:-1].decode(), INDEX: lambda: head[24:]}.get(
                kind, lambda: struct.unpack_from(INTEGERS[kind], head, 24)[0])()
    return joined(spaces, values, chunks)


def joined(spaces, values, chunks):
    """With the parts of blobs in their place."""
    out, left = {}, dict(chunks)
    for (space, key), value in values.items():
        if isinstance(value, bytes):
            size, count, first = struct.unpack_from("<IBB", value)
            value = b"".join(left.pop((space, key, first + i)) for i in range(count))
            assert len(value) == size, f"{key} has {len(value)} bytes, not {size}"
        out[spaces[space], key] = value
    assert not left, f"parts of blobs that are gone: {list(left)}"
    return out
