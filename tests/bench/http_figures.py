"""GET a job, and jobs taken on, by wrk; each beside its peer in the same run."""
import contextlib
import json
import os
import re
import statistics
import subprocess
import time

import harness
from child import Child, program

ROUNDS = 5
CONNECTIONS = 64
BOARDS = 32
SLOTS = 128  # each takes LIMIT_QUEUE jobs
SYNC_BYTES = 16 * 1024  # about what one commit appends
UNITS = {"us": 0.001, "ms": 1, "s": 1000}


def wrk(url, seconds=2, connections=CONNECTIONS, script=None, headers=()):
    """(requests/s, p99 in ms); every answer must be a good one."""
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    for header in headers:
        argv += ["-H", header]
    if script:
        argv += ["-s", script]
    said = subprocess.run([*argv, url], check=True, stdout=subprocess.PIPE, text=True, timeout=seconds + 60).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise AssertionError(said)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", said)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]), float(p99[1]) * UNITS[p99[2]]


@contextlib.contextmanager
def hello(size):
    with subprocess.Popen([os.path.join(harness.BIN, "tests", "bench", "bench_hello"), str(size)], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}/"
        server.stdin.close()


@contextlib.contextmanager
def nginx(folder, body):
    port = harness.free_port()
    root = os.path.join(folder, "nginx")
    os.makedirs(root)
    with open(os.path.join(root, "job.json"), "wb") as f:
        f.write(body)
    conf = os.path.join(root, "conf")
    with open(conf, "w", encoding="ascii") as f:
        f.write(f"""{"user root;" if os.geteuid() == 0 else ""} daemon off; worker_processes 2; pid {root}/pid;
error_log stderr notice;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 1000000000;
  client_body_temp_path {root}/b; proxy_temp_path {root}/p; fastcgi_temp_path {root}/f; uwsgi_temp_path {root}/u;
  scgi_temp_path {root}/s; types {{ application/json json; }}
  server {{ listen 127.0.0.1:{port}; root {root}; }} }}
""")
    server = Child("nginx", [program("nginx"), "-c", conf])
    try:
        server.wait_line("start worker process ")
        yield f"http://127.0.0.1:{port}/job.json"
    finally:
        server.stop()


def queued_job(gate):
    """The path of a job that stays queued."""
    gate.put("/v1/slots/still", {"download_port": "/dev/none"}).expect(201)
    gate.post("/v1/slots/still/pause").expect(200)
    return "/v1/jobs/" + gate.create_job({"kind": "identify", "slot": "still"})


def reading(row):
    with harness.Bench(0, broker=False, gate_args=["--log-level", "info"]) as bench, contextlib.ExitStack() as peers:
        path = queued_job(bench.gate)
        body = bench.gate.get(path).expect(200).body
        urls = {"job": f"http://127.0.0.1:{bench.gate.port}{path}", "hello": peers.enter_context(hello(len(body))),
                "nginx": peers.enter_context(nginx(bench.folder, body))}
        seen = {name: [] for name in urls}
        for _ in range(ROUNDS):  # side by side, so that what else the machine does meets all
            for name, url in urls.items():
                seen[name].append(wrk(url, headers=getattr(bench.gate, "credentials", ())))
    rates = {name: [one[0] for one in runs] for name, runs in seen.items()}
    for name, what in (("job", "GET a job"), ("hello", "peer: bare libmicrohttpd"), ("nginx", "peer: nginx, a file")):
        row(f"{what}, {CONNECTIONS} connections (median of {ROUNDS})", round(statistics.median(rates[name])), "1/s")
        row(f"{what}: p99", round(statistics.median(one[1] for one in seen[name]), 2), "ms")
    for name, budget in (("hello", 0.8), ("nginx", None)):
        ratio = statistics.median(a / b for a, b in zip(rates["job"], rates[name]))
        row(f"GET a job / {'bare libmicrohttpd' if name == 'hello' else 'nginx'}", round(ratio, 2), "x", budget, "below")


