"""The check from the host, as the last part of a job: what it reports, and what it sees that the board does not."""
import json
import unittest

import bench_pki
import harness

CONCURRENT = True
STAGES = ["dns", "tcp", "tls", "connect", "subscribe", "publish", "echo"]


def steps(job):
    return {s["name"]: s["state"] for s in job["steps"]}


class HostCheck(harness.BenchCase):
    def test_it_reports_each_stage_and_what_the_broker_is(self):
        job = self.bench.run("provision", self.bench.boards[0])
        check = job["result"]["host_check"]
        self.assertEqual(sorted(check["stages_ms"], key=STAGES.index), STAGES)
        self.assertEqual(check["tls_version"], "TLSv1.2")
        self.assertEqual(check["server_subject"], "CN=bench broker")
        self.assertEqual(check["address"], "127.0.0.1")

    def test_board_and_host_are_never_connected_with_one_client_id_at_once(self):
        self.bench.run("provision", self.bench.boards[0])
        log = self.bench.broker.child.log(last=10**6)
        self.assertEqual(log.count("Sending CONNACK to espgate-"), 2, log)
        self.assertNotIn("already connected", log)

    def test_without_it_only_the_board_connects(self):
        job = self.bench.run("provision", self.bench.boards[0], host_check=False)
        self.assertNotIn("host_check", steps(job))
        self.assertNotIn("host_check", job["result"])
        log = self.bench.broker.child.log(last=10**6)
        self.assertEqual(log.count("Sending CONNACK to espgate-"), 1, log)


class OtherName(harness.BenchCase):
    """ESP-AT does not compare the broker's name, so only the host can find this out."""

    bench_options = {"server": bench_pki.shared().elsewhere_broker}

    def test_a_broker_of_another_name_is_warned_about(self):
        job = self.bench.run("provision", self.bench.boards[0])
        verdict = job["result"]["verdict"]
        self.assertEqual((verdict["side"], verdict["code"]), ("none", "works"))
        self.assertEqual([(w["side"], w["code"]) for w in verdict["warnings"]],
                         [("broker_name", "broker_name_differs")], json.dumps(job))
        self.assertIn("localhost", verdict["warnings"][0]["detail"])
        self.assertTrue(verdict["warnings"][0]["fix"])
        self.assertEqual(sorted(job["result"]["host_check"]["stages_ms"]), ["dns", "tcp"])


if __name__ == "__main__":
    unittest.main()
