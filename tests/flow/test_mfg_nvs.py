"""A credential into what the firmware keeps more in than credentials: mfg_nvs, and partitions with two items. Through
the ROM loader; what must stay is read, kept as a backup, and stays."""
import struct
import zlib

import harness
import nvs
from fault_case import FaultCase
from flash_case import put, steps

MFG, SIZE, SECTOR = 0x21000, 0x1C000, 4096
WAITS = True  # for the times of boards: run.py
PARTS = ("cert", "key", "ca")
STEPS = ["identify", "layout", "images", "backup", "write", "verify", "reset", "record"]
RESTORE = ["identify", "layout", "place", "backup", "write", "verify", "reset", "record"]


def names(kind, index=None):
    """Namespace and key of each part, as the firmware looks for them."""
    dot = f".{index}" if index is not None else ""
    return [(f"{kind}_{part}", f"{kind}_{part}{dot}") for part in PARTS]


class Case(FaultCase):
    bench_options = {"boards": [{"firmware": "4.1"}], "broker": False}

    def setUp(self):
        super().setUp()
        self.board = self.bench.boards[0]

    def flash_file(self, board=None):
        return (board or self.board).flash_bytes(0, 4 << 20)

    def mfg(self, board=None):
        return (board or self.board).flash_bytes(MFG, SIZE)

    def write(self, board=None, state="succeeded", identity=None, **order):
        order.setdefault("credential", self.bench.upload(identity or self.bench.pki.device))
        order.setdefault("method", "rom")
        return self.bench.run("write", board or self.board, state, **order)

    def restore(self, backup, board=None, state="succeeded", **order):
        return self.bench.run("restore", board or self.board, state, backup=backup, **order)

    def backups(self, board=None):
        return self.gate.get(f"/v1/backups?mac={(board or self.board).mac}").expect(200).json["items"]

    def change_flash(self, offset, data, **changes):
        self.board.stop()
        with open(self.board.flash, "r+b") as f:
            f.seek(offset)
            f.write(data)
        self.board.start(**changes)

    def assert_exchanged(self, before, after, places, identity):
        """Only the values at these places are others, and they are the identity's."""
        was, now = nvs.read(before), nvs.read(after)
        values = dict(zip(places, (identity.cert, identity.key, self.bench.pki.ca.cert)))
        self.assertEqual(now, {**was, **values})
        self.assertIn("erased", nvs.pages(after))  # the library needs one to write at all


