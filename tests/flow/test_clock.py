"""The wall clock jumps by hours while the service runs, as it does on a small computer that finds its network late, or
whose battery is dead. What waits is counted by a clock that does not jump: nothing ends early, late or twice for it."""
import http.client
import json
import os
import struct
import subprocess

import harness
from child import PATIENCE
from receiver import Receiver

CONCURRENT = True
WAITS = True  # for the times of boards: run.py
HOUR_S = 3600
DAY_S = 24 * HOUR_S


class ClockCase(harness.BenchCase):
    """An espgate whose wall clock goes wrong by what jump() has said last."""

    bench_options = {"boards": [{"pace": "full"}]}

    def setUp(self):
        super().setUp()
        path = os.path.join(self.bench.folder, "wallclock")
        with open(path, "wb") as f:
            f.write(struct.pack("<q", 0))
        self.clock = open(path, "r+b", buffering=0)
        self.addCleanup(self.clock.close)
        self.bench.env["WALLCLOCK"] = path
        self.gate.stop()
        self.gate.start()
        self.board = self.bench.boards[0]

    def jump(self, seconds):
        """From now on its wall clock is so far from the right time."""
        os.pwrite(self.clock.fileno(), struct.pack("<q", seconds * 1000), 0)

    def start(self, kind, **more):
        return self.gate.create_job(self.bench.command(kind, self.bench.slot(self.board), **more))


