"""A credential through AT commands, in either layout: what lies on the board afterwards, what passed on the wire, and
that the board is in order whatever happened."""
import hashlib
import json
import os
import re
import unittest

import harness
from console import Console
from fault_case import FaultCase
from test_exits import Between

FIRMWARES = {"partitions": "2.4", "mfg_nvs": "4.1"}
WAITS = True  # for the times of boards: run.py
UP, DOWN = rb"AT\+UART_CUR=921600,8,1,0,\d\r\n", rb"AT\+UART_CUR=115200,8,1,0,\d\r\n"


class AtCase(FaultCase):
    """One board of each layout: self.boards[kind]."""

    bench_options = {"boards": [{"firmware": f} for f in FIRMWARES.values()], "broker": False}

    def setUp(self):
        super().setUp()
        self.boards = dict(zip(FIRMWARES, self.bench.boards))

    def said(self, board):
        return b"".join(bytes.fromhex(x["hex"]) for x in board.transcript()
                        if x.get("dir") == "host" and x.get("port") == "at")

    def assert_in_order(self, board):
        with Console(board) as console:
            self.assertNotIn(b"ERROR", console.ask("AT"))
            self.assertIn(b"+UART_CUR:1152", console.ask("AT+UART_CUR?"))

    def write(self, board, **more):
        job = self.bench.run("write", board, method="at", **more)
        self.assert_in_order(board)
        return job["result"]

    def values(self, board):
        with Console(board) as console:
            return console.values()


class Either(AtCase):
    def test_a_credential_is_written_fast_and_the_port_is_back(self):
        for layout, board in self.boards.items():
            with self.subTest(layout):
                result = self.write(board)
                self.assertEqual(result["layout"]["kind"], layout)
                self.assertEqual((result["write"]["method"], result["write"]["identical"]), ("at", False))
                self.assertEqual((result["write"]["baud"], result["write"]["retries"]), (921600, 0))
                said = self.said(board)
                self.assertEqual((len(re.findall(UP, said)), len(re.findall(DOWN, said))), (1, 1))
                self.assertNotIn(b"UART_DEF", said)

    def test_what_is_there_is_not_written_again(self):
        for layout, board in self.boards.items():
            with self.subTest(layout):
                credential = self.bench.upload()
                self.write(board, credential=credential)
                before = board.flash_bytes(0, 4 << 20)
                self.assertTrue(self.write(board, credential=credential)["write"]["identical"])
                self.assertEqual(board.flash_bytes(0, 4 << 20), before)
                other = self.bench.upload(self.bench.pki.ec_device)
                self.assertFalse(self.write(board, credential=other)["write"]["identical"])

    def test_a_request_that_contradicts_the_board_is_refused(self):
        for layout, board in self.boards.items():
            with self.subTest(layout):
                other = next(name for name in FIRMWARES if name != layout)
                before = board.flash_bytes(0, 4 << 20)
                error = self.fails("write", "layout_contradicts", "layout", board, method="at", layout=other)
                self.assertIn(f"credentials in {other}", error["detail"])
                self.assertIn(f"keeps them in {layout}", error["detail"])
                self.assertEqual(board.flash_bytes(0, 4 << 20), before)
                self.write(board, layout=layout)

    def test_a_slot_that_cannot_reset_its_board_leaves_the_speed_alone(self):
        for layout, board in self.boards.items():
            with self.subTest(layout):
                self.gate.put(f"/v1/slots/{layout}", {"at_port": board.at}).expect(201)
                job = self.gate.wait_job(self.gate.create_job(
                    self.bench.command("write", layout, credential=self.bench.upload())))
                self.assertEqual((job["state"], job["result"]["write"]["baud"]), ("succeeded", 115200), job)
                self.assertNotIn(b"UART", self.said(board))

    def test_a_key_that_is_asked_for_by_hand_is_not_shown(self):
        reads = {"partitions": 'AT+SYSFLASH=2,"mqtt_key",0,1024', "mfg_nvs": 'AT+SYSMFG=1,"mqtt_key","mqtt_key"'}
        for layout, board in self.boards.items():
            with self.subTest(layout):
                self.write(board)
                job = self.bench.run("at", board, lines=[reads[layout], "AT+GMR"])
                log = self.gate.get(f"/v1/jobs/{job['id']}/log").expect(200).body
                said = b"".join(bytes.fromhex(x.get("hex", "")) for x in map(json.loads, log.splitlines()))
                self.assertIn(b"AT+GMR", said)
                for line in self.bench.pki.device.secrets():
                    self.assertNotIn(line, str(job))
                    self.assertNotIn(line.encode(), said)


