"""What /metrics tells of calls, beside what the control plane has seen of them."""
import re

import harness
from standin import Standin

CONCURRENT = True


class CallFigures(harness.BenchCase):
    bench_options = {"boards": 0, "broker": False}

    def setUp(self):
        super().setUp()
        self.cloud = Standin(self.bench.folder)
        self.addCleanup(self.cloud.child.stop)
        self.bench.secrets.add(self.cloud.secret_access_key)
        self.gate.put("/v1/clouds/prod", self.cloud.settings()).expect(201)

    def figures(self):
        """Sample by name with labels, those of clouds."""
        text = self.gate.get("/metrics").expect(200).body.decode()
        return {name: int(float(value)) for name, value in re.findall(r"^(espgate_cloud_\S+) (\S+)$", text, re.M)}

    def test_calls_are_counted_by_how_they_ended(self):
        self.assertEqual(self.figures()["espgate_cloud_requests_total"], 0)
        self.cloud.fault("DescribeEndpoint", "throttle", times=2)
        self.gate.post("/v1/clouds/prod/test").expect(200)
        told, seen = self.figures(), self.cloud.counts()
        self.assertEqual(told['espgate_cloud_calls_total{operation="GetCallerIdentity",outcome="ok"}'], 1, told)
        self.assertEqual(told['espgate_cloud_calls_total{operation="DescribeEndpoint",outcome="ok"}'], 1, told)
        self.assertEqual(told['espgate_cloud_calls_total{operation="GetPolicy",outcome="aws_not_found"}'], 1, told)
        self.assertEqual((told["espgate_cloud_throttled_total"], told["espgate_cloud_retries_total"]), (2, 2))
        calls = sum(n for name, n in told.items() if name.startswith("espgate_cloud_calls"))
        self.assertEqual(told["espgate_cloud_requests_total"], calls + 2)
        self.assertEqual(told["espgate_cloud_requests_total"], seen["calls"], seen)
        self.assertEqual(told["espgate_cloud_connections_total"], 1)


if __name__ == "__main__":
    harness.unittest.main()