class Jumps(ClockCase):
    def test_a_job_goes_on_as_if_nothing_had_been(self):
        """Forward and back in the middle of a write; its time limit and its deadline are far shorter than the jumps."""
        job = self.start("write", method="rom", credential=self.bench.upload(), timeout=120, deadline=600)
        self.until_step(job, "write")
        self.jump(30 * HOUR_S)
        self.gate.get(f"/v1/jobs/{job}?wait=1").expect(200)
        self.jump(-30 * HOUR_S)
        ended = self.gate.wait_job(job)
        self.assertEqual((ended["state"], ended["error"]), ("succeeded", None))
        for step in ended["steps"]:
            self.assertTrue(0 <= step["ms"] < 120 * 1000, step)
        history = self.gate.get(f"/v1/devices/{self.board.mac}").expect(200).json["history"]
        self.assertEqual([entry["job"] for entry in history], [job])

    def resets(self):
        """How often the board was reset, as it knows it."""
        return sum(entry.get("note", "").endswith(" RTS 1") for entry in self.board.transcript())

    def long_job(self, **more):
        """A job that runs until its time limit: its board waits for a time server that is silent."""
        self.bench.clock.silent = True
        job = self.start("check", level="publish", **more)
        self.until_step(job, "time")
        return job

    def test_a_time_limit_comes_all_the_same(self):
        for hours in (-9, 9):
            job = self.long_job(timeout=10)
            self.jump(hours * HOUR_S)
            ended = self.gate.wait_job(job)
            self.assertEqual((ended["state"], ended["error"]["code"]), ("failed", "job_timeout"))

    def test_a_deadline_is_neither_reached_nor_put_off_by_a_jump(self):
        slot = self.bench.slot(self.board)
        self.gate.post(f"/v1/slots/{slot}/pause").expect(200)
        far, near = self.start("reset", deadline=HOUR_S), self.start("reset", deadline=3)
        self.jump(9 * HOUR_S)
        self.assertEqual(self.gate.wait_job(near)["error"]["code"], "deadline_passed")
        near = self.start("reset", deadline=3)
        self.jump(-9 * HOUR_S)
        self.assertEqual(self.gate.wait_job(near)["error"]["code"], "deadline_passed")
        self.assertEqual(self.gate.job(far)["state"], "queued")
        self.gate.post(f"/v1/slots/{slot}/resume").expect(200)
        self.assertEqual(self.gate.wait_job(far)["state"], "succeeded")

    def test_the_order_of_a_queue_is_that_of_acceptance(self):
        """Ids and times go backwards; what counts is who came first, also after a crash, and each runs once."""
        slot, queued = self.bench.slot(self.board), []
        self.gate.post(f"/v1/slots/{slot}/pause").expect(200)
        for hours in (5, -5, 3, -3, 0):
            self.jump(hours * HOUR_S)
            queued.append(self.start("reset"))
        listed = self.gate.get("/v1/jobs?state=queued&limit=2").expect(200).json
        rest = self.gate.get(f"/v1/jobs?state=queued&cursor={listed['next']}").expect(200).json
        self.assertEqual([job["id"] for job in listed["items"] + rest["items"]], queued[::-1])
        self.gate.kill9()
        self.jump(-7 * HOUR_S)
        self.gate.start()
        self.gate.post(f"/v1/slots/{slot}/resume").expect(200)
        ended = [self.gate.wait_job(job) for job in queued]
        self.assertEqual({job["state"] for job in ended}, {"succeeded"})
        started = [job["started_at"] for job in ended]
        self.assertEqual(started, sorted(started))
        self.assertEqual(self.resets(), len(queued))

    def test_a_waiting_request_waits_as_long_as_it_asked_for(self):
        job = self.long_job(timeout=60)
        for hours in (9, -9):
            self.jump(hours * HOUR_S)
            self.assertEqual(self.gate.get(f"/v1/jobs/{job}?wait=1").expect(200).json["state"], "running")
        self.gate.post(f"/v1/jobs/{job}/cancel").expect(202)
        self.gate.wait_job(job)

    def test_the_audit_stays_whole_and_in_order(self):
        for hours in (0, 9, -9, 3):
            self.jump(hours * HOUR_S)
            self.bench.run("reset", self.board)
        entries = self.gate.get("/v1/audit?limit=1000").expect(200).json["items"]
        self.assertEqual([entry["sequence"] for entry in entries], list(range(len(entries), 0, -1)))
        times = [entry["at"] for entry in entries]
        self.assertNotEqual(times, sorted(times, reverse=True))  # as the clock was then
        self.gate.stop()
        subprocess.run([self.gate.argv[0], "--verify-audit", "--data", os.path.join(self.bench.folder, "data")],
                       check=True, stdout=subprocess.DEVNULL)

    def stream(self, query, ends):
        """(id, job) of the events of a stream up to its `ends`th end of a job, as they come."""
        connection = http.client.HTTPConnection("127.0.0.1", self.gate.port, timeout=PATIENCE)
        self.addCleanup(connection.close)
        connection.request("GET", "/v1/events?types=job.queued,job.ended" + query,
                           headers={"Authorization": f"Bearer {self.gate.token}"})
        lines = connection.getresponse()
        self.assertEqual(lines.status, 200)

        def events():
            event, left = {}, ends
            while left:
                line = lines.readline().decode()
                self.assertTrue(line, "the stream ended")
                name, _, value = line.rstrip("\n").partition(": ")
                if name:
                    event[name] = value
                elif "data" in event:
                    left -= event["event"] == "job.ended"
                    yield int(event["id"]), json.loads(event["data"])["job"]
                    event = {}
        return events()

    def test_events_come_in_order_and_again_the_same(self):
        live, jobs = self.stream("", 4), []
        for hours in (0, 9, -9, 3):
            self.jump(hours * HOUR_S)
            jobs.append(self.bench.run("reset", self.board)["id"])
        told = list(live)
        ids = [n for n, _ in told]
        self.assertEqual(ids, sorted(set(ids)))
        self.assertEqual([job for _, job in told], [job for one in jobs for job in (one, one)])
        self.assertEqual(list(self.stream("&last_event_id=0", 4)), told)

    def test_webhooks_go_on(self):
        """Neither held up by a clock that was put back, nor given up by one that was put forward by days."""
        with Receiver() as receiver:
            receiver.answers = [503, 503, 200]
            hook = self.gate.post("/v1/webhooks", {"url": receiver.url}).expect(201).json
            self.start("reset")
            receiver.wait(1)
            self.jump(-9 * HOUR_S)
            receiver.wait(2)
            self.jump(30 * DAY_S)
            receiver.wait(3)
            self.start("reset")
            receiver.wait(4)
            self.assertEqual(len({call.headers["webhook-id"] for call in receiver.calls[:3]}), 1)
            while any(one["state"] == "pending" for one in self.gate.get(f"/v1/webhooks/{hook['id']}/deliveries")
                      .expect(200).json["items"]):
                pass

    def test_a_token_ends_when_the_clock_says_so(self):
        """With what it has opened; and it is good again when the clock was wrong."""
        made = self.gate.post("/v1/tokens", {"name": "short", "scope": "viewer", "expires_in": HOUR_S}).expect(201).json
        mine = {"Authorization": f"Bearer {made['token']}"}
        connection = http.client.HTTPConnection("127.0.0.1", self.gate.port, timeout=PATIENCE)
        self.addCleanup(connection.close)
        connection.request("GET", "/v1/events", headers=mine)
        stream = connection.getresponse()
        self.jump(2 * HOUR_S)
        self.assertNotIn(b"event:", stream.read())
        reply = self.gate.get("/v1/slots", headers=mine)
        reply.problem(401, "token_expired")
        self.assertEqual(reply.headers["WWW-Authenticate"], 'Bearer realm="espgate", error="invalid_token"')
        self.gate.get("/v1/slots").expect(200)
        self.jump(0)
        self.gate.get("/v1/slots", headers=mine).expect(200)
        self.jump(2 * HOUR_S)
        self.gate.stop()
        self.gate.start()
        self.gate.get("/v1/slots", headers=mine).problem(401, "token_expired")

    def test_what_was_done_is_kept(self):
        """A clock that is years ahead for a while makes nothing old."""
        job = self.bench.run("reset", self.board)["id"]
        self.jump(3 * 365 * DAY_S)
        later = self.bench.run("reset", self.board)["id"]
        self.jump(0)
        self.gate.stop()
        self.gate.start()
        for one in (job, later):
            self.assertEqual(self.gate.job(one)["state"], "succeeded")
