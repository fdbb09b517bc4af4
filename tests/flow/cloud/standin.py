"""AWS's control plane for tests: a stand-in in a process of its own, see tests/cloud/standin.py and admin.py.

    cloud = Standin(folder)
    cloud.fault("CreateCertificateFromCsr", "mute", when="after")
    cloud.certificates()  # what the account holds
"""
import json
import os
import time
import urllib.request

from child import PATIENCE, Child

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
SCRIPT = os.path.join(ROOT, "tests", "cloud", "standin.py")
PYTHON = "/usr/bin/python3"


class Standin:
    """Attributes of the same names as its line tells: control, ca, region, account, access_key_id, secret_access_key,
    admin, device_ca, servers, endpoint … args: further options of the program."""

    def __init__(self, folder, *args):
        self.folder = os.path.join(folder, "cloud")
        self.child = Child("cloud", [PYTHON, SCRIPT, "--dir", self.folder, *args])
        told = json.loads(self.child.wait_line(r"^listening (\{.*\})$")[1])
        self.__dict__.update(told)
        with open(self.ca, encoding="ascii") as f:
            self.ca_pem = f.read()

    def settings(self, **more):
        """The body of PUT /v1/clouds/{name} for it."""
        return {"provider": "aws", "region": self.region,
                "keys": {"from": "request", "access_key_id": self.access_key_id,
                         "secret_access_key": self.secret_access_key},
                "control": {"endpoint": self.control, "root_ca": self.ca_pem},
                "data": {"root_ca": self.ca_pem}, **more}

    # ---- the admin's side ----

    def call(self, method, path, body=None, seconds=PATIENCE):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.admin + path, data, method=method)
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            return json.load(answer)

    def state(self):
        return self.call("GET", "/state")

    def things(self):
        return self.state()["things"]

    def certificates(self):
        return self.state()["certificates"]

    def policies(self):
        return self.state()["policies"]

    def counts(self):
        return self.state()["counts"]

    def fault(self, operation, do, **more):
        """One more, until it is met `times` (1) times. Its id."""
        return self.call("POST", "/faults", {"operation": operation, "do": do, **more})["id"]

    def clear_faults(self, number=None):
        self.call("DELETE", "/faults" + (f"/{number}" if number else ""))

    def configure(self, **settings):
        return self.call("POST", "/settings", settings)

    def clock(self, offset_s):
        self.call("POST", "/clock", {"offset_s": offset_s})

    def user(self, **more):
        """A user's keys: name=, session_token=True, expires_in_s=, allow=[…], deny=[…], access_key_id= …"""
        return self.call("POST", "/users", more)

    def operate(self, operation, path=None, body=None, **more):
        """As the account's owner would, past signature, rates and faults: operate("CreateThing", {"thingName": "x"}).
        The answer's body; more: query=, headers=."""
        asked = {"operation": operation, "path": path or {}, **({} if body is None else {"body": body}), **more}
        answer = self.call("POST", "/operate", asked)
        if answer["status"] != 200:
            raise AssertionError(f"{operation}: {answer}")
        return answer["body"]

    def authorize(self, **question):
        return self.call("POST", "/authorize", question)

    def reset(self):
        self.call("POST", "/reset")

    # ---- what was called ----

    def mark(self):
        """A place in the journal."""
        return self.call("GET", "/journal/last")["seq"]

    def journal(self, since=0, wait=0):
        return self.call("GET", f"/journal?since={since}&wait={wait}", seconds=PATIENCE + wait)

    def calls(self, since=0):
        """Names of the operations that have arrived, in order."""
        return [e["operation"] for e in self.journal(since) if e["event"] == "arrived"]

    def wait_event(self, event, operation=None, since=0, seconds=PATIENCE):
        """The first event "arrived", "done" or "answered" of an operation after that place."""
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            events = self.journal(since, max(0, min(left, 10)))
            for e in events:
                if e["event"] == event and operation in (None, e["operation"]):
                    return e
            since = events[-1]["seq"] if events else since
            if left <= 0:
                raise AssertionError(f"{operation} was never {event}: {self.calls()}")

    def settled(self, gate, number, *states, seconds=PATIENCE):
        """The registration of that id, once it is in one of these states. There is nothing to wait on at espgate, so it
        looks again whenever the account was called, and ten times a second."""
        end, since = time.monotonic() + seconds, self.mark()
        while (got := gate.get(f"/v1/registrations/{number}").expect(200).json)["state"] not in states:
            if time.monotonic() > end:
                raise AssertionError(f"it is still {got}: {self.calls(since)}")
            self.journal(self.mark(), wait=0.1)
        return got

    def stop(self):
        self.child.stop()
        if self.child.has_said("Traceback"):
            raise AssertionError(f"the stand-in has a fault of its own\n{self.child.log()}")
