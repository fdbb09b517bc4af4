"""What a verdict is drawn from and where it is kept. test_verdicts has the set-ups. Boards of both layouts work side by side,
since the firmware's own time-outs are most of what this takes."""
import concurrent.futures
import json
import socket
import unittest

import harness
import many_servers
from aws_broker import AwsBroker, allow
from test_exits import Between

LAYOUTS = ("2.4", "4.1")  # raw partitions; mfg_nvs
WAITS = True  # for the times of boards: run.py


class PromptTwin(many_servers.Twin):
    """Comes back at once: its next connection waits with the handshake done."""

    def _connection(self):
        raw = socket.create_connection(("127.0.0.1", self.port))
        s = self.context.wrap_socket(raw, server_hostname="localhost")
        s.settimeout(0.2)
        return s

    def _live(self):
        spare = self._connection()
        while not self.ended.is_set():
            with spare as s:
                s.sendall(self.hello)
                spare = self._connection()
                try:
                    self._stay(s)
                except OSError:
                    pass
        spare.close()


class VerdictCase(harness.BenchCase):
    bench_options = {"boards": [{"firmware": f} for f in LAYOUTS]}

    def setUp(self):
        super().setUp()
        self.ids = {}
        self.good = self.credential(self.bench.pki.device)

    def start(self, server):
        self.addCleanup(server.stop)
        return server

    def credential(self, one, root=None, key=None, allow=""):
        """An id, uploaded once."""
        root, key = root or self.bench.pki.ca, key or one.key
        name = (one.cert_path, root.cert_path)
        if name not in self.ids:
            files = [("x", "x", part) for part in (one.cert, key, root.cert)]
            path = "/v1/credentials" + (f"?allow={allow}" if allow else "")
            self.ids[name] = self.gate.post(path, files=files).expect(201).json["id"]
        return self.ids[name]

    def put(self, credential, boards=None, **more):
        """Write it to the boards."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            jobs = [pool.submit(self.bench.run, "write", board, method="rom", credential=credential, **more)
                    for board in boards or self.bench.boards]
            for job in jobs:
                job.result()

    def check(self, board, order):
        job = self.gate.wait_job(self.gate.create_job(self.bench.command("check", self.bench.slot(board), **order)))
        self.assertIn("verdict", job["result"], json.dumps(job, indent=1))
        return job

    def judge(self, side, code, step, boards=None, words="", **order):
        """A check on each board at once, with this verdict. The jobs."""
        order.setdefault("credential", self.good)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            jobs = list(pool.map(lambda b: self.check(b, order), boards or self.bench.boards))
        for job in jobs:
            v = job["result"]["verdict"]
            self.assertEqual((v["side"], v["code"], v["step"]), (side, code, step), json.dumps(job, indent=1))
            self.assertEqual(job["state"], "failed")
            self.assertEqual((job["error"]["code"], job["error"]["step"], job["error"]["detail"], job["error"]["hint"]),
                             (code, step, v["detail"], v["fix"]))
            self.assertIn(words, v["detail"] + v["fix"])
        return jobs

    def evidence(self, job):
        return job["result"]["verdict"]["evidence"]


class Network(VerdictCase):
    """What the board finds on the way to the broker, and what listens there."""

    def test_wifi(self):
        self.judge("wifi", "wifi_wrong_password", "wifi", wifi={"password": "not-this-one"})
        jobs = self.judge("wifi", "wifi_not_found", "wifi", wifi={"ssid": "elsewhere"}, words="elsewhere")
        for job in jobs:  # the host has looked at the rest
            self.assertTrue(self.evidence(job)["host"]["ok"])

    def without_names(self):
        """No name server answers the boards."""
        self.bench.env["ESPBOARD_RESOLVE"] = "nobody"
        for board in self.bench.boards:
            board.stop()
            board.start()

    def test_names(self):
        self.without_names()
        jobs = self.judge("network", "host_unknown", "network", mqtt={"host": "broker.invalid"})
        for job in jobs:
            self.assertEqual(self.evidence(job)["network"]["dns"], "refused")
            self.assertEqual(self.evidence(job)["host"]["code"], "mqtt_dns_failed")
        self.judge("network", "board_dns_failed", "network", mqtt={"host": "localhost"})

class Tls(VerdictCase):
    """Certificates and keys."""

    def test_credentials_that_are_wrong_themselves(self):
        pki = self.bench.pki
        wrong = {"root_ca_wrong": self.credential(pki.ec_device, root=pki.other_ca, allow="chain_to_root"),
                 "certificate_expired": self.credential(pki.expired_device, allow="validity"),
                 "certificate_not_yet_valid": self.credential(pki.early_device, allow="validity"),
                 "certificate_refused": self.credential(pki.foreign_device, allow="chain_to_root")}
        for code, credential in wrong.items():
            self.put(credential)
            jobs = self.judge("credential", code, "tls", credential=credential)
            for job in jobs:
                stored = self.evidence(job)["stored"]
                self.assertEqual((stored["certificate"], stored["private_key"], stored["root_ca"]), ("same",) * 3)

    def test_what_lies_on_the_board(self):
        pki = self.bench.pki
        self.judge("board_credential", "credential_differs", "tls")  # as the factory made it
        self.put(self.good, target={"kind": "client", "index": 0})
        self.judge("board_credential", "credential_elsewhere", "tls", words="client")
        self.put(self.credential(pki.ec_device))
        for board in self.bench.boards:  # it works, but not with what was asked for
            verdict = self.check(board, {"credential": self.good})["result"]["verdict"]
            self.assertEqual((verdict["code"], [w["code"] for w in verdict["warnings"]]),
                             ("works", ["credential_differs"]))

    def test_partitions_that_were_changed(self):
        pki, board = self.bench.pki, self.bench.boards[0]
        partitions = {"mqtt_cert": 0x37000, "mqtt_key": 0x39000, "mqtt_ca": 0x3B000}
        other = {f["partition"]: self.gate.get(f["url"]).expect(200).body for f in self.gate.post(
            "/v1/images", {"credential": self.credential(pki.other_device)}).expect(201).json["images"]}

        def change(name, data):
            self.put(self.good, [board])
            board.stop()
            with open(board.flash, "r+b") as f:
                f.seek(partitions[name])
                f.write(data)
            board.start()
        change("mqtt_key", other["mqtt_key"])
        self.judge("board_credential", "board_key_mismatch", "tls", [board])
        change("mqtt_cert", other["mqtt_cert"][:300] + b"\xff" * 100)
        self.judge("board_credential", "credential_damaged", "tls", [board], words="certificate")
        change("mqtt_ca", b"\xff" * 4096)
        self.judge("board_credential", "credential_missing", "tls", [board], words="root CA")
        # Without a credential in the order the board's own is judged by itself.
        change("mqtt_key", other["mqtt_key"])
        self.judge("board_credential", "board_key_mismatch", "tls", [board], credential=None)

    def test_a_board_whose_credential_nobody_named(self):
        pki = self.bench.pki
        self.put(self.credential(pki.ec_device, root=pki.other_ca, allow="chain_to_root"))
        jobs = self.judge("board_credential", "board_root_ca_wrong", "tls", credential=None)
        for job in jobs:
            self.assertEqual(self.evidence(job)["host"]["credential"], "of the board")
            self.assertEqual(self.evidence(job)["stored"]["root_ca"], "readable")


class Policy(VerdictCase):
    """A broker that refuses as AWS IoT Core does: by an end without a word."""

    def aws(self, **policy):
        broker = AwsBroker(self.bench.folder, self.bench.pki, policy=allow(**policy))
        return self.start(broker)

    def order(self, broker, topic="lab/1"):
        return {"port": broker.port, "client_id": "dev-{mac}", "topic": topic}

    def setUp(self):
        super().setUp()
        self.put(self.good)

    def test_subscribe(self):
        jobs = self.judge("policy", "subscribe_denied", "subscribe", mqtt=self.order(self.aws(subscribe="other")),
                          words="topicfilter/lab/1")
        for job in jobs:
            self.assertEqual(self.evidence(job)["board"]["idle_connection"], "stayed")

    def test_two_of_one_name(self):
        broker = self.aws()
        self.start(PromptTwin(self.bench.pki, broker.port, "twin"))
        order = {**self.order(broker), "client_id": "twin"}
        for board in self.bench.boards:  # one after the other: they are two of one name as well
            verdict = self.check(board, {"credential": self.good, "mqtt": order})["result"]["verdict"]
            self.assertEqual((verdict["side"], verdict["code"]), ("client_id", "client_id_in_use"))
            self.assertEqual(verdict["evidence"]["board"]["idle_connection"], "dropped")


class Log(VerdictCase):
    """A firmware that says on its other UART what it thinks; most builds do not."""

    bench_options = {"boards": [{"firmware": "2.4"}]}

    def test_what_the_board_logs_is_believed(self):
        board = self.bench.boards[0]
        between = Between(self.bench, board, side="download")
        self.addCleanup(between.close)

        def refuse(connection):
            if not connection.recv(4096):  # only a look whether the port is open
                return
            between.say(b"\x1b[0;33mW (9600) MQTT_CLIENT: Connection refused, bad username or password\x1b[0m\r\n")
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.close()
        mqtt = {"scheme": 1, "port": self.start(many_servers.peers.Fake(refuse)).port}
        slot = {"download_port": between.link, "at_port": board.at}
        self.gate.put(f"/v1/slots/{board.name}", slot).expect(201)
        order = self.bench.command("check", board.name, mqtt=mqtt, credential=self.good, host_check=False)
        verdict = self.gate.wait_job(self.gate.create_job(order))["result"]["verdict"]
        self.assertEqual((verdict["side"], verdict["code"], verdict["step"]), ("login", "login_refused", "connect"))
        self.assertEqual(verdict["evidence"]["log"],
                         ["W (9600) MQTT_CLIENT: Connection refused, bad username or password"])


class Wifi(VerdictCase):
    """What a board knows of the bench's network afterwards."""

    bench_options = {"boards": [{"firmware": f} for f in ("4.1", "2.0")]}

    def network_of(self, board):
        """After a boot of its own."""
        board.stop()
        board.start()
        lines = self.bench.run("at", board, lines=["AT+CWMODE=1", "AT+CWJAP?"])["result"]["lines"]
        return lines[1]["answer"]

    def test_only_what_is_to_be_kept_is_kept(self):
        board = self.bench.boards[0]
        job = self.bench.run("check", board, level="wifi")
        self.assertFalse(job["result"]["wifi"]["stored_on_board"])
        self.assertEqual(self.network_of(board), [])
        job = self.bench.run("check", board, level="wifi", wifi={"keep": True})
        self.assertTrue(job["result"]["wifi"]["stored_on_board"])
        self.assertIn(harness.SSID, self.network_of(board)[0])
        self.bench.run("check", board, level="wifi")  # does not touch what the board knew
        self.assertIn(harness.SSID, self.network_of(board)[0])

    def test_a_network_that_could_not_be_joined_is_not_kept(self):
        board = self.bench.boards[0]
        order = {"level": "wifi", "wifi": {"keep": True, "password": "not-this-one"}}
        self.assertEqual(self.check(board, order)["error"]["code"], "wifi_wrong_password")
        self.assertEqual(self.network_of(board), [])

    def test_a_firmware_that_stores_everything_is_made_to_forget(self):
        board = self.bench.boards[1]
        job = self.bench.run("check", board, level="wifi")
        self.assertTrue(job["result"]["wifi"]["stored_on_board"])
        self.assertEqual([w["code"] for w in job["result"]["verdict"]["warnings"]], ["wifi_stored"])
        self.assertEqual(self.network_of(board), [])
        self.assertNotIn(harness.PASSWORD.encode(), board.flash_bytes(0, 4 << 20))

    def test_a_firmware_that_stores_everything_and_hangs_is_made_to_forget(self):
        board = self.bench.boards[1]
        board.fault("at-stall:CIPSTA@once")
        self.bench.run("check", board, level="wifi", state="failed")
        self.assertEqual(self.network_of(board), [])


class Works(VerdictCase):
    def test_a_board_that_works(self):
        self.put(self.good)
        for board in self.bench.boards:
            job = self.check(board, {"credential": self.good})
            verdict = job["result"]["verdict"]
            self.assertEqual((job["state"], verdict["code"], verdict["step"], verdict["warnings"]),
                             ("succeeded", "works", "done", []), json.dumps(job, indent=1))
            self.assertEqual(verdict["evidence"]["network"]["tcp"], "ok")
            self.assertLess(abs(verdict["evidence"]["clock"]["ahead_of_host_s"]), 5)

    def test_the_record_keeps_the_verdict(self):
        board = self.bench.boards[0]
        self.check(board, {"credential": self.good, "mqtt": {"port": harness.free_port()}})
        entry = self.gate.get(f"/v1/devices/{board.mac}").expect(200).json["history"][0]
        self.assertEqual(entry["detail"]["verdict"]["code"], "port_closed")


if __name__ == "__main__":
    unittest.main()
