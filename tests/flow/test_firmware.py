"""Firmware comes in by the megabyte: it is told from its content, goes to the disk as it comes, and leaves nothing
behind when it is cut, too large or no good. With a credential it becomes one image for one device."""
import concurrent.futures
import hashlib
import io
import os
import random
import socket
import struct
import time
import unittest
import zipfile

import firmware_files
import harness
from client import multipart

MB = 1024 * 1024
LIMIT = 64 * MB  # LIMIT_FIRMWARE
UPLOADS = 8  # LIMIT_STREAMS
OCTETS = {"Content-Type": "application/octet-stream"}
ZIP = {"Content-Type": "application/zip"}


class FirmwareCase(unittest.TestCase):
    """A service for each test."""

    def setUp(self):
        self.bench = harness.Bench(boards=0, broker=False)
        self.bench.__enter__()
        self.addCleanup(self.bench.__exit__, None, None, None)
        self.gate = self.bench.gate

    def send(self, data, name=None, headers=OCTETS):
        return self.gate.post("/v1/firmware" + (f"?name={name}" if name else ""), data, headers=headers)

    def data_dir(self):
        return os.path.join(self.bench.folder, "data")

    def shelf(self):
        """The folders on the disk."""
        return sorted(os.listdir(os.path.join(self.data_dir(), "firmware")))

    def dial(self, *fields, body=b"", query=""):
        """A connection with the head of an upload and the beginning of its body."""
        s = socket.create_connection((self.gate.host, self.gate.port), harness.PATIENCE)
        self.addCleanup(s.close)
        head = "\r\n".join([f"POST /v1/firmware{query} HTTP/1.1", "Host: x", *self.gate.credentials, *fields, "", ""])
        s.sendall(head.encode() + body)
        return s

    def open_upload(self):
        """One that is known to be on its way: the service has asked for its body."""
        s = self.dial("Content-Type: application/octet-stream", "Content-Length: 1000000", "Expect: 100-continue")
        self.assertTrue(s.recv(64).startswith(b"HTTP/1.1 100 "))
        return s

    def feed(self, s, n):
        """Send n bytes and wait until they are on the disk."""
        s.sendall(bytes(n))
        end = time.monotonic() + harness.PATIENCE
        while max(os.path.getsize(os.path.join(self.data_dir(), "firmware", i, "upload")) for i in self.shelf()) < n:
            self.assertLess(time.monotonic(), end)


