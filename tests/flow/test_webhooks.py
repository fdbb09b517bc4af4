"""Webhooks: the end of each job is told, signed, at least once, to receivers of every temper, over refusals and kill -9."""
import os
import socket
import time

import harness
import jsonschema
import yaml
from child import PATIENCE
from receiver import HOLD, Receiver, verify

CONCURRENT = True


class WebhookCase(harness.BenchCase):
    bench_options = {"boards": 1, "broker": False}

    def closed_port(self):
        """One that refuses until a receiver comes, and that nobody else takes meanwhile."""
        held = socket.socket()
        self.addCleanup(held.close)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]

    def receiver(self, **how):
        one = Receiver(**how)
        self.addCleanup(one.__exit__)
        return one

    def hook(self, url, **more):
        made = self.gate.post("/v1/webhooks", {"url": url, **more}).expect(201).json
        self.bench.secrets.add(made["secret"])
        return made

    def deliveries(self, hook):
        return self.gate.get(f"/v1/webhooks/{hook['id']}/deliveries").expect(200).json["items"]

    def until(self, hook, good):
        """The newest delivery when it is good. Polls: there is nothing else to wait on."""
        end = time.monotonic() + PATIENCE
        while True:
            list_now = self.deliveries(hook)
            if list_now and good(list_now[0]):
                return list_now[0]
            if time.monotonic() > end:
                raise AssertionError(f"not as it should be: {list_now}")

    def delivered(self, hook):
        return self.until(hook, lambda d: d["state"] == "delivered")

    def tried(self, hook):
        return self.until(hook, lambda d: d["attempts"] > 0)

    def job(self):
        return self.bench.run("reset", self.bench.boards[0])


class Webhooks(WebhookCase):
    def assert_notice(self, body):
        with open(os.path.join(harness.ROOT, "openapi.yaml"), encoding="utf-8") as f:
            doc = yaml.load(f, yaml.CSafeLoader)
        jsonschema.Draft202012Validator({"$ref": "#/components/schemas/Notice", "components": doc["components"]}).validate(body)

    def test_the_end_of_a_job_is_told(self):
        receiver = self.receiver()
        hook = self.hook(receiver.url)
        job = self.job()
        call = receiver.wait(1)[0]
        notice = verify(hook["secret"], call)
        self.assert_notice(notice)
        self.assertEqual((call.path, call.headers["Content-Type"]), ("/espgate", "application/json"))
        self.assertEqual((notice["type"], notice["timestamp"]), ("job.ended", job["finished_at"]))
        self.assertEqual({name: notice["data"][name] for name in ("job", "kind", "slot", "state")},
                         {"job": job["id"], "kind": "reset", "slot": job["slot"], "state": "succeeded"})
        self.assertEqual([notice["data"][name] for name in ("created_at", "started_at", "finished_at")],
                         [job[name] for name in ("created_at", "started_at", "finished_at")])
        told = self.delivered(hook)
        self.assertEqual((told["id"], told["job"], told["status"]), (call.headers["webhook-id"], job["id"], 200))
        self.assertNotIn("secret", self.gate.get(f"/v1/webhooks/{hook['id']}").expect(200).json)
        with self.assertRaises(AssertionError):
            verify(hook["secret"], call._replace(body=call.body.replace(b"succeeded", b"failed")))

    def test_each_hears_of_what_it_asked_for(self):
        receiver, board = self.receiver(), self.bench.boards[0]
        slot = self.bench.slot(board)
        bad = self.hook(receiver.url + "/bad", states=["failed", "cancelled"])
        here = self.hook(receiver.url + "/here", slot=slot)
        self.hook(receiver.url + "/there", slot="elsewhere")
        self.assertEqual(bad["states"], ["failed", "cancelled"])
        good = self.job()
        failed = self.bench.run("at", board, state="failed", lines=["AT+NOSUCH"])
        receiver.wait(3)
        self.delivered(bad)
        self.delivered(here)
        told = sorted((call.path, job) for call in receiver.calls for job in (good["id"], failed["id"])
                      if job.encode() in call.body)
        self.assertEqual(told, sorted([("/espgate/here", good["id"]), ("/espgate/here", failed["id"]),
                                       ("/espgate/bad", failed["id"])]))
        error = next(verify(bad["secret"], c) for c in receiver.calls if c.path.endswith("/bad"))["data"]["error"]
        self.assertEqual({name: error[name] for name in ("code", "step", "detail")},
                         {name: failed["error"][name] for name in ("code", "step", "detail")})

    def test_a_test(self):
        receiver = self.receiver()
        hook = self.hook(receiver.url)
        asked = self.gate.post(f"/v1/webhooks/{hook['id']}/test").expect(202)
        notice = verify(hook["secret"], receiver.wait(1)[0])
        self.assert_notice(notice)
        self.assertEqual((notice["type"], notice["data"]), ("webhook.test", {}))
        self.delivered(hook)
        self.assertEqual(self.gate.get(asked.headers["Location"]).expect(200).json["state"], "delivered")
        again = self.gate.post(asked.headers["Location"] + "/retry").expect(202).json
        second = receiver.wait(2)[1]
        self.assertEqual((second.headers["webhook-id"], second.body), (again["id"], receiver.calls[0].body))
        self.gate.delete(f"/v1/webhooks/{hook['id']}").expect(204)
        self.gate.get(asked.headers["Location"]).problem(404, "delivery_not_found")

    def test_who_refuses_is_asked_again(self):
        receiver = self.receiver()
        receiver.answers = [503, 200]
        hook = self.hook(receiver.url)
        job = self.job()
        first, second = receiver.wait(2)
        self.assertEqual(first.body, second.body)
        self.assertEqual(first.headers["webhook-id"], second.headers["webhook-id"])
        verify(hook["secret"], second)
        told = self.delivered(hook)
        self.assertEqual((told["job"], told["attempts"], told["error"]), (job["id"], 2, None))
        counts = self.gate.get("/metrics").expect(200).body.decode()
        for result in ("taken", "failed"):
            self.assertIn(f'espgate_webhook_calls_total{{outcome="{result}"}} 1\n', counts)

    def test_who_is_not_there_is_called_again(self):
        port = self.closed_port()
        hook = self.hook(f"http://localhost:{port}/espgate")
        self.job()
        tried = self.tried(hook)
        self.assertEqual((tried["state"], tried["status"]), ("pending", None))
        self.assertIn("connect", tried["error"])
        self.receiver(port=port).wait(1)
        self.assertGreater(self.delivered(hook)["attempts"], 1)

    def test_a_redirect_is_not_followed(self):
        trap, receiver = self.receiver(), self.receiver()
        receiver.answers, receiver.location = [307], trap.url
        hook = self.hook(receiver.url)
        self.gate.post(f"/v1/webhooks/{hook['id']}/test").expect(202)
        self.assertEqual((self.tried(hook)["status"], trap.calls), (307, []))

    def test_a_slow_one_holds_up_nobody(self):
        slow, quick = self.receiver(), self.receiver()
        slow.answers = [HOLD]
        self.hook(slow.url)
        hook = self.hook(quick.url)
        for n in range(1, 4):
            self.job()
            quick.wait(n)
        self.delivered(hook)
        self.assertEqual(len(slow.calls), 1)


