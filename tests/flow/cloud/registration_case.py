"""espgate with an account at the stand-in, for things that are registered without a board."""

import harness
from child import PATIENCE
from standin import Standin

ENDED = ("active", "undone", "left")


class RegistrationCase(harness.BenchCase):
    bench_options = {"boards": 0, "broker": False}
    rate_percent = "0"

    def setUp(self):
        super().setUp()
        self.cloud = Standin(self.bench.folder, "--rate-percent", self.rate_percent)
        self.addCleanup(self.cloud.stop)
        self.bench.secrets.add(self.cloud.secret_access_key)
        self.put_cloud()

    def put_cloud(self, **more):
        self.gate.put("/v1/clouds/prod", self.cloud.settings(**more)).expect(200, 201)

    def order(self, thing, body=None, **cloud):
        made_here = "credential" not in (body or {}) and cloud.get("certificate") != "aws"
        key = {"key": "P-256"} if made_here else {}
        return {"cloud": {"name": "prod", "thing": thing, **key, **cloud}, **(body or {})}

    def add(self, thing, body=None, **cloud):
        """The id of a registration that was taken on."""
        reply = self.gate.post("/v1/registrations", self.order(thing, body, **cloud)).expect(202)
        self.assertEqual(reply.headers["Location"], f"/v1/registrations/{reply.json['id']}")
        return reply.json["id"]

    def ended(self, number, *states, seconds=PATIENCE):
        """It, once it is in one of these states."""
        return self.cloud.settled(self.gate, number, *(states or ENDED), seconds=seconds)

    def register(self, thing, body=None, **cloud):
        got = self.ended(self.add(thing, body, **cloud))
        self.assertEqual((got["state"], got["error"], got["left"]), ("active", None, []), got)
        return got

    def undo(self, number):
        self.gate.delete(f"/v1/registrations/{number}").expect(202)
        return self.ended(number, "undone", "left")

    def fails(self, code, thing, body=None, **cloud):
        """It, once it was taken back."""
        got = self.ended(self.add(thing, body, **cloud))
        self.assertEqual(got["state"], "undone", got)
        self.assertEqual(got["error"]["code"], code, got)
        self.assertEqual(got["left"], [])
        return got

    def assert_clean(self, **kept):
        state = self.cloud.state()
        for kind in ("things", "certificates", "policies"):
            self.assertEqual(set(state[kind]), set(kept.get(kind, ())), kind)

    def assert_registered(self, *things):
        """Just these things, each with one certificate that is active and has a policy; and nothing else."""
        state = self.cloud.state()
        self.assertEqual(sorted(state["things"]), sorted(things))
        found = sorted(one["things"][0] if len(one["things"]) == 1 else str(one) for one in state["certificates"].values())
        self.assertEqual(found, sorted(things))
        for number, one in state["certificates"].items():
            self.assertEqual((one["status"], len(one["policies"])), ("ACTIVE", 1), number)
