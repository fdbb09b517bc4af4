"""Every operation of the contract with requests made from it, right and wrong ones: never a fault of the service, and
every answer as the contract says. FUZZ_SECONDS and FUZZ_SEED choose how long and what; the seed is printed."""
import os
import subprocess
import unittest

import contract
import firmware_files
import harness
import npm
import orders

WAITS = True  # it runs for its time, whatever the machine: run.py
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fuzz.mjs")
TABLE = b"# Name, Type, SubType, Offset, Size, Flags\nnvs, data, nvs, 0x9000, 0x6000,\nfactory, app, factory, 0x10000, 1M,\n"
NVS = b"key,type,encoding,value\nfactory_param,namespace,,\nbaudrate,data,i32,115200\nname,data,string,WROOM-32\n"


class Fuzz(harness.BenchCase):
    bench_options = {"boards": [{"firmware": "2.4"}, {"firmware": "4.1"}]}

    def samples(self):
        """A folder of files of every kind that can be uploaded."""
        pki, at = self.bench.pki, firmware_files.esp_at("esp32-v2.4", 64 * 1024)
        one = pki.ec_device
        files = {"cert": one.cert, "key": one.key, "ca": pki.ca.cert, "all": one.cert + one.key + pki.ca.cert,
                 "line": pki.device.cert + pki.device.key + one.cert + one.key + pki.ca.cert,
                 "p12": pki.pkcs12(one, password="secret"), "der": pki.der(one)[0], "encrypted": pki.encrypted_key(one),
                 "release.zip": at.release(), "app": firmware_files.app(firmware_files.CHIPS["esp32"], size=4096),
                 "table.csv": TABLE, "nvs.csv": NVS, "empty": b""}
        folder = os.path.join(self.bench.folder, "samples")
        os.makedirs(folder)
        for name, data in files.items():
            with open(os.path.join(folder, name), "wb") as f:
                f.write(data)
        return folder

    def furnish(self):
        """One of each thing, so that requests find something."""
        gate, at = self.gate, firmware_files.esp_at("esp32-v2.4", 64 * 1024)
        credential = self.bench.upload()
        for one in (self.bench.pki.other_device, self.bench.pki.ec_device):
            self.bench.upload(one)
        gate.put("/v1/profiles/bench", {"wifi": {"ssid": harness.SSID, "password": harness.PASSWORD},
                                        "mqtt": {"host": "localhost"}}).expect(201)
        for name, settings in enumerate(orders.clouds()):
            gate.put(f"/v1/clouds/{name}", settings).expect(201)
        gate.post("/v1/firmware", at.release(), headers={"Content-Type": "application/zip"}).expect(201)
        gate.post("/v1/images", {"credential": credential, "layout": "esp32-v2"}).expect(201)
        gate.post("/v1/credentials/csr", {"subject": {"CN": "fuzz"}}).expect(201)
        gate.post("/v1/authorities", {"name": "lab", "subject": {"CN": "lab"}}).expect(201)
        gate.post("/v1/webhooks", {"url": "http://127.0.0.1:9/"}).expect(201)
        self.bench.run("write", self.bench.boards[1], credential=credential)  # leaves a backup
        self.bench.run("read", self.bench.boards[0], partition="mqtt_ca")

    def cut_off(self):
        """What is fuzzed calls nobody: clouds are behind a proxy that is not there, and have no keys of this machine."""
        nowhere = os.path.join(self.bench.folder, "nowhere")
        self.gate.stop()
        self.gate.env = {**self.gate.env, "https_proxy": "http://127.0.0.1:9", "AWS_CONFIG_FILE": nowhere,
                         "AWS_SHARED_CREDENTIALS_FILE": nowhere}
        self.gate.start()

    def test_every_operation_with_all_that_a_client_may_send(self):
        npm.install()
        self.cut_off()
        self.furnish()
        command = ["node", "--no-warnings", SCRIPT, "--modules", npm.FOLDER, "--base", f"http://127.0.0.1:{self.gate.port}",
                   "--token", self.gate.token, "--keep", self.gate.get("/v1/tokens").expect(200).json["items"][0]["id"],
                   "--contract", os.path.join(contract.ROOT, "openapi.yaml"), "--samples", self.samples(),
                   "--seconds", os.environ.get("FUZZ_SECONDS", "60")]
        if "FUZZ_SEED" in os.environ:
            command += ["--seed", os.environ["FUZZ_SEED"]]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        print(done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.gate.get("/healthz").expect(200)


if __name__ == "__main__":
    unittest.main()
