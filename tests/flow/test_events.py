"""What happens, as it happens: event streams read by curl, by an EventSource, and by hand, over kill -9 and a stop."""
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import time
import unittest

import harness
import npm
from child import PATIENCE, Child

CONCURRENT = True
WAITS = True  # for the times of boards: run.py

JOB_TYPES = ["job.queued", "job.started", "job.step", "job.progress", "job.ended"]
SILENT_S = 30  # an espgate that is not moved by its client cuts it off, at the earliest
CHANGES = 3600  # more than the ring and the sockets hold
TYPES = JOB_TYPES + ["slot.changed", "ports.changed"]


def events_of(text):
    """(id or None, type, data) of each event in a stream's text."""
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in fields:
            yield int(fields["id"]) if "id" in fields else None, fields["event"], json.loads(fields["data"])


class Stream:
    """One by hand, on a socket: .text grows while it is read."""

    def __init__(self, gate, path="/v1/events", fields=(), receive=None, token=None):
        who = [f"Authorization: Bearer {token}"] if token else gate.credentials
        self.socket = socket.socket()
        if receive:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        self.socket.settimeout(PATIENCE)
        self.socket.connect((gate.host, gate.port))
        self.socket.sendall("\r\n".join([f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *who, *fields, "", ""]).encode())
        self.raw = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    @property
    def text(self):
        """Without the head and what cuts it into chunks."""
        body = self.raw.partition(b"\r\n\r\n")[2]
        return "".join(line.decode() for line in body.split(b"\r\n")[1::2])

    def until(self, what):
        """Read until the text holds this. Signs of life come for ever, so the wait is limited as a whole."""
        end = time.monotonic() + PATIENCE
        while what not in self.text:
            if time.monotonic() > end:
                raise AssertionError(f"the stream never told {what!r}: {self.text[-2000:]}")
            data = self.socket.recv(65536)
            if not data:
                raise AssertionError(f"the stream ended without {what!r}")
            self.raw += data
        return self

    def until_end(self, or_cut=False):
        """Read until it was ended as HTTP ends a body."""
        while not self.raw.endswith(b"\r\n0\r\n\r\n"):
            data = self.socket.recv(65536)
            if not data and or_cut:
                break
            if not data:
                raise AssertionError(f"the stream was cut off: {self.raw[-200:]}")
            self.raw += data
        return self


class Source:
    """An EventSource in a process of its own."""

    def __init__(self, gate, path="/v1/events"):
        self.child = Child("events", ["node", "--no-warnings", os.path.join(npm.FLOW, "event_source.mjs"), "--modules", npm.FOLDER,
                                      "--url", f"http://{gate.host}:{gate.port}{path}", "--token", gate.token, *TYPES])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill9()

    def wait_open(self, since=0):
        self.child.wait_line(r'^{"open":true}$', since=since)
        return self

    def told(self):
        """The stored ones."""
        said = [json.loads(line) for stream, line in self.child.lines if stream == "out"]
        return [(e["id"], e["type"], e["data"]) for e in said if "type" in e and e["type"] != "job.progress"]