class Kinds(AtCase):
    KINDS = [("mqtt", 0), ("client", 0), ("client", 1), ("server", 0), ("wpa2", 0), ("https", 0), ("https", 1),
             ("wss", 0), ("wss", 1)]

    def test_in_mfg_nvs_each_takes_its_own_keys_and_leaves_the_rest(self):
        board = self.boards["mfg_nvs"]
        credential = self.bench.upload()
        after = self.values(board)
        for kind, index in self.KINDS:
            with self.subTest(kind, index=index):
                before = after
                result = self.write(board, credential=credential, target={"kind": kind, "index": index})
                after = self.values(board)
                suffix = f".{index}" if kind in ("client", "https", "wss") else ""
                keys = {(f"{kind}_{part}", f"{kind}_{part}{suffix}") for part in ("ca", "cert", "key")}
                self.assertEqual({k for k in before.keys() | after.keys() if before.get(k) != after.get(k)}, keys)
                self.assertEqual({(i["namespace"], i["key"]): i["sha256"] for i in result["images"]},
                                 {k: hashlib.sha256(after[k]).hexdigest() for k in keys})
                self.assertEqual(after[f"{kind}_cert", f"{kind}_cert{suffix}"], self.bench.pki.device.cert)
                self.assertEqual(result["target"], {"kind": kind, "index": index})

    def test_in_partitions_the_other_one_of_an_index_stays(self):
        board = self.boards["partitions"]
        credential = self.bench.upload()
        for kind, index in (k for k in self.KINDS if k[0] not in ("https", "wss")):
            with self.subTest(kind, index=index):
                before = board.flash_bytes(0, 4 << 20)
                result = self.write(board, credential=credential, target={"kind": kind, "index": index})
                after = board.flash_bytes(0, 4 << 20)
                at = {i["partition"]: i["offset"] for i in result["images"]}
                changed = {i & ~0x1FFF for i in range(0, len(before), 4096) if before[i:i + 4096] != after[i:i + 4096]}
                self.assertEqual(set(at), {f"{kind}_{part}" for part in ("ca", "cert", "key")})
                self.assertLessEqual({i - 0x1000 * (i // 0x1000 % 2) for i in changed},
                                     {o & ~0x1FFF for o in at.values()} | {(o & ~0x1FFF) + 0x2000 for o in at.values()})
                self.assertEqual(self.items(after, at[f"{kind}_cert"])[index], self.bench.pki.device.cert)
                self.assertEqual({b["partition"] for b in result.get("backups", [])}, set(at) if kind == "client" else set())
                if index:
                    self.assertEqual(self.items(after, at[f"{kind}_cert"])[0],
                                     self.items(before, at[f"{kind}_cert"])[0])

    def items(self, flash, at):
        """The contents of an AtPKI image."""
        self.assertEqual(flash[at:at + 2], b"\xf1\xf1")
        found, place = [], at + 8
        for _ in range(flash[at + 2]):
            n = int.from_bytes(flash[place + 2:place + 4], "little")
            found.append(flash[place + 4:place + 4 + n])
            place += 4 + (n + 3) // 4 * 4
        return found

    def test_a_kind_that_the_firmware_does_not_have(self):
        for kind in ("https", "wss"):
            error = self.fails("write", "layout_not_writable", "images", self.boards["partitions"], method="at",
                               target={"kind": kind})
            self.assertIn(f"{kind}_cert", error["detail"])


class Old(AtCase):
    bench_options = {"boards": [{"firmware": "2.0"}], "broker": False}

    def test_a_release_without_mqtt_takes_its_credential_all_the_same(self):
        result = self.write(self.bench.boards[0])
        self.assertEqual(result["layout"]["kind"], "partitions")
        self.assertEqual(self.bench.boards[0].flash_bytes(0x39000, 2), b"\xf1\xf1")


class BadWires(AtCase):
    """Speeds that the wire does not bear, and bytes that get lost."""

    def with_fault(self, board, *faults):
        board.stop()
        board.start(fault=list(faults))

    def test_a_speed_at_which_nothing_gets_through(self):
        for layout, board in self.boards.items():
            with self.subTest(layout):
                self.with_fault(board, "deaf-above:115200")
                result = self.write(board)
                self.assertEqual(result["write"]["baud"], 115200)
                self.assertEqual(len(re.findall(UP, self.said(board))), 1)

    def test_a_speed_at_which_bytes_change(self):
        for layout, board in self.boards.items():
            with self.subTest(layout):
                self.with_fault(board, "noise-above:115200")
                self.assertEqual(self.write(board)["write"]["baud"], 115200)

    def test_what_has_to_stay_is_not_taken_from_a_wire_that_changes_it(self):
        board = self.boards["partitions"]
        before = board.flash_bytes(0x2A000, 0x2000)
        between = Between(self.bench, board, drop=b"-----END CERT", instead=b"-----END CERP")
        self.addCleanup(between.close)
        self.gate.put("/v1/slots/between", {"at_port": between.link}).expect(201)
        job = self.gate.wait_job(self.gate.create_job(self.bench.command(
            "write", "between", credential=self.bench.upload(), target={"kind": "client", "index": 1})))
        self.assertEqual(job["state"], "succeeded", job)
        self.assertEqual(between.drop, b"")  # it did happen
        n = 12 + int.from_bytes(before[10:12], "little")  # the first item and the head before it
        self.assertEqual(board.flash_bytes(0x2A008, n - 8), before[8:n])

    def test_bytes_that_are_lost_or_changed(self):
        for layout, board in self.boards.items():
            with self.subTest(layout):
                for fault in ("drop-byte:at:300", "drop-byte:at:1500", "flip-byte:at:2900"):
                    with self.subTest(fault):
                        self.with_fault(board, fault + "@once")
                        self.write(board, credential=self.bench.upload())

    def test_a_cable_that_is_pulled(self):
        for layout, board in self.boards.items():
            with self.subTest(layout):
                self.with_fault(board, "hangup:at:2000@once")
                self.fails("write", "port_gone", "write", board, method="at")
                self.with_fault(board)
                self.write(board)


class Cut(AtCase):
    """Ended in the middle of a write, on boards that take their time."""

    bench_options = {"boards": [{"firmware": f, "pace": "full"} for f in FIRMWARES.values()], "broker": False}

    def start_write(self, board):
        """A job of which a part is written."""
        order = self.bench.command("write", self.bench.slot(board), credential=self.bench.upload(), method="at")
        job = self.gate.create_job(order)
        while not (self.gate.job(job)["progress"] or {"done": 0})["done"]:
            self.assertIsNone(self.gate.job(job)["finished_at"], self.gate.job(job))
        self.assertRegex(self.said(board), UP)
        return job

    def test_a_cancel_leaves_the_board_at_its_speed(self):
        for layout, board in self.boards.items():
            with self.subTest(layout):
                job = self.start_write(board)
                self.gate.post(f"/v1/jobs/{job}/cancel").expect(200, 202)
                self.assertEqual(self.gate.wait_job(job)["state"], "cancelled")
                self.assert_in_order(board)

    def test_a_clean_stop_leaves_the_board_at_its_speed(self):
        for layout, board in self.boards.items():
            with self.subTest(layout):
                job = self.start_write(board)
                self.gate.stop()
                with Console(board) as console:
                    console.wake()
                self.assert_in_order(board)
                self.gate.start()
                self.assertEqual(self.gate.job(job)["state"], "interrupted")

    def test_a_board_that_a_killed_service_left_at_the_fast_speed_is_met_again(self):
        board = self.boards["mfg_nvs"]
        job = self.start_write(board)
        self.gate.kill9()
        self.gate.start()
        self.assertEqual(self.gate.job(job)["state"], "interrupted")
        self.write(board)

    def test_what_another_program_left_waiting_for_bytes_is_written_again(self):
        lines = {"partitions": 'AT+SYSFLASH=1,"mqtt_cert",0,2048',
                 "mfg_nvs": 'AT+SYSMFG=2,"mqtt_cert","mqtt_cert",8,1200'}
        for layout, board in self.boards.items():
            with self.subTest(layout):
                self.bench.run("at", board, lines=["AT"])  # it has booted
                with Console(board) as console:
                    console.ask(lines[layout], rb">$")
                    os.write(console.fd, b"-----BEGIN CERT")
                self.gate.put(f"/v1/slots/{layout}", {"at_port": board.at}).expect(201)
                job = self.gate.wait_job(self.gate.create_job(
                    self.bench.command("write", layout, credential=self.bench.upload())))
                self.assertEqual(job["state"], "succeeded", job)
                self.assert_in_order(board)


if __name__ == "__main__":
    unittest.main()