def while_flashing(row):
    """As dashboards ask: each of 64 clients twenty times a second."""
    with harness.Bench([{"pace": "full"}] * BOARDS, broker=False, gate_args=["--log-level", "info"]) as bench:
        gate = bench.gate
        firmware = gate.post("/v1/firmware", files=[("f", "a.bin", os.urandom(384 * 1024))]).expect(201).json["id"]
        jobs = [gate.create_job({"kind": "flash", "slot": bench.slot(b), "images": [{"firmware": firmware, "offset": "0x280000"}]})
                for b in bench.boards]
        script = os.path.join(bench.folder, "calm.lua")
        with open(script, "w", encoding="ascii") as f:
            f.write("function delay() return 50 end\n")
        rate, p99 = wrk(f"http://127.0.0.1:{gate.port}/v1/jobs/{jobs[0]}", 3, script=script, headers=getattr(gate, "credentials", ()))
        working = sum(gate.job(job)["state"] == "running" for job in jobs)
        for job in jobs:
            if gate.wait_job(job)["state"] != "succeeded":
                raise AssertionError(gate.job(job))
    if working < BOARDS // 2:
        raise AssertionError(f"only {working} boards were still at work")
    row(f"GET a job while {BOARDS} boards flash, {round(rate)}/s: p99", round(p99, 2), "ms", 5, "above")


def syncs(folder):
    """How often a second this disk can be told to keep something, in a file that is as long as it will be: so is the log of a
    database, and a file that grows costs another sync each time."""
    fd = os.open(os.path.join(folder, "sync"), os.O_WRONLY | os.O_CREAT)
    data = os.urandom(SYNC_BYTES)
    os.pwrite(fd, data * 256, 0)
    os.fsync(fd)
    count, start = 0, time.monotonic()
    while time.monotonic() < start + 1:
        os.pwrite(fd, data, count % 256 * SYNC_BYTES)
        os.fdatasync(fd)
        count += 1
    os.close(fd)
    return count / (time.monotonic() - start)


def taking(row):
    with harness.Bench(0, broker=False, gate_args=["--log-level", "warn"]) as bench:
        gate = bench.gate
        for i in range(SLOTS):
            gate.put(f"/v1/slots/s{i}", {"download_port": "/dev/none"}).expect(201)
            gate.post(f"/v1/slots/s{i}/pause").expect(200)
        script = os.path.join(bench.folder, "order.lua")
        with open(script, "w", encoding="ascii") as f:
            f.write(f"""wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local n = 0
function request()
    n = n + 1
    return wrk.format(nil, nil, nil, '{{"kind":"identify","slot":"s' .. n % {SLOTS} .. '"}}')
end
""")
        baseline = max(syncs(bench.folder) for _ in range(3))  # what the disk can do, not what else the machine did
        found = {}
        for clients in (1, CONNECTIONS):
            found[clients], p99 = wrk(f"http://127.0.0.1:{gate.port}/v1/jobs", 3, clients, script, getattr(gate, "credentials", ()))
            row(f"jobs taken on durably, clients: {clients}", round(found[clients]), "1/s")
            row(f"jobs taken on durably, clients: {clients}: p99", round(p99, 2), "ms")
        page = gate.get("/v1/jobs?limit=1").expect(200).json
        if json.dumps(page["items"][0]["state"]) != '"queued"':
            raise AssertionError(page)
    row(f"peer: fdatasync of {SYNC_BYTES // 1024} KiB on the same disk", round(baseline), "1/s")
    row("jobs taken on / fdatasync, one client", round(found[1] / baseline, 2), "x")
    row(f"jobs taken on / fdatasync, {CONNECTIONS} clients", round(found[CONNECTIONS] / baseline, 2), "x")


def figures(row):
    for part in (reading, taking, while_flashing):
        part(row)