class Certificates(WebhookCase):
    def test_the_certificate_must_be_good(self):
        pki = self.bench.pki
        receiver = self.receiver(server=pki.broker)
        known = self.hook(receiver.url, ca=pki.ca.cert.decode())
        unknown = self.hook(receiver.url)
        other = self.receiver(server=pki.issue("other", pki.ca, san="DNS:other.example"))
        misnamed = self.hook(other.url, ca=pki.ca.cert.decode())
        for hook in (known, unknown, misnamed):
            self.gate.post(f"/v1/webhooks/{hook['id']}/test").expect(202)
        verify(known["secret"], receiver.wait(1)[0])
        self.delivered(known)
        for hook, word in ((unknown, "certificate"), (misnamed, "subject name")):
            tried = self.tried(hook)
            self.assertEqual((tried["state"], tried["status"]), ("pending", None))
            self.assertIn(word, tried["error"])
        self.assertEqual((len(receiver.calls), other.calls), (1, []))


class Kills(WebhookCase):
    def test_kill_9_while_nobody_is_there(self):
        port = self.closed_port()
        hook = self.hook(f"http://127.0.0.1:{port}/")
        job = self.job()
        self.gate.kill9()
        receiver = self.receiver(port=port)
        self.gate.start()
        notice = verify(hook["secret"], receiver.wait(1)[0])
        self.assertEqual(notice["data"]["job"], job["id"])
        self.assertEqual(self.delivered(hook)["id"], receiver.calls[0].headers["webhook-id"])

    def test_kill_9_before_the_answer(self):
        receiver = self.receiver()
        receiver.answers = [HOLD, 200]
        hook = self.hook(receiver.url)
        self.job()
        receiver.wait(1)
        self.gate.kill9()
        self.gate.start()
        first, second = receiver.wait(2)
        self.assertEqual((first.headers["webhook-id"], first.body), (second.headers["webhook-id"], second.body))
        self.assertEqual(self.delivered(hook)["attempts"], 1)  # the first one has not ended

    def test_a_job_that_a_kill_cut_off_is_told_of(self):
        receiver = self.receiver()
        self.hook(receiver.url, states=["interrupted"])
        slot = self.bench.slot(self.bench.boards[0])
        self.bench.boards[0].fault("silent")
        job = self.gate.create_job(self.bench.command("identify", slot, timeout=600))
        while self.gate.job(job)["state"] == "queued":
            self.gate.get(f"/v1/jobs/{job}?wait=1").expect(200)
        self.gate.kill9()
        self.bench.boards[0].clear_faults()
        self.gate.start()
        self.assertIn(job.encode(), receiver.wait(1)[0].body)

    def test_no_end_is_lost_over_many_kills(self):
        """Killed whenever another call has come: between that and the note of it, or in the next job's end."""
        receiver, jobs = self.receiver(), []
        hook = self.hook(receiver.url)
        slot = self.bench.slot(self.bench.boards[0])
        for _ in range(8):
            jobs += [self.gate.create_job({"kind": "reset", "slot": slot}) for _ in range(2)]
            receiver.wait(len(receiver.calls) + 1)
            self.gate.kill9()
            self.gate.start()
        for job in jobs:
            self.gate.wait_job(job)
        end = time.monotonic() + PATIENCE
        while any(one["state"] == "pending" for one in self.deliveries(hook)):
            self.assertLess(time.monotonic(), end)
        for job in jobs:
            ids = {call.headers["webhook-id"] for call in receiver.calls if job.encode() in call.body}
            self.assertEqual(len(ids), 1, job)
