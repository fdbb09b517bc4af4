"""Whole firmwares and images onto a board: what lies in its flash afterwards, byte for byte, and what is never
touched."""
import unittest

import firmware_files
from flash_case import CREDENTIAL_SIZE, MB, PARTITIONS, FlashCase, app, blank, esp_at, put, steps

FULL = ["identify", "plan", "diff", "write", "verify", "reset", "boot", "firmware", "record"]
NOTHING_WRITTEN = [s for s in FULL if s != "verify"]


class Blank(FlashCase):
    content = blank()

    def test_a_factory_image(self):
        job = self.flash(firmware=self.factory())
        self.assertEqual(steps(job), FULL)
        self.assert_flash(esp_at().factory())
        result = job["result"]
        self.assertEqual(result["firmware"]["bin_version"], "2.4.0")
        self.assertEqual(result["boot"]["heard"], "runs")
        write = result["write"]
        self.assertEqual((write["identical"], write["verified"]), (False, True))
        self.assertEqual(write["pieces_done"], write["pieces_total"])
        self.assertNotIn("incomplete", write)
        # Erased flash is what most of the image is: it is there already.
        self.assertGreater(write["skipped_bytes"], 3 * MB)
        self.assertGreaterEqual(write["erased_bytes"], write["written_bytes"])

    def test_it_is_on_record(self):
        firmware = self.factory()
        job = self.flash(firmware=firmware)
        self.assertEqual(job["firmware"], firmware)
        device = self.gate.get(f"/v1/devices/{self.board.mac}").expect(200).json
        self.assertIsNone(device["credential"])
        entry = device["history"][0]
        self.assertEqual((entry["job"], entry["method"], entry["outcome"]), (job["id"], "rom", "succeeded"))
        flashed = entry["detail"]["flash"]["firmware"][0]
        self.assertEqual(flashed["id"], firmware)
        self.assertEqual(flashed["sha256"], self.gate.get(f"/v1/firmware/{firmware}").json["sha256"])

    def test_the_same_again_writes_nothing(self):
        firmware = self.factory()
        self.flash(firmware=firmware)
        before = self.flash_file()
        job = self.flash(firmware=firmware)
        self.assertEqual(steps(job), NOTHING_WRITTEN)
        write = job["result"]["write"]
        self.assertEqual((write["identical"], write["written_bytes"], write["erased_bytes"]), (True, 0, 0))
        self.assertEqual(write["pieces_total"], 0)
        self.assertEqual(self.flash_file(), before)

    def test_without_diff_all_is_written_again(self):
        firmware = self.factory()
        self.flash(firmware=firmware)
        job = self.flash(firmware=firmware, diff=False)
        self.assertNotIn("diff", steps(job))
        self.assertEqual(job["result"]["write"]["skipped_bytes"], 0)
        self.assert_flash(esp_at().factory())

    def test_one_byte_that_changed(self):
        firmware = self.factory()
        self.flash(firmware=firmware)
        changed = bytearray(esp_at().factory())
        changed[0x110005] ^= 1
        self.set_flash(changed)
        job = self.flash(firmware=firmware)
        self.assert_flash(esp_at().factory())
        # Its sector, and the bootloader's first, without which nothing starts until all is in place.
        write = job["result"]["write"]
        self.assertEqual((write["pieces_total"], write["written_bytes"], write["erased_bytes"]), (2, 8192, 12288))

    def test_a_release(self):
        before = put(blank(), 0x70000, b"of the user")  # where the release has nothing
        self.set_flash(before)
        firmware = self.upload(esp_at().release("lines", folder="ESP32-WROOM-32_AT_Bin_V2.4.0.0/"), "at.zip")
        job = self.flash(firmware=firmware)
        self.assertEqual(steps(job), FULL)
        expected = before
        for offset, data in esp_at().parts.values():
            expected = put(expected, offset, data)
        self.assert_flash(expected)
        self.assertEqual(job["result"]["firmware"]["bin_version"], "2.4.0")

    def test_the_header_is_changed_when_asked_for(self):
        job = self.flash(firmware=self.factory(), header={"mode": "qio", "size": "8MB"})
        self.assertEqual(job["state"], "succeeded")
        head = self.flash_file()[0x1000:0x1004]
        self.assertEqual(head[2:4], bytes([0, 0x30]))
        app_at = 0x100000
        self.assertEqual(self.flash_file()[app_at:app_at + MB], esp_at().factory()[app_at:app_at + MB])

    def test_an_app_that_is_not_there_is_heard(self):
        factory = put(esp_at().factory(), 0x100000, b"", room=0x40000)
        self.fails("flash", "board_no_app", "boot", firmware=self.upload(factory, "no-app.bin"))

    def test_on_a_slot_without_an_at_port(self):
        self.gate.put("/v1/slots/bare", {"download_port": self.board.download}).expect(201)
        job = self.gate.wait_job(self.gate.create_job({"kind": "flash", "slot": "bare", "firmware": self.factory()}))
        self.assertEqual((job["state"], steps(job)), ("succeeded", [s for s in FULL if s != "firmware"]))
        self.assert_flash(esp_at().factory())


    def test_on_a_slot_that_cannot_reset_its_board(self):
        self.replug(boot="download")
        slot = self.bench.slot(self.board, reset="none")
        job = self.gate.wait_job(self.gate.create_job({"kind": "flash", "slot": slot, "firmware": self.factory()}))
        self.assertEqual((job["state"], steps(job)), ("succeeded", [s for s in FULL if s not in ("boot", "firmware")]))
        self.assert_flash(esp_at().factory())

    def test_a_board_with_both_on_one_port(self):
        self.board.stop()
        self.board.at = self.board.download
        self.board.start()
        job = self.flash(firmware=self.factory())
        self.assertEqual(steps(job), [s for s in FULL if s != "boot"])
        self.assertEqual(job["result"]["firmware"]["bin_version"], "2.4.0")


