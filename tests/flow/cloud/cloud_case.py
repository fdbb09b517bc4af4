"""A bench with an account: the stand-in, the AWS-like broker that asks it, and espgate that knows both as "prod"."""
import harness
from aws_broker import AwsBroker
from grants import Grants
from standin import Standin


class CloudCase(Grants, harness.BenchCase):
    bench_options = {"boards": 1, "broker": False}

    def setUp(self):
        super().setUp()
        self.cloud = Standin(self.bench.folder, "--rate-percent", "0")
        self.addCleanup(self.cloud.stop)
        self.broker = AwsBroker(self.bench.folder, cloud=self.cloud)
        self.addCleanup(self.broker.stop)
        self.bench.secrets.add(self.cloud.secret_access_key)
        self.put_cloud()
        self.board = self.bench.boards[0]
        self.thing = "esp32-" + self.board.mac.replace(":", "")

    def put_cloud(self, **more):
        data = {"root_ca": self.cloud.ca_pem, "mqtt_port": self.broker.port, "https_port": self.cloud.https_publish_port}
        self.gate.put("/v1/clouds/prod", self.cloud.settings(data=data, **more)).expect(200, 201)

    def deny(self, actions):
        """From now on the keys that espgate has may not do these; else everything."""
        self.cloud.user(access_key_id=self.cloud.access_key_id, secret_access_key=self.cloud.secret_access_key, deny=actions)

    def order(self, board=None, **more):
        """A provision job that leaves the broker to the cloud."""
        board = board or self.board
        return {"kind": "provision", "slot": self.bench.slot(board), "cloud": "prod", "time": {"server": "127.0.0.1"},
                "wifi": {"ssid": harness.SSID, "password": harness.PASSWORD}, **more}

    def provision(self, state="succeeded", **more):
        job = self.gate.wait_job(self.gate.create_job(self.order(**more)))
        self.assertEqual(job["state"], state, job)
        return job

    def registrations(self, query=""):
        return self.gate.get("/v1/registrations" + query).expect(200).json["items"]

    def assert_clean(self):
        """Nothing is left in the account."""
        state = self.cloud.state()
        left = {kind: state[kind] for kind in ("things", "certificates", "policies")}
        self.assertEqual(left, {"things": {}, "certificates": {}, "policies": {}})

    def assert_registered(self, thing=None):
        """One ACTIVE certificate, attached to the thing, with a policy. Its id."""
        thing = thing or self.thing
        certificates = self.cloud.certificates()
        self.assertEqual(len(certificates), 1, certificates)
        (number, one), = certificates.items()
        self.assertEqual((one["status"], one["things"]), ("ACTIVE", [thing]), one)
        self.assertEqual(len(one["policies"]), 1, one)
        self.assertIn(thing, self.cloud.things())
        return number

    def until_undone(self, registration):
        """Polls it: there is nothing else to wait on."""
        while self.gate.get("/v1/registrations/" + registration).expect(200).json["state"] != "undone":
            pass
