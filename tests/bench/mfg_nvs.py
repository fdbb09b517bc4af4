"""A credential into a stock mfg_nvs of 112 KiB through the ROM loader at 115200, over HTTP, on boards whose wire and
flash take their time: merged, against writing the whole partition (which knows before what it shall hold).
"""
import harness

OFFSET, SIZE = 0x21000, 0x1C000
STEPS = ("images", "backup", "diff", "write", "verify")


def seconds(job):
    return sum(s["ms"] for s in job["steps"] if s["name"] in STEPS) / 1000


def tell(row, what, job):
    write = job["result"]["write"]
    row(f"{what}: bytes to the board", write["bytes_out"], "bytes")
    row(f"{what}: bytes from the board", write["bytes_in"], "bytes")
    row(f"{what}: read, write, verify", round(seconds(job), 2), "s")
    return seconds(job)


def same_stock(bench):
    """Boards of one release come with the same bytes."""
    first, second = bench.boards
    stock = first.flash_bytes(OFFSET, SIZE)
    second.stop()
    with open(second.flash, "r+b") as f:
        f.seek(OFFSET)
        f.write(stock)
    second.start()


def whole(bench, board):
    """What is there now, once more, all of it."""
    octets = {"Content-Type": "application/octet-stream"}
    image = bench.gate.post("/v1/firmware", board.flash_bytes(OFFSET, SIZE), headers=octets).expect(200, 201).json["id"]
    order = {"kind": "flash", "slot": bench.slot(board, flash_baud=115200), "diff": False,
             "images": [{"firmware": image, "partition": "mfg_nvs"}]}
    return bench.gate.wait_job(bench.gate.create_job(order), 600)


def release(row, firmware):
    with harness.Bench([{"firmware": firmware, "pace": "full"}] * 2, broker=False) as bench:
        same_stock(bench)
        credentials = [bench.upload(bench.pki.device), bench.upload(bench.pki.ec_device)]

        def write(board, credential):
            order = {"kind": "write", "slot": bench.slot(board, flash_baud=115200), "method": "rom",
                     "credential": credential}
            job = bench.gate.wait_job(bench.gate.create_job(order), 600)
            if job["state"] != "succeeded":
                raise AssertionError(job["error"])
            return job

        first, second = bench.boards
        what = f"mfg_nvs of v{firmware}"
        merged = tell(row, f"{what}, the first board of its kind", write(first, credentials[0]))
        known = tell(row, f"{what}, the next board of its kind", write(second, credentials[1]))
        tell(row, f"{what}, the same credential again", write(second, credentials[1]))
        tell(row, f"{what}, another credential on that board", write(second, credentials[0]))
        all_of_it = tell(row, f"{what}, the whole partition", whole(bench, first))
        row(f"{what}, first board / whole partition", round(merged / all_of_it, 2), "x")
        row(f"{what}, next board / whole partition", round(known / all_of_it, 2), "x")


def figures(row):
    for firmware in ("3.4", "4.1"):
        release(row, firmware)


if __name__ == "__main__":
    figures(lambda what, measured, unit, *_: print(f"{what:70} {measured} {unit}", flush=True))