class Upload(FirmwareCase):
    def assert_told(self, made, expected, data, name):
        self.assertEqual({k: made[k] for k in expected}, expected)
        self.assertEqual((made["size"], made["sha256"], made["name"]),
                         (len(data), hashlib.sha256(data).hexdigest(), name))

    def test_each_kind_is_told_from_its_content(self):
        at = firmware_files.esp_at("esp32-v2.4", 64 * 1024)
        app = at.parts["esp-at.bin"][1]
        factory, release = at.factory(), at.release("line")
        made = []
        for data, name, headers, expected in (
                (factory, "factory.bin", OCTETS,
                 firmware_files.expected(at, "factory", [("factory.bin", 0, at.flash_bytes)])),
                (release, "release.zip", ZIP, firmware_files.release_expected(at)),
                (app, "app.bin", OCTETS, {"kind": "binary", "chip": "esp32", "version": "2.4.0", "partitions": None,
                                          "parts": [{"name": "app.bin", "offset": None, "size": len(app)}]})):
            reply = self.send(data, name, headers).expect(201)
            self.assert_told(reply.json, expected, data, name)
            self.assertEqual(reply.headers["Location"], f"/v1/firmware/{reply.json['id']}")
            self.assertEqual(self.gate.get(reply.headers["Location"]).expect(200).json, reply.json)
            made.insert(0, reply.json)
        self.assertEqual(self.gate.get("/v1/firmware").expect(200).json, {"items": made, "next": None})
        first = self.gate.get("/v1/firmware?limit=1").expect(200).json
        self.assertEqual(self.gate.get(f"/v1/firmware?cursor={first['next']}").expect(200).json["items"], made[1:])

    def test_the_media_type_does_not_matter(self):
        made = self.send(firmware_files.esp_at("esp32-v2.4", 64 * 1024).release(), headers=OCTETS).expect(201).json
        self.assertEqual((made["kind"], made["name"]), ("release", "firmware"))

    def test_a_form_as_curl_sends_it(self):
        data = random.Random("form").randbytes(300_000)
        reply = self.gate.post("/v1/firmware", files=[("file", "Mein Board – v2.bin", data)]).expect(201).json
        self.assertEqual((reply["name"], reply["size"], reply["sha256"]),
                         ("Mein Board – v2.bin", len(data), hashlib.sha256(data).hexdigest()))
        named = self.gate.post("/v1/firmware?name=x", files=[("file", "y\x01\xff", b"other")]).expect(201).json
        self.assertEqual(named["name"], "x")

    def test_a_form_in_pieces_of_any_length(self):
        """Full of what looks like its own boundary, and cut everywhere."""
        rng = random.Random("pieces")
        kind, body = multipart([("file", "a.bin", b"@")])
        boundary = kind.split("=")[1].encode()
        traps = [b"\r\n", b"\r\n--", b"--" + boundary, b"\r\n--" + boundary[:-1], b"\r\n\r\n--" + boundary[:9], b"\r", b"-"]
        for longest in (1, 3, 70, 5000):
            data = b"".join(rng.choice(traps) if rng.random() < .5 else rng.randbytes(rng.randrange(9))
                            for _ in range(2000)).replace(b"\r\n--" + boundary, b"")
            whole, at, chunks = body.replace(b"@", data), 0, []
            while at < len(whole):
                n = rng.randrange(1, longest + 1)
                chunks.append(b"%x\r\n%s\r\n" % (len(whole[at:at + n]), whole[at:at + n]))
                at += n
            s = self.dial(f"Content-Type: {kind}", "Transfer-Encoding: chunked", "Connection: close",
                          body=b"".join(chunks) + b"0\r\n\r\n")
            answer = b"".join(iter(lambda: s.recv(65536), b""))
            self.assertIn(b"HTTP/1.1 201 ", answer)
            self.assertIn(hashlib.sha256(data).hexdigest().encode(), answer)

    def test_forms_that_are_not_one_file_are_refused(self):
        for files in ([("a", None, b"text"), ("b", "b.bin", b"file")], [("a", "a", b"1"), ("b", "b", b"2")],
                      [("a", None, b"text")], []):
            self.gate.post("/v1/firmware", files=files).problem(400, "bad_multipart")
        kind, body = multipart([("file", "a.bin", b"x" * 100_000)])
        for headers, cut in (({"Content-Type": kind}, body[:-10]), ({"Content-Type": kind}, body[:30]),
                             ({"Content-Type": "multipart/form-data"}, body), ({"Content-Type": kind + "x"}, body)):
            self.gate.post("/v1/firmware", cut, headers=headers).problem(400, "bad_multipart")
        self.gate.post("/v1/firmware", files=[("file", "a.bin", b"")]).problem(422, "firmware_empty")
        self.assertEqual(self.shelf(), [])

    def test_what_is_no_good_is_told_and_not_kept(self):
        at = firmware_files.esp_at("esp32-v2.4", 64 * 1024)
        release = at.release()
        empty = io.BytesIO()
        with zipfile.ZipFile(empty, "w") as z:
            z.writestr("readme.txt", "nothing to flash")
        for data, code in ((release[:-100], "zip_damaged"), (release[:len(release) // 2], "zip_damaged"),
                           (empty.getvalue(), "release_no_parts")):
            self.assertTrue(self.send(data, "x.zip", ZIP).problem(422, code)["hint"])
        self.send(b"", "x").problem(400, "empty_body")
        self.gate.post("/v1/firmware", b"x", headers={"Content-Type": "application/x-www-form-urlencoded"}) \
            .problem(415, "bad_media_type")
        self.send(b"x", "a" * 97).problem(400, "bad_query")
        self.assertEqual(self.shelf(), [])
        self.assertEqual(self.gate.get("/v1/firmware").json["items"], [])

    def test_a_zip_that_unpacks_to_more_than_a_flash_holds(self):
        bomb = io.BytesIO()
        with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as z:
            z.writestr("download.config", "--flash_size 4MB 0x0 bomb.bin")
            with z.open("bomb.bin", "w", force_zip64=True) as f:
                for _ in range(200):
                    f.write(bytes(MB))
        self.assertLess(len(bomb.getvalue()), MB)
        self.send(bomb.getvalue(), "bomb.zip", ZIP).problem(422, "firmware_too_large")
        self.assertEqual(self.shelf(), [])

    def test_more_than_the_cap(self):
        s = self.dial("Content-Type: application/octet-stream", f"Content-Length: {LIMIT + 1}")
        self.assertIn(b" 413 ", s.recv(65536).split(b"\r\n")[0])
        s = self.dial("Content-Type: application/octet-stream", "Transfer-Encoding: chunked")
        piece = b"%x\r\n%s\r\n" % (MB, bytes(MB))
        for _ in range(LIMIT // MB):
            s.sendall(piece)
        s.sendall(b"1\r\nx\r\n0\r\n\r\n")
        answer = s.recv(65536)
        self.assertIn(b" 413 ", answer.split(b"\r\n")[0])
        self.assertIn(b"body_too_large", answer)
        self.assertEqual(self.shelf(), [])

    def test_one_content_is_kept_once(self):
        data = os.urandom(MB)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            replies = list(pool.map(lambda i: self.send(data, f"name{i}"), range(4)))
        self.assertEqual(sorted(r.status for r in replies), [200, 200, 200, 201])
        made = next(r.json for r in replies if r.status == 201)
        self.assertTrue(all(r.json == made for r in replies))
        self.assertEqual(self.shelf(), [made["id"]])
        self.gate.delete(f"/v1/firmware/{made['id']}").expect(204)
        self.assertEqual(self.shelf(), [])
        self.gate.get(f"/v1/firmware/{made['id']}").problem(404, "firmware_not_found")
        self.assertNotEqual(self.send(data).expect(201).json["id"], made["id"])

    def test_an_upload_that_is_cut_leaves_nothing(self):
        s = self.open_upload()
        self.feed(s, 500_000)
        s.close()
        self.gate.child.wait_line(r"method=POST route=/v1/firmware .* end=cut")
        self.assertEqual(self.shelf(), [])

    def test_kill_9_leaves_what_was_acknowledged_and_nothing_else(self):
        data = os.urandom(100_000)
        made = self.send(data).expect(201).json
        self.feed(self.open_upload(), 500_000)
        self.assertEqual(len(self.shelf()), 2)
        self.gate.kill9()
        self.gate.start()
        self.assertEqual(self.shelf(), [made["id"]])
        self.assertEqual(self.gate.get("/v1/firmware").json["items"], [made])
        for name in ("upload", "content"):
            with open(os.path.join(self.data_dir(), "firmware", made["id"], name), "rb") as f:
                self.assertEqual(f.read(), data)

    def test_so_many_at_once_and_no_more(self):
        connections = [self.open_upload() for _ in range(UPLOADS)]
        refused = self.send(b"one more")
        refused.problem(503, "too_many_uploads")
        self.assertIn("Retry-After", refused.headers)
        mark = self.gate.child.mark()
        connections[0].close()
        self.gate.child.wait_line(r"route=/v1/firmware .* end=cut", since=mark)
        self.send(b"one more").expect(201)

    def test_memory_does_not_grow_with_the_file(self):
        def peak():
            with open(f"/proc/{self.gate.child.pid}/status", encoding="ascii") as f:
                return next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))
        self.send(os.urandom(MB)).expect(201)
        before = peak()
        data = os.urandom(LIMIT)
        self.assertEqual(self.send(data).expect(201).json["sha256"], hashlib.sha256(data).hexdigest())
        self.assertLess(peak() - before, 16 * 1024)  # kB

    def test_what_is_unchanged_is_not_sent_again(self):
        made = self.send(b"x").expect(201).json
        path = f"/v1/firmware/{made['id']}"
        etag = self.gate.get(path).headers["ETag"]
        self.assertEqual(self.gate.get(path, headers={"If-None-Match": etag}).expect(304).body, b"")


class Factory(FirmwareCase):
    """A firmware with a credential."""

    def setUp(self):
        super().setUp()
        self.credential = self.bench.upload()

    def keep(self, data, name="at"):
        return self.send(data, name).expect(201).json["id"]

    def order(self, firmware, **more):
        return self.gate.post("/v1/images", {"credential": self.credential, "firmware": firmware, **more})

    def content_of(self, image):
        """The PEM in an AtPKI image."""
        magic, _, size = struct.unpack_from("<H6xHH", image)
        return magic, image[12:12 + size]

    def assert_whole(self, images, base):
        """factory.bin is the base with the three images in their partitions, and they hold the credential."""
        factory, *singles = images
        self.assertEqual((factory["file"], factory["partition"], factory["offset"], factory["size"], factory["holds_key"]),
                         ("factory.bin", None, 0, len(base), True))
        expected = bytearray(base)
        pems = {}
        for one in singles:
            data = self.gate.get(one["url"]).expect(200).body
            self.assertEqual((len(data), hashlib.sha256(data).hexdigest()), (one["size"], one["sha256"]))
            expected[one["offset"]:one["offset"] + one["partition_size"]] = data.ljust(one["partition_size"], b"\xff")
            pems[one["partition"]] = self.content_of(data)
        self.assertEqual(set(pems), {"mqtt_cert", "mqtt_key", "mqtt_ca"})
        pki = self.bench.pki
        for name, pem in (("mqtt_cert", pki.device.cert), ("mqtt_key", pki.device.key), ("mqtt_ca", pki.ca.cert)):
            self.assertEqual(pems[name], (0xF1F1, pem))
        got = self.gate.get(factory["url"]).expect(200)
        self.assertEqual(hashlib.sha256(got.body).hexdigest(), factory["sha256"])
        self.assertEqual(got.headers["Content-Disposition"], 'attachment; filename="factory.bin"')
        wrong = [i for i, (a, b) in enumerate(zip(got.body, expected)) if a != b]
        self.assertEqual((len(got.body), wrong[:4]), (len(expected), []))
        self.gate.get(factory["url"], headers={"If-None-Match": got.headers["ETag"]}).expect(304)

    def test_from_a_release_and_from_a_factory_image(self):
        for name in ("esp32-v2.4", "esp32c3-v2.4", "esp32c2-2mb-v3.0"):
            at = firmware_files.esp_at(name, 64 * 1024)
            base = at.factory()
            for data in (at.release("lines" if name == "esp32-v2.4" else "json"), base):
                firmware = self.keep(data)
                reply = self.order(firmware).expect(201)
                made = reply.json
                with self.subTest(f"{name} {len(data)}"):
                    self.assertEqual(made["firmware"], firmware)
                    places = {p["name"]: p["offset"] for p in made["layout"]["partitions"]}
                    told = {p["name"]: p["offset"] for p in at.told["user_partitions"]}
                    self.assertEqual(places, told)
                    for image in made["images"][1:]:
                        self.assertEqual(image["offset"], told[image["partition"]])
                    self.assert_whole(made["images"], base)
                    self.assertEqual(self.gate.get(reply.headers["Location"]).expect(200).json, made)

    def test_no_key_lies_on_the_disk(self):
        made = self.order(self.keep(firmware_files.esp_at("esp32-v2.4", 64 * 1024).release())).expect(201).json
        for image in made["images"]:
            self.gate.get(image["url"]).expect(200)
        files = 0
        for folder, _, names in os.walk(self.data_dir()):
            for name in names:
                files += 1
                with open(os.path.join(folder, name), "rb") as f:
                    content = f.read()
                for secret in self.bench.pki.device.secrets():
                    self.assertNotIn(secret.encode(), content, name)
        self.assertGreater(files, 4)

    def test_what_cannot_take_a_credential_is_told(self):
        at = firmware_files.esp_at("esp32-v2.4", 64 * 1024)
        old = firmware_files.built(*firmware_files.V1, 64 * 1024, 0)
        binary = self.keep(at.parts["esp-at.bin"][1])
        self.order(binary).problem(422, "firmware_no_credential_partitions")
        self.order(self.keep(old.release())).problem(422, "layout_not_writable")
        self.order("fw_0").problem(404, "firmware_not_found")
        release = self.keep(at.release())
        self.gate.post("/v1/images", {"credential": "cred_0", "firmware": release}).problem(404, "credential_not_found")
        problem = self.order(release, layout="partitions").problem(400, "bad_body")
        self.assertEqual([e["pointer"] for e in problem["errors"]], ["/layout"])

    def test_a_set_goes_with_its_firmware(self):
        firmware = self.keep(firmware_files.esp_at("esp32-v2.4", 64 * 1024).release())
        path = self.order(firmware).expect(201).headers["Location"]
        self.gate.delete(f"/v1/firmware/{firmware}").expect(204)
        for file in ("", "/factory.bin", "/mqtt_ca.bin"):
            self.gate.get(path + file).problem(404, "image_not_found")

    def test_a_file_that_is_gone_is_told_and_comes_again(self):
        data = firmware_files.esp_at("esp32-v2.4", 64 * 1024).release()
        firmware = self.keep(data)
        made = self.order(firmware).expect(201)
        os.unlink(os.path.join(self.data_dir(), "firmware", firmware, "content"))
        self.order(firmware).problem(500, "firmware_lost")
        self.gate.get(made.headers["Location"] + "/factory.bin").problem(500, "firmware_lost")
        self.gate.delete(f"/v1/firmware/{firmware}").expect(204)
        self.order(self.keep(data)).expect(201)

    def test_what_a_queued_job_needs_is_not_deleted(self):
        slot = self.bench.slot(self.bench.add_board(fault=["silent"]))
        at = firmware_files.esp_at("esp32-v2.4", 64 * 1024)
        whole, binary, in_set = self.keep(at.release()), self.keep(at.parts["esp-at.bin"][1]), self.keep(at.factory())
        images = self.order(in_set).expect(201).json["id"]
        first = self.gate.create_job({"kind": "identify", "slot": slot, "timeout": 900})  # runs for long
        for order, needs in (
                ({"firmware": whole}, (f"firmware/{whole}",)),
                ({"images": [{"firmware": binary, "offset": 0x100000}]}, (f"firmware/{binary}",)),
                ({"images": [{"image": images, "file": "mqtt_ca.bin"}]},
                 (f"firmware/{in_set}", f"credentials/{self.credential}"))):
            job = self.gate.create_job({"kind": "flash", "slot": slot, **order})
            self.assertEqual(self.gate.job(job).get("firmware"), order.get("firmware"))
            for path in needs:
                with self.subTest(f"{order} {path}"):
                    problem = self.gate.delete("/v1/" + path)
                    problem.problem(409, path.split("/")[0].rstrip("s") + "_in_use")
                    self.assertIn(job, problem.json["detail"])
            self.gate.post(f"/v1/jobs/{job}/cancel").expect(200)
        self.assertEqual(len(self.gate.get(f"/v1/jobs?firmware={whole}").expect(200).json["items"]), 1)
        for path in (f"firmware/{whole}", f"firmware/{binary}", f"firmware/{in_set}", f"credentials/{self.credential}"):
            self.gate.delete("/v1/" + path).expect(204)
        self.gate.post("/v1/jobs", {"kind": "flash", "slot": slot, "firmware": whole}).problem(404, "firmware_not_found")
        self.gate.post("/v1/jobs", {"kind": "flash", "slot": slot, "images": [{"image": images, "file": "mqtt_ca.bin"}]}) \
            .problem(404, "image_not_found")
        self.gate.post(f"/v1/jobs/{first}/cancel").expect(202)
        self.gate.wait_job(first)


if __name__ == "__main__":
    unittest.main()
