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


if __name__ == "__main__":
    harness.unittest.main()
