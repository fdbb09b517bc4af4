#!/usr/bin/python3
"""The files of the dashboard as one C file: each compressed, with its type, and one version of them all.

usage: ui_pack.py FOLDER OUT.c. In index.html, @UI@ becomes the version, so that whoever has one page has the rest of the
same make. Lines that only comment are sent empty: a tenth less to load, and a browser still names the right line.
README.md, and what begins with '.' or ends with '~', stay out. See ui.h for what is made of it."""
import gzip
import hashlib
import os
import posixpath
import re
import sys

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".svg": "image/svg+xml"}
IMPORT = re.compile(r"^(?:import|export)\b(?:[^'\"=();]*\bfrom)?\s*'([^']+)'", re.M)
COMMENT = re.compile(rb"^[ \t]*(?://.*|/\*(?:(?!\*/)[\s\S])*\*/[ \t]*)$", re.M)
DEPTH = 1  # folders below the first, as the routes have it


def without_comments(path, data):
    if not path.endswith((".js", ".css")):
        return data
    if any(line.count(b"`") % 2 for line in data.split(b"\n")):
        sys.exit(f"{path}: a template of several lines may hold what looks like a comment")
    return COMMENT.sub(lambda comment: b"\n" * comment[0].count(b"\n"), data)


def files_of(folder):
    """(folder, name, type, bytes as they are sent) of each file, in an order that is the same everywhere."""
    found = []
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        below = os.path.relpath(where, folder).replace(os.sep, "/")
        below = "" if below == "." else below
        for name in sorted(n for n in names if n != "README.md" and not n.startswith(".") and not n.endswith("~")):
            kind = TYPES.get(os.path.splitext(name)[1])
            if kind is None or below.count("/") >= DEPTH:
                sys.exit(f"{os.path.join(where, name)}: not a file of a page, or too deep")
            path = os.path.join(where, name)
            with open(path, "rb") as f:
                found.append((below, name, kind, without_comments(path, f.read())))
    return sorted(found)


def version_of(files):
    digest = hashlib.sha256()
    for folder, name, _, data in files:
        digest.update(f"{folder}/{name} {len(data)}\n".encode() + data)
    return digest.hexdigest()[:16]


def modules_of(files, first):
    """The addresses of what a script imports, and of what that does, and so on: the nearest first."""
    scripts = {posixpath.join(folder, name): data.decode() for folder, name, _, data in files if name.endswith(".js")}
    found = [first]
    for path in found:
        for other in IMPORT.findall(scripts[path]):
            other = posixpath.normpath(posixpath.join(posixpath.dirname(path), other))
            if other not in found:
                found.append(other)
    return found[1:]


def page_of(data, files, version):
    """A browser finds what a script imports when it has the script; told here, it asks for all of them at once."""
    links = "".join(f'<link rel="modulepreload" href="/ui/@UI@/{path}">\n' for path in modules_of(files, "main.js"))
    script = b'<script type="module"'
    return data.replace(script, links.encode() + script, 1).replace(b"@UI@", version.encode())


def sent(files, version):
    """The same list, with the page as it is sent."""
    return [(folder, name, kind, page_of(data, files, version) if name.endswith(".html") else data)
            for folder, name, kind, data in files]


def compressed(data):
    return gzip.compress(data, 9, mtime=0)


def as_c(files, version):
    lines = ['#include "api/ui.h"', "", f'const char ui_version[] = "{version}";']
    rows = []
    for number, (folder, name, kind, data) in enumerate(sent(files, version)):
        packed = compressed(data)
        lines.append(f"static const uint8_t file_{number}[] = {{")
        lines += ["    " + ",".join(str(byte) for byte in packed[i:i + 32]) + "," for i in range(0, len(packed), 32)]
        lines.append("};")
        rows.append(f'    {{"{folder}", "{name}", "{kind}", file_{number}, sizeof file_{number}, {len(data)}}},')
    lines += ["const struct ui_file ui_files[] = {", *rows, "};", f"const size_t ui_file_count = {len(rows)};"]
    return "\n".join(lines) + "\n"


def sizes(folder):
    """{name: bytes as a browser loads them} of all files."""
    files = files_of(folder)
    return {posixpath.join(f, n): len(compressed(data)) for f, n, _, data in sent(files, version_of(files))}


def main(folder, out):
    files = files_of(folder)
    with open(out, "w", encoding="utf-8") as f:
        f.write(as_c(files, version_of(files)))


if __name__ == "__main__":
    main(*sys.argv[1:])