class WithCredential(FlashCase):
    content = blank()
    bench_options = {"boards": [{"firmware": "2.4"}]}

    def expected(self, credential):
        made = self.gate.post("/v1/images", {"credential": credential}).expect(201).json
        flash = esp_at().factory()
        for image in made["images"]:
            data = self.gate.get(image["url"]).expect(200).body
            flash = put(flash, PARTITIONS[image["partition"]], data, CREDENTIAL_SIZE)
        return flash

    def test_a_firmware_with_the_boards_own_identity(self):
        credential = self.bench.upload()
        job = self.flash(firmware=self.factory(), credential=credential)
        self.assert_flash(self.expected(credential))
        for line in self.bench.pki.device.secrets():
            self.assertNotIn(line.encode(), self.sent_bytes(job))
        device = self.gate.get(f"/v1/devices/{self.board.mac}").expect(200).json
        self.assertEqual(device["credential"], credential)
        # It is what the broker sees.
        check = self.bench.run("check", self.board, level="publish", credential=credential)
        self.assertTrue(check["result"]["mqtt"]["echoed"])
        # Another firmware takes it away, and the record says so.
        self.flash(firmware=self.factory())
        self.assertIsNone(self.gate.get(f"/v1/devices/{self.board.mac}").expect(200).json["credential"])

    def test_a_firmware_that_keeps_it_in_mfg_nvs(self):
        firmware, credential = self.upload(esp_at("esp32-v4.1").factory(), "v4.bin"), self.bench.upload()
        order = {"credential": credential, "firmware": firmware, "target": {"kind": "client", "index": 1}}
        made = self.gate.post("/v1/images", order).expect(201).json
        job = self.flash(firmware=firmware, credential=credential, target=order["target"])
        self.assert_flash(self.gate.get(made["images"][0]["url"]).expect(200).body)
        self.assertEqual([i["partition"] for i in job["result"]["images"]], ["mfg_nvs"])
        for line in self.bench.pki.device.secrets():
            self.assertNotIn(line.encode(), self.sent_bytes(job))

    def test_a_firmware_without_a_place_for_it(self):
        old = self.upload(firmware_files.built(*firmware_files.V1, 64 * 1024, 0).factory(), "v1.bin")
        before = self.flash_file()
        self.fails("flash", "layout_not_writable", "plan", firmware=old, credential=self.bench.upload())
        self.assertEqual(self.flash_file(), before)


