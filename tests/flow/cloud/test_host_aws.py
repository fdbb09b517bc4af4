"""What the host sees of an AWS-like broker, with the stand-in deciding: how far its check comes, and by which port. The
board is kept out of it: it finds no Wi-Fi."""
import concurrent.futures
import json
import unittest

import bench_pki
import harness
from aws_broker import AwsBroker
from grants import THING, Grants
from standin import Standin

CONCURRENT = True
ALPN = "x-amzn-mqtt-ca"


class HostAtAws(Grants, harness.BenchCase):
    bench_options = {"boards": 3, "broker": False}

    def setUp(self):
        super().setUp()
        self.cloud = Standin(self.bench.folder, "--rate-percent", "0")
        self.addCleanup(self.cloud.stop)
        self.broker = AwsBroker(self.bench.folder, cloud=self.cloud)
        self.addCleanup(self.broker.stop)

    def upload(self, one):
        _, certificate, key = one
        files = [("x", "x", part.encode()) for part in (certificate, key, self.cloud.ca_pem)]
        reply = self.gate.post("/v1/credentials?allow=chain_to_root", files=files)
        return reply.problem(409, "credential_exists")["earlier"] if reply.status == 409 else reply.expect(201).json["id"]

    def look(self, board, one, client=None, port=None, alpn=""):
        """The host's evidence, as it stands in a check's verdict. client: of two with one id the older goes, so each
        board has its own."""
        order = {"port": port or self.broker.port, "client_id": client or board.name, "topic": "a/b", "alpn": alpn}
        command = self.bench.command("check", self.bench.slot(board), credential=self.upload(one),
                                     wifi={"ssid": "elsewhere"}, mqtt=order)
        job = self.gate.wait_job(self.gate.create_job(command))
        return job["result"]["verdict"]["evidence"]["host"]

    def judge(self, cases):
        """cases: (code or "", arguments of look() behind the board), spread over the boards."""
        def turn(board, own):
            return [(code, self.look(board, *args), args[1:]) for code, args in own]
        boards = self.bench.boards
        with concurrent.futures.ThreadPoolExecutor() as pool:
            turns = [pool.submit(turn, board, cases[i::len(boards)]) for i, board in enumerate(boards)]
            for code, evidence, args in (seen for t in turns for seen in t.result()):
                self.assertEqual(evidence.get("code", ""), code, json.dumps([args, evidence]))

    def test_each_way_out_has_its_stage(self):
        everything, own = self.policy(), self.policy("own", Connect=f"client/{THING}")
        foreign = bench_pki.shared().foreign_device
        attached = self.certificate(own, "dev-2")
        self.judge([
            ("", (self.certificate(everything),)),
            ("", (attached, "dev-2")),
            ("", (self.certificate(everything), None, self.broker.alpn_port, ALPN)),
            ("mqtt_dropped_connect", (self.certificate(everything, active=False),)),
            ("mqtt_dropped_connect", (self.certificate(),)),
            ("mqtt_dropped_connect", ((None, foreign.cert.decode(), foreign.key.decode()),)),
            ("mqtt_dropped_connect", (self.certificate(own), "dev-3")),
            ("mqtt_dropped_connect", (attached, "dev-4")),
            ("mqtt_dropped_subscribe", (self.certificate(self.policy("s", Subscribe="topicfilter/x")),)),
            ("mqtt_dropped_publish", (self.certificate(self.policy("p", Publish="topic/x")),)),
            ("mqtt_no_echo", (self.certificate(self.policy("r", Receive="topic/x")),)),
            ("mqtt_tls_failed", (self.certificate(everything), None, self.broker.alpn_port, "mqtt")),
        ])


if __name__ == "__main__":
    unittest.main()