class Events(harness.BenchCase):
    bench_options = {"boards": [{"pace": "full"}], "broker": False}

    def job(self, **more):
        return self.gate.create_job(dict({"kind": "identify", "slot": self.bench.slot(self.bench.boards[0])}, **more))

    def kept(self, path="/v1/events?last_event_id=0", last=None):
        """All that is stored, up to the last one."""
        with Stream(self.gate, path) as stream:
            return list(events_of(stream.until(f"id: {last}\n").until("\n\n").text))

    def assert_tells_the_job(self, events, job):
        """These events and the record say the same."""
        steps = [(s["name"], s["state"]) for s in job["steps"] if s["state"] != "running"]
        told = [(d["step"]["name"], d["step"]["state"]) for _, t, d in events if t == "job.step"]
        self.assertEqual([s for s in told if s[1] != "running"], steps)
        types = [t for _, t, _ in events if t not in ("job.step", "job.progress")]
        self.assertEqual(types, ["job.queued", "job.started", "job.ended"])
        self.assertEqual((events[0][1], events[-1][1]), ("job.queued", "job.ended"))
        self.assertEqual(events[-1][2]["state"], job["state"])
        ids = [i for i, _, _ in events if i is not None]
        self.assertEqual(ids, sorted(set(ids)))
        for _, _, data in events:
            self.assertEqual((data["job"], data["kind"], data["slot"]), (job["id"], job["kind"], job["slot"]))

    def test_curl_follows_a_job_to_its_end(self):
        job = self.job()
        url = f"http://127.0.0.1:{self.gate.port}/v1/jobs/{job}/events"
        followed = subprocess.run(["curl", "-sN", "-H", *self.gate.credentials, url], capture_output=True, text=True, check=True, timeout=PATIENCE)
        ended = self.gate.job(job)
        self.assert_tells_the_job(list(events_of(followed.stdout)), ended)
        again = self.gate.get(f"/v1/jobs/{job}/events").expect(200).body.decode()
        stored = [e for e in events_of(followed.stdout) if e[0] is not None]
        self.assertEqual(list(events_of(again)), stored)
        last = {"Last-Event-ID": str(stored[-1][0])}
        self.gate.get(f"/v1/jobs/{job}/events", headers=last).expect(204)
        before = {"Last-Event-ID": str(stored[-2][0])}
        rest = self.gate.get(f"/v1/jobs/{job}/events?last_event_id=0", headers=before).expect(200)  # the field wins
        self.assertEqual(list(events_of(rest.body.decode())), stored[-1:])

    def test_progress_is_told_and_not_kept(self):
        job = self.job(kind="read", offset=0, size=0x100000)
        with Stream(self.gate, f"/v1/jobs/{job}/events") as stream:
            live = list(events_of(stream.until_end().text))
        progress = [d["progress"] for i, t, d in live if t == "job.progress" and i is None]
        self.assertGreater(len(progress), 1)
        self.assertEqual([p["done"] for p in progress], sorted(p["done"] for p in progress))
        self.assert_tells_the_job(live, self.gate.job(job))
        kept = list(events_of(self.gate.get(f"/v1/jobs/{job}/events").body.decode()))
        self.assertEqual(kept, [e for e in live if e[1] != "job.progress"])

    def test_who_hears_of_an_event_finds_what_it_tells_of(self):
        slot = self.bench.slot(self.bench.boards[0])
        with Stream(self.gate) as stream:
            stream.until("retry: ")
            job = self.gate.create_job({"kind": "identify", "slot": slot})
            told = 0
            while not told or seen[-1][1] != "job.ended":
                stream.socket.settimeout(PATIENCE)
                stream.raw += stream.socket.recv(65536)
                seen = list(events_of(stream.text.rpartition("\n\n")[0]))
                if len(seen) == told:
                    continue
                told = len(seen)
                now, (_, kind, data) = self.gate.job(job), seen[-1]
                states = ["queued", "running", "succeeded"]
                self.assertGreaterEqual(states.index(now["state"]), states.index(data["state"]))
                if kind == "job.step":
                    step = [s for s in now["steps"] if s["name"] == data["step"]["name"]]
                    self.assertTrue(step and (data["step"]["state"] == "running" or step[-1]["state"] != "running"))
            self.gate.post(f"/v1/slots/{slot}/pause").expect(200)
            stream.until('"change":"paused"')
            self.gate.post(f"/v1/slots/{slot}/resume").expect(200)
            stream.until('"change":"resumed"')

    def test_an_event_source_misses_nothing_over_kill_9(self):
        npm.install()
        self.gate.argv[self.gate.argv.index("127.0.0.1:0")] = f"127.0.0.1:{self.gate.port}"
        with Source(self.gate) as source:
            source.wait_open()
            self.gate.wait_job(self.job())
            running = self.job(kind="read", offset=0, size=0x100000)
            source.child.wait_line(r'"job.step".*"read","state":"running"')
            self.gate.kill9()
            mark = source.child.mark()
            self.gate.start()
            last = self.job()
            self.gate.wait_job(last)
            source.wait_open(mark)
            source.child.wait_line(rf'"job.ended".*"job":"{last}"', since=mark)
            told = source.told()
        self.assertEqual([i for i, _, _ in told], list(range(told[0][0], told[-1][0] + 1)))
        ended = {d["job"]: d["state"] for _, t, d in told if t == "job.ended"}
        self.assertEqual(ended[running], "interrupted")
        self.assertEqual(told, [e for e in self.kept(last=told[-1][0]) if e[0] >= told[0][0]][:len(told)])

    def test_an_event_source_of_a_job_stays_away_when_it_has_ended(self):
        npm.install()
        job = self.job()
        with Source(self.gate, f"/v1/jobs/{job}/events") as source:
            source.child.wait_line(r'^{"closed":true}$')
            self.assertEqual(source.told()[-1][1], "job.ended")

    def test_only_what_is_asked_for_is_told(self):
        slot = self.bench.slot(self.bench.boards[0])
        with Stream(self.gate, "/v1/events?slot=other") as other, \
                Stream(self.gate, f"/v1/events?types=job.ended,slot.changed&slot={slot}") as ends:
            other.until("retry: ")
            ends.until("retry: ")
            self.gate.wait_job(self.job())
            self.gate.put("/v1/slots/other", {"download_port": "/dev/nowhere"}).expect(201)
            self.gate.delete("/v1/slots/other").expect(204)
            told = list(events_of(other.until('"change":"deleted"').text))
            self.assertEqual([(t, d["change"]) for _, t, d in told], [("slot.changed", "stored"), ("slot.changed", "deleted")])
            told = list(events_of(ends.until("job.ended").until("}\n\n").text))
            self.assertEqual({t for _, t, _ in told} - {"slot.changed"}, {"job.ended"})
            self.assertEqual({d["slot"] for _, _, d in told}, {slot})

    def test_ports_that_come_and_go_are_told(self):
        with Stream(self.gate, "/v1/events?types=ports.changed") as stream:
            stream.until("retry: ")
            self.bench.add_board()
            stream.until("event: ports.changed")

    def test_a_reader_that_is_too_slow_is_ended_and_misses_nothing(self):
        """He reads nothing while more happens than is kept for him; then what was on its way still comes, and an end."""
        def change():
            with contextlib.closing(http.client.HTTPConnection(self.gate.host, self.gate.port, timeout=PATIENCE)) as kept:
                for i in range(CHANGES // 8):
                    kept.request("PUT", f"/v1/slots/slow{threading.get_ident()}", json.dumps({"download_port": f"/dev/{i}"}),
                                 {"Content-Type": "application/json", "Authorization": f"Bearer {self.gate.token}"})
                    reply = kept.getresponse()
                    reply.read()
                    self.assertIn(reply.status, (200, 201))
        with Stream(self.gate, receive=4096) as slow:
            slow.until("retry: ")
            threads = [threading.Thread(target=change) for _ in range(8)]
            began = time.monotonic()
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            # On a machine so slow that this took as long as a silent client is kept, he was cut off.
            cut = time.monotonic() - began > SILENT_S
            told = list(events_of(slow.until_end(or_cut=cut).text.rpartition("\n\n")[0] + "\n\n"))
        ids = [i for i, _, _ in told]
        self.assertEqual(ids, list(range(ids[0], ids[0] + len(ids))))
        self.assertLess(len(ids), CHANGES)
        kept = self.kept(f"/v1/events?last_event_id={ids[-1]}", last=ids[0] + CHANGES - 1)
        self.assertEqual([i for i, _, _ in kept], list(range(ids[-1] + 1, ids[0] + CHANGES)))

    def test_a_stop_ends_all_streams(self):
        with contextlib.ExitStack() as stack:
            streams = [stack.enter_context(Stream(self.gate)) for _ in range(50)]
            for s in streams:
                s.until("retry: ")
            self.gate.stop(signal.SIGTERM)
            for s in streams:
                s.until_end()

    def test_a_stream_ends_with_its_token(self):
        made = self.gate.post("/v1/tokens", {"name": "page", "scope": "viewer"}).expect(201).json
        with Stream(self.gate, token=made["token"]) as stream:
            stream.until("retry: ")
            self.gate.delete(f"/v1/tokens/{made['id']}").expect(204)
            stream.until_end()
        self.gate.child.wait_line(rf"event stream ended.*token={made['id']} .*revoked")

    def test_a_client_that_goes_makes_room(self):
        """Its place is free long before the next sign of life would be due."""
        streams = [Stream(self.gate, fields=[f"X-Request-Id: gone{i}."]) for i in range(20)]
        for s in streams:
            s.until("retry: ")
            s.socket.close()
        for i in range(20):
            self.gate.child.wait_line(rf"event stream ended.*request=gone{i}\.")


if __name__ == "__main__":
    unittest.main()