class Images(FlashCase):
    def test_by_offset(self):
        before = self.flash_file()
        data = b"user data" * 1000
        job = self.images({"firmware": self.upload(data), "offset": "0x70000"})
        self.assert_flash(put(before, 0x70000, data))
        self.assertEqual(job["result"]["write"]["pieces_total"], 1)

    def test_by_the_name_of_a_partition(self):
        before = put(self.flash_file(), 0x70000, b"old" * 5000)
        self.set_flash(before)
        data = b"user data" * 1000
        self.images({"firmware": self.upload(data), "partition": "fatfs"})
        self.assert_flash(put(before, 0x70000, data, room=0x90000))

    def test_an_app(self):
        before = self.flash_file()
        new = app(seed=1)
        job = self.images({"firmware": self.upload(new, "app.bin"), "partition": "ota_0"})
        self.assert_flash(put(before, 0x100000, new, room=0x180000))
        self.assertEqual(job["result"]["firmware"]["bin_version"], "2.4.0")

    def test_an_app_that_is_not_esp_at(self):
        own = firmware_files.app(esp_at().chip, project="thermometer", version="1.0", size=64 * 1024)
        job = self.images({"firmware": self.upload(own, "app.bin"), "partition": "ota_0"})
        self.assertEqual(steps(job), [s for s in FULL if s != "firmware"])

    def test_several_at_once(self):
        before = self.flash_file()
        one, two = b"one" * 100, b"two" * 100
        self.images({"firmware": self.upload(one), "offset": 0x71000}, {"firmware": self.upload(two), "offset": 0x70000})
        self.assert_flash(put(put(before, 0x71000, one), 0x70000, two))

    def test_a_file_of_an_image_set(self):
        before = self.flash_file()
        made = self.gate.post("/v1/images", {"credential": self.bench.upload()}).expect(201).json
        bodies = {i["file"]: self.gate.get(i["url"]).expect(200).body for i in made["images"]}
        self.images({"image": made["id"], "file": "mqtt_ca.bin"})
        expected = put(before, PARTITIONS["mqtt_ca"], bodies["mqtt_ca.bin"], CREDENTIAL_SIZE)
        self.assert_flash(expected)
        job = self.images({"image": made["id"], "file": "mqtt_key.bin", "offset": "0x70000"})
        self.assert_flash(put(expected, 0x70000, bodies["mqtt_key.bin"]))
        for line in self.bench.pki.device.secrets():
            self.assertNotIn(line.encode(), self.sent_bytes(job))

    def test_a_file_that_is_not_in_the_set(self):
        made = self.gate.post("/v1/images", {"credential": self.bench.upload()}).expect(201).json
        self.fails("flash", "image_not_found", "plan", images=[{"image": made["id"], "file": "other.bin"}])