class Write(Case):
    bench_options = {"boards": [{"firmware": "4.1"}, {"firmware": "3.4"}], "broker": False}

    def test_the_three_values_change_and_all_else_stays(self):
        for board in self.bench.boards:
            with self.subTest(board.options["firmware"]):
                before = self.flash_file(board)
                job = self.write(board)
                self.assertEqual(steps(job), STEPS)
                self.assertEqual(job["result"]["layout"]["kind"], "mfg_nvs")
                self.assertEqual(job["result"]["target"], {"kind": "mqtt", "index": 0})
                self.assert_exchanged(before[MFG:MFG + SIZE], self.mfg(board), names("mqtt"), self.bench.pki.device)
                self.assertEqual(put(self.flash_file(board), MFG, before[MFG:MFG + SIZE]), before)
                write = job["result"]["write"]
                self.assertLessEqual(write["written_bytes"], 4 * SECTOR)
                self.assertEqual(write["written_bytes"], write["erased_bytes"])
                self.bench.run("at", board, lines=["AT+UART_CUR?"])  # it found its pins

    def test_every_kind_that_the_firmware_has_a_place_for(self):
        kinds = [("client", 0), ("client", 1), ("server", None), ("wpa2", None), ("https", 0), ("https", 1), ("wss", 1)]
        credential = self.bench.upload(self.bench.pki.ec_device)
        for board in self.bench.boards:
            for kind, index in kinds:
                with self.subTest(kind, index=index, firmware=board.options["firmware"]):
                    target = {"kind": kind, **({} if index is None else {"index": index})}
                    before = self.mfg(board)
                    late = kind in ("https", "wss") and board.options["firmware"] == "3.4"
                    job = self.write(board, "failed" if late else "succeeded", target=target, credential=credential)
                    if late:
                        self.assertEqual((job["error"]["code"], job["error"]["step"]), ("kind_not_on_board", "images"))
                        self.assertEqual(self.mfg(board), before)
                    else:
                        self.assert_exchanged(before, self.mfg(board), names(kind, index), self.bench.pki.ec_device)

    def test_identify_tells_them(self):
        always, late = ["mqtt", "client", "server", "wpa2"], ["https", "wss"]
        self.bench.add_board(firmware="2.4")
        for board in self.bench.boards:
            firmware = board.options["firmware"]
            told = [*always, *late] if firmware == "4.1" else always
            for method in ("rom", "at"):
                with self.subTest(firmware, method=method):
                    layout = self.bench.run("identify", board, method=method)["result"]["layout"]
                    self.assertEqual((layout["kind"], layout["kinds"]),
                                     ("partitions" if firmware == "2.4" else "mfg_nvs", told))
        self.gate.put("/v1/slots/no-at", {"download_port": self.board.download}).expect(201)
        job = self.gate.wait_job(self.gate.create_job({"kind": "identify", "slot": "no-at"}))
        self.assertEqual(job["result"]["layout"]["kinds"], always)

    def test_what_is_there_is_not_written_again(self):
        job = self.write()
        before = self.flash_file()
        job = self.write(credential=job["credential"])
        self.assertEqual(steps(job), [s for s in STEPS if s != "backup"])
        self.assertTrue(job["result"]["write"]["identical"])
        self.assertLessEqual(job["result"]["write"]["bytes_out"], 250)  # what is there is guessed, and proved by MD5
        self.assertEqual(job["result"]["write"]["erased_bytes"], 0)
        self.assertNotIn("backups", job["result"])
        self.assertEqual(len(self.backups()), 1)
        self.assertEqual(self.flash_file(), before)

    def test_one_after_the_other_until_pages_are_recycled(self):
        first = self.mfg()
        pair = [self.bench.upload(one) for one in (self.bench.pki.device, self.bench.pki.ec_device)]
        for i in range(10):
            self.write(credential=pair[i % 2])
        self.assert_exchanged(first, self.mfg(), names("mqtt"), self.bench.pki.ec_device)
        self.assertEqual(len(self.backups()), 8)

    def test_keys_are_seen_nowhere(self):
        job = self.write()
        job = self.write(identity=self.bench.pki.ec_device)  # reads the first one's key, since no guess has it
        log = self.gate.get(f"/v1/jobs/{job['id']}/log").expect(200).body
        for secret in (*self.bench.pki.device.secrets(), *self.bench.pki.ec_device.secrets()):
            for text in (secret.encode(), secret.encode().hex().encode()):
                self.assertNotIn(text, log)
        self.assertIn(b'"secret"', log)

    def test_a_key_that_the_running_app_cannot_use_is_told(self):
        """The app that otadata points to is asked, and only where the kind of key matters."""
        slots, ec = (0x100000, 0x280000), self.bench.upload(self.bench.pki.ec_device)
        rsa = self.bench.upload(self.bench.pki.device)

        def app(slot, version):
            description = struct.pack("<I12x32s", 0xABCD5432, version)
            self.change_flash(slots[slot] + 32, description)

        def select(sequence):
            entry = struct.pack("<I24x", sequence)
            self.change_flash(0x10000, entry + struct.pack("<I", zlib.crc32(entry[:4], 0xFFFFFFFF)))

        def told(credential):
            return [w["code"] for w in self.write(credential=credential)["result"].get("warnings", [])]

        self.assertEqual(told(ec), [])
        app(0, b"v3.2.0.0")
        self.assertEqual(told(ec), ["key_not_usable"])
        detail = self.gate.get(f"/v1/devices/{self.board.mac}").expect(200).json["history"][0]["detail"]
        self.assertEqual(detail["warnings"][0]["code"], "key_not_usable")
        self.assertEqual(told(rsa), [])
        app(1, b"v3.4.0.0")
        select(2)
        self.assertEqual(told(ec), [])

    def test_the_next_board_of_a_kind_is_hardly_read(self):
        """What the first one had is guessed, and found to be right."""
        stock = self.mfg()
        self.write()
        other = self.bench.boards[1]
        before = stock
        other.stop()
        with open(other.flash, "r+b") as f:
            f.seek(MFG)
            f.write(before)
        other.start(firmware="4.1")
        job = self.write(other, identity=self.bench.pki.ec_device)
        write = job["result"]["write"]
        self.assertLess(write["bytes_in"], 2000)
        self.assertLess(write["bytes_out"] - write["written_bytes"], 1500)
        self.assert_exchanged(before, self.mfg(other), names("mqtt"), self.bench.pki.ec_device)


