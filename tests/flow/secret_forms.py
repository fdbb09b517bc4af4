"""The forms in which a secret may lie about: in a file, in an answer, in the memory of a process."""
import base64
import re

import bench_pki

SLICE = 16  # bytes of a long number that are looked for: a copy may have been cut or partly overwritten


def numbers(key_path):
    """The secret numbers of a private key, as bytes."""
    text = bench_pki.openssl("pkey", "-in", key_path, "-noout", "-text").decode()
    found = re.findall(r"^(?:priv|privateExponent|prime1|prime2|exponent1|exponent2|coefficient):\n((?:    .*\n)+)", text,
                       re.M)
    return [bytes.fromhex("".join(one.split()).replace(":", "")).lstrip(b"\0") for one in found]


def of_key(one):
    """{form: bytes} of an Identity's private key: its PEM lines, its DER, its numbers as they are written and as a
    computer keeps them."""
    forms = {}
    lines = one.secrets()
    # An RSA key begins with its modulus, which its certificate has, too.
    for i, line in enumerate(lines[len(lines) * 3 // 10:-1] if len(lines) > 3 else lines[1:]):
        forms[f"PEM line {i}"] = line[:40].encode()
    for i, number in enumerate(numbers(one.key_path)):
        middle = len(number) // 2
        forms[f"number {i}"] = number[middle - SLICE // 2:middle + SLICE // 2]
        little = number[::-1]
        forms[f"number {i}, little-endian"] = little[middle - SLICE // 2:middle + SLICE // 2]
    return forms


def of_text(text):
    """{form: bytes} of a password or a token."""
    raw = text.encode()
    encoded = base64.b64encode(raw).rstrip(b"=")
    forms = {"text": raw, "hexadecimal": raw.hex().encode(), "UTF-16": text.encode("utf-16-be"),
             "base64": encoded[:len(encoded) // 4 * 4]}
    return forms


def found_in(data, secrets):
    """secrets: {name: {form: bytes}}; the names and forms that are in the data."""
    return sorted({f"{name}: {form}" for name, forms in secrets.items() for form, value in forms.items()
                   if value in data})


def writable_memory(pid):
    """(name, bytes) of each part of a process's memory that a core dump would hold."""
    with open(f"/proc/{pid}/smaps", encoding="utf-8", errors="replace") as f:
        parts = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)\n((?:[A-Z].*\n)+)", f.read(), re.M)
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end, mode, name, facts in parts:
            flags = re.search(r"^VmFlags:(.*)$", facts, re.M)[1].split()
            if "w" not in mode or "dd" in flags or re.search(r"^Rss: +0 kB$", facts, re.M):
                continue
            start, end = int(start, 16), int(end, 16)
            memory.seek(start)
            data = bytearray()
            while len(data) < end - start:
                data += memory.read(min(end - start - len(data), 16 << 20))
            yield name or "anonymous", bytes(data)
