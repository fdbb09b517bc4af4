"""Reading and erasing flash: by partition, by range, as a whole."""
import hashlib
import unittest

from flash_case import MB, FlashCase, blank, put, steps

CA, KEY = 0x3B000, 0x39000


class Read(FlashCase):
    def read(self, **place):
        job = self.bench.run("read", self.board, **place)
        self.assertEqual(steps(job), ["identify", "place", "read", "reset", "record"])
        result = job["result"]["read"]
        reply = self.gate.get(result["url"]).expect(200)
        self.assertEqual(hashlib.sha256(reply.body).hexdigest(), result["sha256"])
        self.assertEqual(len(reply.body), result["size"])
        return job, reply.body

    def test_a_partition(self):
        job, data = self.read(partition="mqtt_ca")
        self.assertEqual(data, self.board.flash_bytes(CA, 0x2000))
        self.assertEqual(job["result"]["read"]["partition"], "mqtt_ca")
        self.assertGreater(job["result"]["read"]["bytes_per_second"], 0)

    def test_a_range_of_any_bytes(self):
        _, data = self.read(offset="0x1001", size=333)
        self.assertEqual(data, self.board.flash_bytes(0x1001, 333))

    def test_the_whole_flash_on_a_blank_board(self):
        self.set_flash(put(blank(), 0x200000, b"in the middle" * 1000))
        _, data = self.read(whole=True)
        self.assertEqual(data, self.flash_file())

    def test_a_key_is_seen_nowhere_but_in_the_data(self):
        credential = self.bench.upload()
        self.bench.run("write", self.board, method="rom", credential=credential)
        job, data = self.read(partition="mqtt_key")
        self.assertIn(b"PRIVATE KEY", data)
        log = self.sent_bytes(job)
        self.assertNotIn(b"PRIVATE KEY", log)
        for line in self.bench.pki.device.secrets():
            self.assertNotIn(line.encode(), log)
        self.gate.delete(f"/v1/jobs/{job['id']}/data").expect(204)
        self.gate.get(f"/v1/jobs/{job['id']}/data").problem(404, "dump_not_found")

    def test_what_cannot_be_read(self):
        error = self.fails("read", "partition_not_found", "place", partition="nothing")
        self.assertIn("mqtt_ca", error["detail"])
        self.fails("read", "flash_past_end", "place", offset=4 * MB - 1, size=2)


class Erase(FlashCase):
    def erase(self, **order):
        job = self.bench.run("erase", self.board, **order)
        self.assertEqual(steps(job), ["identify", "place", "erase", "reset", "record"])
        self.assertNotIn("incomplete", job["result"]["erase"])
        return job

    def test_a_partition(self):
        before = self.flash_file()
        self.assertNotEqual(before[CA:CA + 16], blank(16))
        self.erase(partition="mqtt_ca")
        self.assert_flash(put(before, CA, b"", room=0x2000))

    def test_a_range(self):
        before = put(self.flash_file(), 0x70000, b"old" * 10000)
        self.set_flash(before)
        self.erase(offset="0x71000", size="0x1000")
        self.assert_flash(put(before, 0x71000, b"", room=0x1000))

    def test_all_of_it(self):
        self.erase(whole=True)
        self.assert_flash(blank())
        job = self.bench.run("identify", self.board)
        self.assertEqual(job["result"]["layout"]["kind"], "none")

    def test_the_record_forgets_a_credential_that_was_erased(self):
        credential = self.bench.upload()
        self.bench.run("write", self.board, method="rom", credential=credential)
        record = f"/v1/devices/{self.board.mac}"
        self.erase(offset="0x70000", size=4096)
        self.assertEqual(self.gate.get(record).json["credential"], credential)
        self.erase(partition="mqtt_key")
        self.assertIsNone(self.gate.get(record).json["credential"])

    def test_what_nobody_named_is_kept(self):
        before = self.flash_file()
        for offset, word in ((0x1000, "bootloader"), (0x8000, "partition_table"), (0x12000, "nvs")):
            with self.subTest(word):
                error = self.fails("erase", "would_overwrite", "place", offset=offset, size=4096)
                self.assertIn(f'"{word}"', error["detail"])
        self.assertEqual(self.flash_file(), before)
        self.erase(offset=0x12000, size=4096, overwrite=["nvs"])
        self.erase(partition="nvs")
        self.assert_flash(put(before, 0x12000, b"", room=0xE000))


if __name__ == "__main__":
    unittest.main()
