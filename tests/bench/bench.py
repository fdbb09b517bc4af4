"""Runs every benchmark and prints one table: what was measured, its budget, its peer in the same run.

bench.py BUILD_DIR [PART…], e.g. http. The rows lie in build/bench.json too. A figure over its budget is said so and ends the run with
status 1; a peer's figure is only shown.
"""
import base64
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "build", "release"))
os.environ["BIN_DIR"] = BUILD
sys.path.insert(0, os.path.join(ROOT, "tests", "flow"))
sys.path.insert(0, os.path.join(ROOT, "tests"))

import cloud_figures  # noqa: E402  (needs BIN_DIR)
import harness  # noqa: E402
import http_figures  # noqa: E402
import mfg_nvs  # noqa: E402
import streams  # noqa: E402
import ui_figures  # noqa: E402
import whole_flash  # noqa: E402

IMAGES = [(0x37000, 1232), (0x39000, 1688), (0x3B000, 1200)]
ROWS = []


def row(what, measured, unit, budget=None, worse=None):
    """budget: a limit; worse: "above" or "below" says which side of it is over."""
    over = budget is not None and (measured > budget if worse == "above" else measured < budget)
    ROWS.append({"what": what, "measured": measured, "unit": unit, "budget": budget, "over": over})


def c_bench(name, *args):
    """The JSON lines of one of the C programs."""
    out = subprocess.run([os.path.join(BUILD, "tests", "bench", name), *args], check=True, stdout=subprocess.PIPE,
                         env=dict(os.environ), text=True, timeout=600).stdout
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


def atpki():
    rows = {"atpki_sets": ("AtPKI sets on one core", 50000),
            "image_sets": ("AtPKI sets with hashes, in locked memory", 50000),
            "nvs_images": ("credentials into a stock mfg_nvs on one core", 2000),
            "nvs_sets": ("the same with a hash, in locked memory", 2000)}
    for line in c_bench("bench_atpki"):
        what, budget = rows[line["bench"]]
        row(what, round(line["per_second"]), "sets/s", budget, "below")


def flash():
    """Three PKI partitions at 115200, paced; the peer writes the same to the same kind of board."""
    for line in c_bench("bench_flash"):
        if line["bench"] == "flash_write":
            row("three PKI partitions: bytes to the board", line["bytes_out"], "bytes", 4560, "above")
            row("three PKI partitions: bytes from the board", line["bytes_in"], "bytes", 400, "above")
            row("three PKI partitions: ROM commands", line["commands"], "commands")
            row("three PKI partitions: wall", line["write_ms"], "ms")
            row("three PKI partitions: wire + erase + program", line["wire_ms"] + line["flash_ms"], "ms")
            row("three PKI partitions: wall / (wire + erase)", line["ratio"], "x", 1.15, "above")
            row("reset into the loader, SYNC and detection", line["connect_ms"], "ms")
            row("three PKI partitions: all of it", round(line["connect_ms"] + line["write_ms"], 1), "ms")
        elif line["bench"] == "flash_parallel":
            row(f"{line['boards']} boards at once / one, library", line["ratio"], "x", 1.15, "above")
        else:
            raise AssertionError(f"nobody shows {line}")


def pack():
    """Compressing a factory image: the way it is done, and what its neighbours cost and gain."""
    lines = c_bench("bench_pack")
    for line in (lines[i] for i in (3, 5, 8)):
        what = f"factory image, zlib level {line['level']}, {line['piece_kib']} KiB pieces"
        row(f"{what}: time on the wire at 921600", line["wire_ms"], "ms")
        row(f"{what}: one core", line["cpu_ms"], "ms")


def image():
    """A factory image at 921600, paced, at library level; then the same again."""
    for line in c_bench("bench_image"):
        if line["bench"] == "image_write":
            row("factory image: bytes of it sent, compressed or raw", line["payload"], "bytes")
            row("factory image: bytes to the board", line["bytes_out"], "bytes")
            row("factory image: wall", line["wall_ms"], "ms")
            row("factory image: wall / wire time of its compressed bytes", line["ratio"], "x", line["budget_ratio"], "above")
            row("factory image: one core of the host", line["cpu_ms"], "ms")
        elif line["bench"] == "image_same":
            row("the same image again / the first", line["ratio"], "x", line["budget_ratio"], "above")
        elif line["bench"] == "image_read":
            row("reading flash at 921600", line["kib_per_s"], "KiB/s")
        elif line["bench"] == "image_parallel":
            row(f"factory image to {line['boards']} boards at once / one, library", line["ratio"], "x", line["budget_ratio"], "above")
            row(f"factory image to {line['boards']} boards at once: host CPU", line["cpu_ms"], "ms")
        else:
            raise AssertionError(f"nobody shows {line}")


def faults():
    """A byte lost or flipped in every tenth of a thousand writes, on the scripted ROM."""
    line = c_bench("bench_faults")[0]
    row(f"fault run: {line['writes']} writes, {line['faulted']} with a fault: not verified", line["failed"], "writes")
    row("fault run: called good and wrong somewhere in the flash", line["wrong"], "writes", 0, "above")
    row("fault run: regions written again", line["retries"], "regions")