class Refused(FlashCase):
    """Before the first byte of flash is touched."""

    def refuses(self, code, *items, **order):
        before = self.flash_file()
        if items:
            order["images"] = list(items)
        error = self.fails("flash", code, "plan", **order)
        self.assertEqual(self.flash_file(), before)
        return error

    def test_images_that_overlap(self):
        a, b = self.upload(b"a" * 9000), self.upload(b"b" * 9000)
        self.refuses("flash_overlap", {"firmware": a, "offset": 0x70000}, {"firmware": b, "offset": 0x72000})

    def test_what_goes_beyond_the_flash(self):
        self.refuses("flash_past_end", {"firmware": self.upload(b"a" * 9000), "offset": 4 * MB - 8192})
        self.refuses("flash_past_end", {"firmware": self.upload(b"a" * 9000), "offset": 4 * MB})
        self.refuses("flash_past_end", firmware=self.factory(), flash_bytes=2 * MB)

    def test_what_does_not_fit_its_partition(self):
        self.refuses("flash_past_partition", {"firmware": self.upload(b"a" * 8193), "partition": "mqtt_ca"})

    def test_a_partition_that_is_not_there(self):
        error = self.refuses("partition_not_found", {"firmware": self.upload(b"a"), "partition": "mqtt_caa"})
        self.assertIn("mqtt_ca", error["detail"])

    def test_areas_that_were_not_named(self):
        small = self.upload(b"a" * 100)
        for offset, word in ((0x1000, "bootloader"), (0x8000, "partition_table"), (0x12000, "nvs"), (0x10000, "nvs")):
            with self.subTest(hex(offset)):
                error = self.refuses("would_overwrite", {"firmware": small, "offset": offset})
                self.assertIn(f'"{word}"', error["detail"])

    def test_they_are_written_when_they_are_named(self):
        before = self.flash_file()
        data = b"settings" * 10
        self.images({"firmware": self.upload(data), "offset": 0x12000}, overwrite=["nvs"])
        self.assert_flash(put(before, 0x12000, data))
        self.images({"firmware": self.upload(data), "partition": "nvs"})
        self.assert_flash(put(before, 0x12000, data, room=0xE000))

    def test_another_chips_firmware(self):
        self.refuses("wrong_chip", firmware=self.factory(esp_at("esp32c3-v2.4")))
        other = esp_at("esp32c3-v2.4").parts["esp-at.bin"][1]
        self.refuses("wrong_chip", {"firmware": self.upload(other, "c3.bin"), "partition": "ota_0"})

    def test_what_is_no_bootloader(self):
        self.refuses("not_a_bootloader", {"firmware": self.upload(b"a" * 100), "offset": 0x1000},
                     overwrite=["bootloader"])

    def test_a_slot_without_a_download_port(self):
        self.gate.put("/v1/slots/at-only", {"at_port": self.board.at}).expect(201)
        body = {"kind": "flash", "slot": "at-only", "firmware": self.factory()}
        self.gate.post("/v1/jobs", body).problem(422, "slot_has_no_download_port")

    def submit(self, **order):
        return self.gate.post("/v1/jobs", {"kind": "flash", "slot": self.bench.slot(self.board), **order})

    def test_firmware_that_is_not_there(self):
        self.submit(firmware="fw_1").problem(404, "firmware_not_found")
        self.submit(images=[{"firmware": "fw_1", "offset": 0}]).problem(404, "firmware_not_found")
        self.submit(images=[{"image": "img_1", "file": "mqtt_ca.bin"}]).problem(404, "image_not_found")
        self.submit(firmware=self.factory(), credential="cred_1").problem(404, "credential_not_found")

    def test_firmware_of_a_kind_that_does_not_fit(self):
        problem = self.submit(firmware=self.upload(b"a" * 100)).problem(400, "bad_body")
        self.assertEqual(problem["errors"][0]["pointer"], "/firmware")
        self.assertIn("binary", problem["errors"][0]["detail"])
        items = [{"firmware": self.upload(b"a"), "offset": 0}, {"firmware": self.factory(), "offset": 0}]
        problem = self.submit(images=items).problem(400, "bad_body")
        self.assertEqual([e["pointer"] for e in problem["errors"]], ["/images/1/firmware"])
        self.assertIn("factory", problem["errors"][0]["detail"])

    def test_a_firmware_that_a_job_needs_is_kept(self):
        firmware = self.factory()
        self.board.unplug()
        job = self.gate.create_job({"kind": "flash", "slot": self.bench.slot(self.board), "firmware": firmware})
        self.gate.delete(f"/v1/firmware/{firmware}").problem(409, "firmware_in_use")
        self.board.start()
        self.assertEqual(self.gate.wait_job(job)["state"], "succeeded")
        self.gate.delete(f"/v1/firmware/{firmware}").expect(204)


if __name__ == "__main__":
    unittest.main()
