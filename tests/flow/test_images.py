"""A credential in the file that a firmware itself has for it: of mfg_nvs three values change and all else stays, of a
partition that two credentials share the other one stays."""
import hashlib
import struct
import unittest

import firmware_files
import harness
import nvs

OCTETS = {"Content-Type": "application/octet-stream"}
KB = 1024


def atpki_items(image):
    magic, count, _ = struct.unpack_from("<HHI", image)
    assert magic == 0xF1F1
    items, at = [], 8
    for _ in range(count):
        size, = struct.unpack_from("<H", image, at + 2)
        items.append(image[at + 4:at + 4 + size])
        at += 4 + (size + 3) // 4 * 4
    return items


class ImagesOfFirmware(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bench = harness.Bench(boards=0, broker=False)
        cls.bench.__enter__()
        cls.addClassCleanup(cls.bench.__exit__, None, None, None)
        cls.gate = cls.bench.gate
        cls.credential = cls.bench.upload()

    def keep(self, data):
        return self.gate.post("/v1/firmware", data, headers=OCTETS).expect(200, 201).json["id"]

    def order(self, credential=None, **more):
        return self.gate.post("/v1/images", {"credential": credential or self.credential, **more})

    def made(self, firmware, **more):
        """What was answered, and the bytes of each file."""
        made = self.order(firmware=self.keep(firmware), **more).expect(201).json
        files = {}
        for image in made["images"]:
            files[image["file"]] = data = self.gate.get(image["url"]).expect(200).body
            self.assertEqual((len(data), hashlib.sha256(data).hexdigest()), (image["size"], image["sha256"]))
        return made, files

    def parts(self):
        device, ca = self.bench.pki.device, self.bench.pki.ca
        return {"cert": device.cert, "key": device.key, "ca": ca.cert}

    def assert_only_differs_in(self, whole, base, image):
        at, size = image["offset"], image["partition_size"]
        self.assertEqual(whole[:at], base[:at])
        self.assertEqual(whole[at + size:], base[at + size:])

    def test_mfg_nvs_keeps_all_but_the_credential(self):
        for name in ("esp32-v4.1", "esp32c3-v4.1", "esp32c6-v4.1", "esp32c5-v5.0"):
            firmware = firmware_files.esp_at(name, 64 * KB)
            base = firmware.factory()
            for source in (base, firmware.release()):
                made, files = self.made(source)
                self.assertEqual(list(files), ["factory.bin", "mfg_nvs.bin"])
                image = made["images"][1]
                place = next(p for p in firmware.told["user_partitions"] if p["name"] == "mfg_nvs")
                self.assertEqual((image["offset"], image["size"], image["partition_size"], image["holds_key"]),
                                 (place["offset"], place["size"], place["size"], True))
                before = base[place["offset"]:place["offset"] + place["size"]]
                expected = nvs.read(before)
                self.assertIn(("factory_param", "uart_tx_pin"), expected)
                expected.update({(f"mqtt_{part}", f"mqtt_{part}"): pem for part, pem in self.parts().items()})
                self.assertEqual(nvs.read(files["mfg_nvs.bin"]), expected)
                self.assertIn("erased", nvs.pages(files["mfg_nvs.bin"]))
                changed = [at for at in range(0, len(before), 4096)
                           if before[at:at + 4096] != files["mfg_nvs.bin"][at:at + 4096]]
                self.assertLessEqual(len(changed), 4)
                self.assert_only_differs_in(files["factory.bin"], base, image)
                whole = files["factory.bin"][image["offset"]:image["offset"] + image["size"]]
                self.assertEqual(whole, files["mfg_nvs.bin"])

    def test_every_kind_has_its_keys(self):
        release = firmware_files.esp_at("esp32-v4.1", 64 * KB).release()
        for target, key in (({"kind": "client", "index": 1}, "client_{}.1"), ({"kind": "client"}, "client_{}.0"),
                            ({"kind": "server"}, "server_{}"), ({"kind": "wpa2"}, "wpa2_{}")):
            with self.subTest(**target):
                made, files = self.made(release, target=target)
                self.assertEqual(made["target"], {"index": 0, **target})
                values = nvs.read(files["mfg_nvs.bin"])
                for part, pem in self.parts().items():
                    space = f"{target['kind']}_{part}"
                    self.assertEqual(values[space, key.format(part)], pem)
        for kind in ("https", "wss"):  # this file is of a release before them
            self.order(firmware=self.keep(release), target={"kind": kind}).problem(422, "kind_not_on_board")

    def test_the_other_credential_of_a_partition_stays(self):
        firmware = firmware_files.esp_at("esp32-v2.4", 64 * KB)
        dummies = {part: atpki_items(firmware.parts[f"customized_partitions/client_{part}.bin"][1])
                   for part in ("cert", "key", "ca")}
        for index in (0, 1):
            _, files = self.made(firmware.release(), target={"kind": "client", "index": index})
            self.assertEqual(set(files), {"factory.bin", "client_cert.bin", "client_key.bin", "client_ca.bin"})
            for part, pem in self.parts().items():
                expected = dummies[part][:index] + [pem] + dummies[part][index + 1:]
                self.assertEqual(atpki_items(files[f"client_{part}.bin"]), expected)

    def test_without_the_firmware_it_cannot_be_made(self):
        for layout in ("mfg_nvs", {"module": "WROOM-32", "release": "v3.4.0.0"},
                       {"partitions": [{"name": "mfg_nvs", "offset": 0x21000, "size": 0x1C000}]}):
            self.order(layout=layout).problem(422, "image_needs_board")

    def test_a_key_that_the_firmware_cannot_use_is_told(self):
        ec = self.bench.upload(self.bench.pki.ec_device)
        old, new = (firmware_files.esp_at(name, 64 * KB).release() for name in ("esp32c2-2mb-v3.0", "esp32-v4.1"))
        shipped = {"module": "ESP32C2-2MB", "release": "v3.0.0.0"}
        for credential, order, codes in ((ec, {"firmware": self.keep(old)}, ["key_not_usable"]),
                                         (ec, {"layout": shipped}, ["key_not_usable"]),
                                         (ec, {"firmware": self.keep(new)}, []),
                                         (self.credential, {"firmware": self.keep(old)}, [])):
            made = self.order(credential, **order).expect(201).json
            self.assertEqual([w["code"] for w in made["warnings"]], codes)


if __name__ == "__main__":
    unittest.main()