class Refusals(Case):
    def assert_untouched(self, before):
        self.assertEqual(self.flash_file(), before)
        self.assertEqual(self.backups(), [])

    def test_without_factory_param_nothing_is_written(self):
        self.change_flash(MFG, b"\xff" * SIZE)
        before = self.flash_file()
        job = self.write(state="failed")
        self.assertEqual(job["error"]["step"], "images")
        self.assertIn(job["error"]["code"], ("not_nvs", "no_factory_param"))
        self.assert_untouched(before)

    def test_damaged_content_is_not_lost_for_good(self):
        page = bytearray(self.mfg()[:SECTOR])
        page[64 + 32 + 5] ^= 0x10  # in a value
        self.change_flash(MFG, bytes(page), boot="download")  # the firmware clears it away when it starts
        self.fails("write", "nvs_damaged", "images", method="rom", credential=self.bench.upload())
        self.assertEqual(self.backups(), [])

    def test_what_the_board_contradicts(self):
        before = self.flash_file()
        for layout, said in (("partitions", ("partitions", "mfg_nvs")),
                             ({"module": "WROOM-32", "release": "v2.4.0.0"}, ("WROOM-32 v2.4.0.0", "mfg_nvs"))):
            with self.subTest(layout):
                job = self.write(state="failed", layout=layout)
                self.assertEqual((job["error"]["code"], job["error"]["step"]), ("layout_contradicts", "layout"))
                for side in said:
                    self.assertIn(side, job["error"]["detail"])
        self.assert_untouched(before)
        for layout in ("mfg_nvs", {"module": "WROOM-32", "release": "v3.4.0.0"}):
            self.write(layout=layout)

    def test_a_table_that_is_not_there_may_be_named(self):
        self.change_flash(0x20000, b"\xff" * SECTOR)
        before = self.mfg()
        self.fails("write", "no_partition_table", "layout", method="rom", credential=self.bench.upload())
        job = self.write(layout={"module": "WROOM-32", "release": "v4.1.1.0"})
        self.assertEqual(job["result"]["layout"]["source"], "request: WROOM-32 v4.1.1.0")
        self.assert_exchanged(before, self.mfg(), names("mqtt"), self.bench.pki.device)

    def test_nothing_takes_the_pins_away(self):
        before = self.flash_file()
        error = self.fails("erase", "would_overwrite", "place", partition="mfg_nvs")
        self.assertIn("pins", error["detail"])
        csv = b"key,type,encoding,value\nmqtt_ca,namespace,,\nmqtt_ca,data,string,x\n"
        image = self.gate.post("/v1/images/mfg-nvs?size=12288", files=[("csv", None, csv)]).expect(200).body
        binary = self.gate.post("/v1/firmware", files=[("file", "certs.bin", image)]).expect(201).json["id"]
        for place in ({"partition": "mfg_nvs"}, {"offset": "0x21000"}, {"offset": "0x3c000"}):
            with self.subTest(place):
                self.fails("flash", "no_factory_param", "plan", images=[{"firmware": binary, **place}],
                           overwrite=["nvs"])
        self.assertEqual(self.flash_file(), before)
        self.bench.run("erase", self.board, partition="mfg_nvs", overwrite=["nvs"])
        self.assertEqual(self.flash_file(), put(before, MFG, b"", room=SIZE))


