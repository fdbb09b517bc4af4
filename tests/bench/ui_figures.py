"""The dashboard in a headless Chromium: when the bench can be worked with, and what it costs the browser to show 32 slots
whose progress comes live. The boards' wires take their time; browser, service and boards share the computer, so an empty
page in the same browser is the peer: its frames are late for the computer's sake alone.
"""
import os
import random
import statistics
import sys
import time

import harness
import whole_flash

sys.path[:0] = [os.path.join(harness.ROOT, "tests", "flow", "ui"), os.path.join(harness.ROOT, "api")]

import browser  # noqa: E402
import ui_pack  # noqa: E402

UI = os.path.join(harness.ROOT, "api", "ui")
BOARDS, LOADS = 32, 7
IMAGE = random.Random(6).randbytes(1 << 20)  # 12 s on the wire
LATE_MS = 25  # between two frames; at 60 Hz one was left out
# Before the page's own scripts: sign in, note when one can go to its pages (that is drawn, and takes a press), and when every
# tile of the bench is drawn; and count frames when told.
WATCH = """
sessionStorage.setItem('espgate.token', %r);
const whenThere = (selector, n) => new Promise((resolve) => {
  new MutationObserver((_, observer) => {
    if (document.querySelectorAll(selector).length < n) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
  }).observe(document, {childList: true, subtree: true});
});
globalThis.usable = whenThere('nav a', 1);
globalThis.shown = whenThere('.tile', %d);
"""
FRAMES = """
globalThis.frames = [];
globalThis.longTasks = [];
globalThis.countFrames = () => {
  new PerformanceObserver((list) => longTasks.push(...list.getEntries().map((task) => task.duration)))
    .observe({type: 'longtask'});
  let last;
  requestAnimationFrame(function frame(at) {
    if (last !== undefined) frames.push(at - last);
    last = at;
    requestAnimationFrame(frame);
  });
};
"""


class Meter:
    """What a page's frames and its main thread do from now on."""

    def __init__(self, page):
        self.page = page
        self.busy = page.busy()
        page.evaluate("countFrames()")
        self.start = time.monotonic()

    def used(self):
        wall = time.monotonic() - self.start
        frames, tasks = self.page.evaluate("[frames, longTasks]")
        return {"busy": (self.page.busy() - self.busy) / wall, "late": sum(gap > LATE_MS for gap in frames) / len(frames),
                "per_s": len(frames) / wall, "longest": max(tasks, default=0)}


def open_bench(chromium, gate, slots):
    """The page, and after how many ms all stood there."""
    page = chromium.open(viewport=browser.size(1920))
    page.add_init_script(content=WATCH % (gate.token, slots) + FRAMES)
    page.busy()
    page.goto(f"http://{gate.host}:{gate.port}/")
    return page, page.evaluate("shown")


def loads(row, chromium, gate):
    """Nothing of it in the browser's cache, and all."""
    usable, first, again, cpu = [], [], [], []
    for _ in range(LOADS):
        page, at = open_bench(chromium, gate, BOARDS)
        usable.append(page.evaluate("usable"))
        first.append(at)
        cpu.append(1000 * page.busy())
        page.reload()
        again.append(page.evaluate("shown"))
        page.close()
    row(f"dashboard: interactive, first time (median of {LOADS})", round(statistics.median(usable)), "ms", 300, "above")
    row(f"dashboard: all {BOARDS} slots drawn", round(statistics.median(first)), "ms")
    row("dashboard: CPU of the page's main thread until then", round(statistics.median(cpu)), "ms")
    row("dashboard: the same once more, from the browser's cache", round(statistics.median(again)), "ms")


def live(row, chromium, bench):
    firmware = whole_flash.upload(bench.gate, IMAGE)
    page, _ = open_bench(chromium, bench.gate, BOARDS)
    blank = chromium.open(viewport=browser.size(1920))
    blank.add_init_script(content=FRAMES)
    blank.goto("data:text/html,<title>empty</title>")
    meters = Meter(page), Meter(blank)
    whole_flash.run_all(bench.gate, [{"kind": "flash", "slot": bench.slot(b, flash_baud=whole_flash.BAUD),
                                      "images": [{"firmware": firmware, "offset": 0x280000}]} for b in bench.boards])
    used, peer = (meter.used() for meter in meters)
    what = f"dashboard with {BOARDS} slots at work"
    row(f"{what}: frames", round(used["per_s"]), "1/s")
    row(f"{what}: frames that come late", round(100 * used["late"], 1), "%")
    row("an empty page meanwhile: frames that come late", round(100 * peer["late"], 1), "%")
    row(f"{what}: share of the main thread", round(100 * used["busy"], 1), "%", 25, "above")
    row("an empty page meanwhile: share of the main thread", round(100 * peer["busy"], 1), "%")
    row(f"{what}: longest task over 50 ms", round(used["longest"]), "ms")
    for one in (page, blank):
        if one.faults():
            raise AssertionError(one.faults())


def figures(row):
    row("dashboard: all its files, compressed", round(sum(ui_pack.sizes(UI).values()) / 1000, 1), "kB", 150, "above")
    chromium = browser.Browser()
    try:
        with harness.Bench([whole_flash.PACED] * BOARDS, broker=False) as bench:
            for board in bench.boards:
                bench.slot(board, flash_baud=whole_flash.BAUD)
            loads(row, chromium, bench.gate)
            live(row, chromium, bench)
    finally:
        chromium.stop()
