"""Ports that come and go while espgate runs."""
import re

import harness


class Hotplug(harness.BenchCase):
    bench_options = {"broker": False}

    def test_what_comes_and_goes_is_logged(self):
        board = self.bench.boards[0]
        slot = self.bench.slot(board)
        self.assertEqual(self.gate.get(f"/v1/slots/{slot}").expect(200).json["state"], "idle")
        for port in (board.download, board.at):
            self.assertFalse(self.gate.child.has_said(f"port arrived id={port}"), "it was there from the start")
        mark = self.gate.child.mark()
        board.unplug()
        for port in (board.download, board.at):
            self.gate.child.wait_line(rf" info hotplug port left id={re.escape(port)} path={re.escape(port)} ", since=mark)
        self.assertEqual(self.gate.get(f"/v1/slots/{slot}").expect(200).json["state"], "absent")
        mark = self.gate.child.mark()
        board.start()
        for port in (board.download, board.at):
            self.gate.child.wait_line(rf" info hotplug port arrived id={re.escape(port)} path={re.escape(port)} ",
                                      since=mark)
        self.assertEqual(self.gate.get(f"/v1/slots/{slot}").expect(200).json["state"], "idle")


class Twins(harness.BenchCase):
    """Adapters with the serial number that all of their kind have."""

    bench_options = {"broker": False, "usb": True, "boards": 2}

    def path_of(self, device):
        return next(p["path"] for p in self.gate.get("/v1/ports").expect(200).json["items"] if p["device"] == device)

    def test_a_link_that_two_share_means_neither(self):
        one = self.bench.adapter(self.bench.boards[0], socket="1-1", serial="0001")
        self.assertEqual(self.path_of("/dev/ttyUSB0"), one.by_id)
        self.gate.put("/v1/slots/bench", {"download_port": one.by_id}).expect(201)
        two = self.bench.adapter(self.bench.boards[1], socket="1-2", serial="0001")
        self.assertEqual(two.by_id, one.by_id)
        self.assertEqual([self.path_of("/dev/ttyUSB0"), self.path_of("/dev/ttyUSB1")],
                         ["/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0",
                          "/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0"])
        self.assertEqual(self.gate.get("/v1/slots/bench").expect(200).json["state"], "absent")
        self.bench.boards[1].unplug("download")
        two.wait_gone()
        self.assertEqual(self.gate.get("/v1/slots/bench").expect(200).json["state"], "idle")


if __name__ == "__main__":
    harness.unittest.main()