class Restore(Case):
    bench_options = {"boards": [{"firmware": "4.1"}, {"firmware": "4.1"}], "broker": False}

    def test_it_is_as_it_was(self):
        before = self.flash_file()
        job = self.write()
        [backup] = job["result"]["backups"]
        record = f"/v1/devices/{self.board.mac}"
        self.assertEqual(self.gate.get(record).json["credential"], job["credential"])
        self.assertEqual(self.gate.get(record).json["history"][0]["detail"]["backups"], [backup])
        [kept] = self.backups()
        self.assertEqual({name: kept[name] for name in backup}, backup)
        self.assertEqual((kept["job"], kept["mac"], kept["partition"], kept["offset"], kept["size"]),
                         (job["id"], self.board.mac, "mfg_nvs", MFG, SIZE))
        changed = self.flash_file()
        job = self.restore(backup["id"])
        self.assertEqual(steps(job), RESTORE)
        self.assertEqual(job["result"]["restore"], {"backup": kept["id"], "partition": "mfg_nvs",
                                                    "created_at": kept["created_at"]})
        self.assertEqual(self.flash_file(), before)
        self.assertIsNone(self.gate.get(record).json["credential"])
        [undo] = job["result"]["backups"]
        job = self.restore(backup["id"])
        self.assertEqual(steps(job), [s for s in RESTORE if s != "backup"])
        self.assertTrue(job["result"]["write"]["identical"])
        self.restore(undo["id"])
        self.assertEqual(self.flash_file(), changed)

    def test_only_on_its_own_board_and_in_its_own_place(self):
        backup = self.write()["result"]["backups"][0]["id"]
        other = self.bench.boards[1]
        before = self.flash_file(other)
        error = self.fails("restore", "backup_of_another_board", "place", board=other, backup=backup)
        self.assertIn(self.board.mac, error["detail"])
        self.assertIn(other.mac, error["detail"])
        self.assertEqual(self.flash_file(other), before)
        self.board.stop()
        self.board.start(firmware="2.4", flash=self.board.flash + ".2.4")
        error = self.fails("restore", "backup_place_changed", "place", backup=backup)
        self.assertIn("it has none", error["detail"])

    def test_not_through_at(self):
        backup = self.write()["result"]["backups"][0]["id"]
        self.gate.put("/v1/slots/at-only", {"at_port": self.board.at}).expect(201)
        order = {"kind": "restore", "slot": "at-only", "backup": backup}
        self.gate.post("/v1/jobs", order).problem(422, "slot_has_no_download_port")

    def test_a_backup_that_is_forgotten(self):
        backup = self.write()["result"]["backups"][0]["id"]
        self.gate.delete(f"/v1/backups/{backup}").expect(204)
        slot = self.bench.slot(self.board)
        self.gate.post("/v1/jobs", {"kind": "restore", "slot": slot, "backup": backup}).problem(404, "backup_not_found")


