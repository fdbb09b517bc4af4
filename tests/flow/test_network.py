"""Networks that fail: what the board's own checks and the host's find, and that the board is in order afterwards."""
import unittest

import harness
from fault_case import FaultCase

WAITS = True  # for the times of boards: run.py


class Network(FaultCase):
    """What the board's own checks find; the board is not left on the bench's network, nor waiting."""

    def provision_fails(self, code, step, **more):
        more.setdefault("method", "rom")
        error = self.fails("provision", code, step, **more)
        record = self.gate.get(f"/v1/devices/{self.bench.boards[0].mac}").expect(200).json
        self.assertEqual(record["history"][0]["outcome"], "failed")
        self.bench.run("at", self.bench.boards[0], lines=["AT"])
        return error

    def test_a_wrong_wifi_password(self):
        self.provision_fails("wifi_wrong_password", "wifi", wifi={"password": "not-this-one"})

    def test_no_such_access_point(self):
        self.provision_fails("wifi_not_found", "wifi", wifi={"ssid": "elsewhere"})

    def test_no_time(self):
        self.bench.clock.silent = True
        self.provision_fails("time_not_synced", "time")

    def test_nobody_listens_at_the_brokers_port(self):
        self.provision_fails("port_closed", "network", mqtt={"port": harness.free_port()})

    def test_a_device_that_the_broker_does_not_know(self):
        pki = self.bench.pki
        files = [("x", "x", f) for f in (pki.foreign_device.cert, pki.foreign_device.key, pki.ca.cert)]
        reply = self.gate.post("/v1/credentials?allow=chain_to_root", files=files).expect(201)
        self.provision_fails("certificate_refused", "tls", credential=reply.json["id"])

    def test_a_subscription_that_never_ends(self):
        self.replug(fault=["at-stall:MQTTSUB"])
        error = self.provision_fails("unexplained", "subscribe")
        self.assertIn("hangs", error["detail"])


if __name__ == "__main__":
    unittest.main()
