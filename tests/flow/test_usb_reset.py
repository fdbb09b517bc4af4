"""Resets that depend on what the port is: the chip's own USB, which goes with each reset and comes back as another, and
an adapter that wants DTR."""
import harness
from flash_case import FlashCase, built_for, steps

C3 = {"chip": "esp32c3", "firmware": "none", "usb-jtag": True}


class UsbCase(harness.BenchCase):
    def identify(self, port, reset, state="succeeded"):
        self.gate.put("/v1/slots/usb", {"download_port": port, "reset": reset}).expect(200, 201)
        job = self.gate.wait_job(self.gate.create_job({"kind": "identify", "slot": "usb"}))
        self.assertEqual(job["state"], state, job)
        if state == "succeeded":
            self.assertEqual(job["result"]["board"]["mac"], self.bench.boards[0].mac)
        return job


class Unknown(UsbCase):
    """A port that USB tells nothing of, as in a container."""

    bench_options = {"broker": False, "boards": [C3]}

    def test_identify(self):
        for reset in ("auto", "usb-jtag", "U0,0|W0.1|U1,0|W0.1|U1,1|U0,1|W0.1|U0,0"):
            with self.subTest(reset):
                self.identify(self.bench.boards[0].download, reset)


class Known(UsbCase):
    bench_options = {"broker": False, "usb": True, "boards": [C3]}

    def test_identify_takes_one_reset_in_and_one_out(self):
        board = self.bench.boards[0]
        adapter = self.bench.usb.add_jtag(board.download, board.mac.upper(), socket="1-2")
        self.identify(adapter.by_id, "auto")
        adapter.wait_there(plugs=3)
        self.assertEqual([e[0] for e in self.bench.usb.events], ["add", "remove", "add", "remove", "add"])


class Flashed(FlashCase):
    """Chips whose own USB is their download port. The S3 has a ROM and a flash only."""

    bench_options = {"broker": False, "usb": True,
                     "boards": [{"chip": "esp32c3", "usb-jtag": True},
                                {"chip": "esp32s3", "usb-jtag": True, "firmware": "none"}]}

    def run_on(self, kind, **order):
        job = self.gate.wait_job(self.gate.create_job({"kind": kind, "slot": "usb", **order}))
        self.assertEqual(job["state"], "succeeded", job)
        return job

    def last_start(self):
        said = b"".join(bytes.fromhex(x["hex"]) for x in self.board.transcript() if x.get("port") in ("log", "download"))
        return said[said.rfind(b"rst:0x"):]

    def flash_and_reset(self, board, firmware, speaks):
        self.board = board
        adapter = self.bench.usb.add_jtag(board.download, board.mac.upper(), socket="1-2")
        at = {"at_port": self.bench.adapter(board, "at", socket="1-3").by_id} if speaks else {}
        self.gate.put("/v1/slots/usb", {"download_port": adapter.by_id, **at}).expect(201)
        job = self.run_on("flash", firmware=self.factory(firmware))
        self.assert_flash(firmware.factory())
        self.assertEqual(steps(job), ["identify", "plan", "diff", "write", "verify", "reset", "boot",
                                      *(["firmware"] if speaks else []), "record"])
        self.assertEqual(job["result"]["boot"]["heard"], "runs")
        adapter.wait_there(plugs=3)
        self.assertIn(b"FLASH_BOOT", self.last_start())
        self.run_on("reset")
        adapter.wait_there(plugs=4)
        self.assertIn(b"FLASH_BOOT", self.last_start())
        if speaks:
            self.run_on("at", lines=["AT"])

    def test_a_c3(self):
        self.flash_and_reset(self.bench.boards[0], built_for("esp32c3"), True)

    def test_an_s3(self):
        self.flash_and_reset(self.bench.boards[1], built_for("esp32s3"), False)


class HoldsDtr(UsbCase):
    bench_options = {"broker": False, "usb": True}

    def test_an_adapter_that_pulls_rts_when_it_receives_keeps_dtr_beside_it(self):
        board = self.bench.boards[0]
        adapter = self.bench.adapter(board, vid=0x10C4, pid=0xEA64, product="CP2102C", serial="77")
        self.identify(adapter.by_id, "auto")
        lines = [entry["note"] for entry in board.transcript() if entry.get("note", "").startswith("download DTR")]
        self.assertEqual(lines[-3:], ["download DTR 0 RTS 1", "download DTR 1 RTS 1", "download DTR 1 RTS 0"])
        said = b"".join(bytes.fromhex(x["hex"]) for x in board.transcript() if x.get("port") == "log")
        self.assertIn(b"FLASH_BOOT", said)


if __name__ == "__main__":
    harness.unittest.main()