class CutOff(Case):
    """The write ends in the middle: the board may have half of it, and the backup has all."""

    def assert_mended(self, job, before):
        [backup] = job["result"]["backups"]
        self.assertEqual(job["error"]["step"], "write")
        self.assertIn(backup["id"], job["error"]["detail"])
        self.assertNotEqual(self.mfg(), before[MFG:MFG + SIZE])
        self.assertIsNone(self.gate.get(f"/v1/devices/{self.board.mac}").json["credential"])
        self.board.stop()
        self.board.start(fault=[], pace="off")
        self.restore(backup["id"])
        self.assertEqual(self.flash_file(), before)
        self.write()
        self.assert_exchanged(before[MFG:MFG + SIZE], self.mfg(), names("mqtt"), self.bench.pki.device)

    def test_the_cable_is_pulled(self):
        before = self.flash_file()
        self.board.stop()
        self.board.start(fault=["hangup:download:13000@once"])
        job = self.write(state="failed")
        self.assertEqual(job["error"]["code"], "port_gone")
        self.assert_mended(job, before)

    def cut_a_slow_write(self, before, cut):
        """As soon as the flash is another one."""
        self.board.stop()
        self.board.start(pace="wire")
        order = self.bench.command("write", self.bench.slot(self.board, flash_baud=115200), method="rom",
                                   credential=self.bench.upload())
        job = self.gate.create_job(order)
        while self.mfg() == before[MFG:MFG + SIZE]:
            now = self.gate.job(job)
            self.assertIsNone(now["finished_at"], now)
        cut(job)
        return job

    def test_a_cancel(self):
        before = self.flash_file()
        job = self.cut_a_slow_write(before, lambda job: self.gate.post(f"/v1/jobs/{job}/cancel").expect(202))
        job = self.gate.wait_job(job)
        self.assertEqual(job["state"], "cancelled")
        self.assert_mended(job, before)

    def test_the_host_loses_power(self):
        self.write(identity=self.bench.pki.ec_device)
        before = self.flash_file()
        job = self.cut_a_slow_write(before, lambda job: self.gate.kill9())
        self.gate.start()
        job = self.gate.job(job)
        self.assertEqual((job["state"], job["result"]["backups"][0]["id"]), ("interrupted", self.backups()[0]["id"]))
        self.assertIsNone(self.gate.get(f"/v1/devices/{self.board.mac}").json["credential"])
        self.board.stop()
        self.board.start(pace="off")
        self.restore(self.backups()[0]["id"])
        self.assertEqual(self.flash_file(), before)

    def refused(self, whole):
        """Nothing is taken over from a write that was cut off; this backup is to be put back."""
        error = self.fails("write", "write_was_cut_off", "images", method="rom", credential=self.bench.upload())
        self.assertIn(whole, error["hint"])

    def cut_off(self, run, at=7000):
        self.board.stop()
        self.board.start(fault=[f"hangup:download:{at}@once"])
        job = run(state="failed")
        self.assertEqual(job["error"]["code"], "port_gone")
        self.board.stop()
        self.board.start(fault=[])
        return job["result"]["backups"][0]["id"]

    def test_no_write_builds_on_one_that_was_cut_off(self):
        self.write(identity=self.bench.pki.ec_device)
        before = self.flash_file()
        whole = self.cut_off(self.write)
        self.refused(whole)
        torn = self.cut_off(lambda **more: self.restore(whole, **more))
        self.assertNotEqual(torn, whole)
        self.refused(whole)  # not the backup of what the cut left
        self.restore(whole)
        self.assertEqual(self.flash_file(), before)
        self.write()
        self.write(identity=self.bench.pki.ec_device)

    def test_one_that_was_cut_off_before_its_first_byte_is_none(self):
        before = self.flash_file()
        job = self.cut_a_slow_write(before, lambda job: self.gate.kill9())
        self.gate.start()
        self.change_flash(MFG, before[MFG:MFG + SIZE], pace="off")
        self.write()
        self.assertEqual(self.gate.job(job)["state"], "interrupted")

    def test_bytes_are_lost_on_the_way(self):
        before = self.mfg()
        self.board.stop()
        self.board.start(fault=[f"drop-byte:download:{at}@once" for at in (900, 4000, 9000, 15000)])
        job = self.write()
        self.assertGreater(job["result"]["write"]["retries"], 0)
        self.assert_exchanged(before, self.mfg(), names("mqtt"), self.bench.pki.device)


