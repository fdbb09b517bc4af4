"""Two hundred things are registered, eight at a time, while the process is killed again and again at random moments: in
the end each has exactly one certificate, active, with its policy, and nothing else is in the account.

What was done is asked of the stand-in's journal: no thing, policy or certificate is made twice but those certificates of
which no answer ever came, and they are gone."""
import collections
import http.client
import json
import os
import random
import threading
import time

from registration_case import RegistrationCase

WAITS = True  # for the answers of the account

THINGS = 200
AT_A_TIME = 8
OVER = (ConnectionError, http.client.HTTPException, OSError, json.JSONDecodeError)


class Client(threading.Thread):
    """Orders until its thing is active, whatever happens to the process meanwhile."""

    def __init__(self, case, names):
        super().__init__()
        self.case, self.names, self.failure = case, names, None

    def run(self):
        try:
            while True:
                with self.case.lock:
                    if not self.names:
                        return
                    name = self.names.pop()
                self.register(name)
        except Exception as failure:
            self.failure = failure

    def ask(self, method, path, body=None):
        """An answer; None: the process was killed."""
        try:
            return self.case.gate.request(method, path, body)
        except OVER:
            self.case.runs.wait(1)
            return None

    def register(self, name):
        end = time.monotonic() + 120
        while time.monotonic() < end:
            reply = self.ask("POST", "/v1/registrations", self.case.order(name))
            if reply is None:
                continue
            if reply.status == 200:  # it is active
                return
            if reply.status != 202:  # it was taken on before, and is on its way
                reply.problem(409, "thing_registered")
            self.case.cloud.journal(self.case.cloud.mark(), wait=0.2)
        raise AssertionError(f"{name} is not active: {self.ask('GET', '/v1/registrations?thing=' + name)}")


class Kills(RegistrationCase):
    def test_every_thing_has_exactly_one_certificate(self):
        chance = random.Random(seed := int(os.environ.get("SEED", random.randrange(10 ** 6))))
        print(f"SEED={seed}", flush=True)
        names = [f"sensor-{n}" for n in range(THINGS)]
        self.lock, self.runs = threading.Lock(), threading.Event()
        self.runs.set()
        left = list(names)
        clients = [Client(self, left) for _ in range(AT_A_TIME)]
        for client in clients:
            client.start()
        kills = 0
        while alive := [c for c in clients if c.is_alive()]:
            self.let_go_on(alive, chance.randrange(10, 250))
            self.runs.clear()
            self.gate.kill9()
            kills += 1
            self.gate.start()
            self.runs.set()
        print(f"{kills} kills", flush=True)
        self.assertEqual([c.failure for c in clients], [None] * len(clients))
        self.assertGreater(kills, 10)
        self.assert_registered(*names)
        self.assert_done_once(names)

    def let_go_on(self, clients, events):
        """Until so much has happened at the account: however fast this machine is."""
        at = self.cloud.mark()
        end = at + events
        while at < end and any(c.is_alive() for c in clients):
            at = ([at] + [e["seq"] for e in self.cloud.journal(at, wait=0.2)])[-1]

    def assert_done_once(self, names):
        done = collections.Counter(e["operation"] for e in self.cloud.journal() if e["event"] == "done")
        self.assertEqual(done["CreatePolicy"], 1, done)
        self.assertEqual(len(self.cloud.policies()), 1)
        # a certificate that no answer ever told of may have been asked for again; then one of the two is gone
        self.assertEqual(done["CreateCertificateFromCsr"] - done["DeleteCertificate"], len(names), done)