def text_like_pem(size):
    """As hard to compress as a certificate: base64 of chance, in lines of 64."""
    text = base64.b64encode(random.Random(size).randbytes(size)).decode()
    return "\n".join(text[i:i + 64] for i in range(0, len(text), 64)).encode()[:size]


def esptool_js(bench, board, options, images):
    """What esptool-js says of writing these images: address, file, address, file …"""
    import run as runner  # tests/run.py: knows how to install the peer
    npm = os.path.join(os.path.dirname(BUILD), "npm")
    subprocess.run([sys.executable, runner.__file__, "--npm", os.path.join(ROOT, "tests", "flow"), npm], check=True)
    env = dict(os.environ, **bench.env, PTYMODEM=os.path.join(BUILD, "ptymodem.so"))
    said = subprocess.run(["node", os.path.join(ROOT, "tests", "flow", "esptool_js.mjs"), "--modules", npm, "--port",
                           board.download, *options, *images], env=env, check=True, timeout=600, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True).stdout
    return json.loads(said)


def peer():
    """The three PKI partitions once more, by somebody else's flasher."""
    with harness.Bench([{"pace": "full"}], broker=False, gate=False) as bench:
        images = []
        for at, size in IMAGES:
            path = os.path.join(bench.folder, f"{at:x}.bin")
            with open(path, "wb") as f:
                f.write(text_like_pem(size))
            images += [hex(at), path]
        said = esptool_js(bench, bench.boards[0], [], images)
    row("peer esptool-js: bytes to the board", said["write_bytes_out"], "bytes")
    row("peer esptool-js: bytes from the board", said["write_bytes_in"], "bytes")
    row("peer esptool-js: reset, detection and stub", said["connect_ms"], "ms")
    row("peer esptool-js: wall of the write", said["write_ms"], "ms")
    row("peer esptool-js: all of it", said["connect_ms"] + said["write_ms"], "ms")


def firmwares():
    whole_flash.figures(row, esptool_js)


def event_streams():
    streams.figures(row)


def manufacturing_data():
    mfg_nvs.figures(row)


def http():
    http_figures.figures(row)


def cloud():
    cloud_figures.figures(row)


def ui():
    ui_figures.figures(row)


def service():
    """From exec to the line that says it is ready, and its memory then."""
    times, memory = [], []
    for _ in range(7):
        with tempfile.TemporaryDirectory() as folder:
            start = time.monotonic()
            gate = subprocess.Popen([os.path.join(BUILD, "espgate"), "--listen", "127.0.0.1:0", "--data",
                                     os.path.join(folder, "data")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            gate.stdout.readline()
            times.append((time.monotonic() - start) * 1000)
            with open(f"/proc/{gate.pid}/status", encoding="ascii") as f:
                memory += [int(line.split()[1]) / 1024 for line in f if line.startswith("VmRSS")]
            gate.terminate()
            gate.wait(30)
            gate.stdout.close()
    row("start to ready (median of 7)", round(statistics.median(times), 1), "ms", 150, "above")
    row("RSS idle (median of 7)", round(statistics.median(memory), 1), "MB", 12, "above")


def jobs():
    """The whole job over HTTP, one board and eight."""
    with harness.Bench([{"pace": "full"}] * 8) as bench:
        credential = bench.upload()
        slots = [bench.slot(b) for b in bench.boards]

        def wall(names):
            start = time.monotonic()
            ids = [bench.gate.create_job({"kind": "write", "slot": s, "credential": credential, "method": "rom"})
                   for s in names]
            for job in ids:
                ended = bench.gate.wait_job(job)
                if ended["state"] != "succeeded":
                    raise AssertionError(ended)
            return (time.monotonic() - start) * 1000

        one = wall(slots[:1])
        # Another credential for the eight: what is on a board already is not written again.
        credential = bench.upload(bench.pki.ec_device)
        single = wall(slots[:1])
        credential = bench.upload(bench.pki.other_device)
        eight = wall(slots)
    row("job write by ROM over HTTP, RSA credential, one board", round(one), "ms")
    row("job write by ROM over HTTP, EC credential, one board", round(single), "ms")
    row("eight boards at once / one, over HTTP", round(eight / single, 2), "x", 1.15, "above")


def main():
    wanted = sys.argv[2:]
    for part in (atpki, flash, pack, image, faults, peer, jobs, manufacturing_data, firmwares, event_streams, cloud,
                 service, http, ui):
        if not wanted or part.__name__ in wanted:
            part()
    width = max(len(r["what"]) for r in ROWS)
    for r in ROWS:
        budget = "" if r["budget"] is None else f"  budget {r['budget']:g}" + ("  OVER" if r["over"] else "")
        print(f"{r['what']:<{width}}  {r['measured']:>10} {r['unit']}{budget}")
    with open(os.path.join(ROOT, "build", "bench.json"), "w", encoding="ascii") as f:
        json.dump(ROWS, f, indent=1)
    return 1 if any(r["over"] for r in ROWS) else 0


if __name__ == "__main__":
    sys.exit(main())