class TwoItems(Case):
    """Partitions: the second item of the client's credential, beside the first."""

    bench_options = {"boards": [{"firmware": "2.4"}], "broker": False}
    places = {"client_cert": 0x2A000, "client_key": 0x2C000, "client_ca": 0x2E000}

    def items(self, name):
        """The texts in an AtPKI image, by its own length fields."""
        data = self.board.flash_bytes(self.places[name], 0x2000)
        magic, count, _ = struct.unpack_from("<HHI", data)
        self.assertEqual(magic, 0xF1F1)
        out, at = [], 8
        for _ in range(count):
            size = struct.unpack_from("<H", data, at + 2)[0]
            out.append(data[at + 4:at + 4 + size])
            at += 4 + (size + 3) // 4 * 4
        return out

    def test_each_keeps_the_other(self):
        before = self.flash_file()
        first = self.items("client_cert")
        job = self.write(target={"kind": "client", "index": 1}, identity=self.bench.pki.ec_device)
        self.assertEqual([b["partition"] for b in job["result"]["backups"]], sorted(self.places, key=self.places.get))
        second = self.items("client_cert")
        self.assertEqual(second[0], first[0])
        self.assertIn(self.bench.pki.ec_device.cert, second[1])
        self.write(target={"kind": "client", "index": 0}, identity=self.bench.pki.device)
        third = self.items("client_cert")
        self.assertIn(self.bench.pki.device.cert, third[0])
        self.assertEqual(third[1], second[1])
        for backup in job["result"]["backups"]:
            self.restore(backup["id"])
        self.assertEqual(self.flash_file(), before)


    def test_one_that_a_write_lost_is_not_given_up(self):
        """Half of a partition may read well, and then the other item would be gone for good."""
        before = self.flash_file()
        for method, port, at in (("rom", "download", 6500), ("at", "at", 2500)):
            with self.subTest(method):
                self.board.stop()
                self.board.start(fault=[f"hangup:{port}:{at}@once"])
                job = self.write(state="failed", target={"kind": "client"}, method=method)
                self.assertEqual((job["error"]["code"], job["error"]["step"]), ("port_gone", "write"), job)
                backups = job["result"]["backups"]
                for backup in backups:
                    self.assertIn(backup["id"], job["error"]["detail"])
                self.board.stop()
                self.board.start(fault=[])
                self.assertNotEqual(self.flash_file(), before)
                for other in ("rom", "at"):
                    error = self.fails("write", "write_was_cut_off", "images", method=other, target={"kind": "client"},
                                       credential=self.bench.upload())
                    self.assertIn(backups[0]["id"], error["hint"])
                for backup in backups:
                    self.restore(backup["id"])
                self.assertEqual(self.flash_file(), before)
        self.write(target={"kind": "client"})

    def test_through_at_they_are_kept_too(self):
        before = self.flash_file()
        job = self.bench.run("write", self.board, method="at", target={"kind": "client", "index": 1})
        self.assertNotEqual(self.flash_file(), before)
        self.assertEqual(len(job["result"]["backups"]), 3)
        for backup in job["result"]["backups"]:
            self.restore(backup["id"])
        self.assertEqual(self.flash_file(), before)


class Purge(Case):
    def test_the_key_is_gone_once_the_board_has_it(self):
        credential = self.bench.upload()
        job = self.write(credential=credential, purge_key=True)
        self.assertEqual(steps(job), [*STEPS[:-1], "purge", "record"])
        self.assertTrue(job["result"]["key_purged"])
        self.assertIsNotNone(self.gate.get(f"/v1/credentials/{credential}").json["key_purged_at"])
        error = self.fails("write", "key_purged", "images", method="rom", credential=credential)
        self.assertIn(credential, error["detail"])

    def test_not_when_the_board_did_not_get_it(self):
        credential = self.bench.upload()
        self.board.stop()
        self.board.start(fault=["hangup:download:13000@once"])
        job = self.write(state="failed", credential=credential, purge_key=True)
        self.board.stop()
        self.board.start(fault=[])
        error = self.fails("write", "write_was_cut_off", "images", method="rom", credential=credential)
        backup = job["result"]["backups"][0]["id"]
        self.assertIn(backup, error["hint"])
        self.restore(backup)
        self.write(credential=credential)

    def test_identical_counts_as_verified(self):
        credential = self.bench.upload()
        self.write(credential=credential)
        job = self.write(credential=credential, purge_key=True)
        self.assertTrue(job["result"]["write"]["identical"])
        self.assertTrue(job["result"]["key_purged"])


if __name__ == "__main__":
    harness.unittest.main()
