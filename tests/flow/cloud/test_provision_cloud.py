"""The main job with a cloud: the thing is registered first, the board is written, the certificate becomes active, and
the board proves it. A job that fails leaves nothing in the account, and the board runs."""
import unittest

from cloud_case import CloudCase


def steps(job):
    return [s["name"] for s in job["steps"]]


class Provisions(CloudCase):
    def assert_whole(self, job, method):
        names = steps(job)
        for before, after in zip(["layout", "register", "images", "write", "activate", "tls", "received", "host_check"],
                                 ["register", "images", "write", "activate", "tls", "received", "host_check", "record"]):
            self.assertLess(names.index(before), names.index(after), names)
        made = job["result"]["registration"]
        number = self.assert_registered()
        self.assertEqual((made["state"], made["thing"], made["cloud"], made["certificate"]["id"]),
                         ("active", self.thing, "prod", number))
        self.assertEqual(made["left"], [])
        self.assertEqual(job["credential"], made["credential"])
        self.assertEqual((job["result"]["mqtt"]["client_id"], job["result"]["mqtt"]["topic"]),
                         (self.thing, self.thing + "/check"))
        device = self.gate.get(f"/v1/devices/{self.board.mac}").expect(200).json
        self.assertEqual((device["credential"], device["fingerprint_sha256"]), (made["credential"], number))
        entry = device["history"][0]
        self.assertEqual((entry["method"], entry["detail"]["registration"]["id"]), (method, made["id"]))

    def test_through_the_rom_loader(self):
        self.assert_whole(self.provision(method="rom"), "rom")

    def test_through_at_commands(self):
        self.assert_whole(self.provision(method="at"), "at")

    def test_again_it_is_the_same_thing(self):
        first = self.provision()
        mark = self.cloud.mark()
        second = self.provision()
        self.assertEqual(first["result"]["registration"]["id"], second["result"]["registration"]["id"])
        self.assertEqual(first["credential"], second["credential"])
        made = [name for name in self.cloud.calls(mark) if name.startswith(("Create", "Attach", "Update", "Delete"))]
        self.assertEqual(made, [])
        self.assert_registered()


if __name__ == "__main__":
    unittest.main()
