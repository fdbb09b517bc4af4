"""For arm64, as on a Raspberry Pi: cross-built in a system of its own; the unit tests, the program and its package there, by
an emulator."""
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import time
import unittest

import rootfs

# mosquitto is a tool here: a native broker for tests that talk to one.
TOOLS = ["crossbuild-essential-arm64", "dpkg-dev", "make", "mosquitto", "pkg-config", "python3", "python3-yaml"]
CROSS = ["CC=aarch64-linux-gnu-gcc", "AR=aarch64-linux-gnu-ar", "LD=aarch64-linux-gnu-ld"]
PKG_CONFIG = {"PKG_CONFIG_LIBDIR": "/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig"}
EMULATOR = "/usr/bin/qemu-aarch64-static"
# Tests that open a serial line: the emulator does not know the ioctl TCGETS2, nor can it start what it emulates once more.
NEEDS_A_LINE = ("_on_board.c", "/test_port_serial.c")
PATIENCE = 1200  # s; the longest one makes RSA keys, and takes a minute where nothing else runs


def libraries():
    """Those that espgate and its unit tests are built with."""
    listed = subprocess.run(["sh", "docker/deps.sh", "--list", "build", "test"], cwd=rootfs.ROOT, stdout=subprocess.PIPE,
                            text=True, check=True).stdout.split()
    return [name + ":arm64" for name in listed if re.fullmatch("(lib|zlib1g).*-dev", name)]


def unit_tests():
    sources = sorted(glob.glob("tests/unit/*/test_*.c", root_dir=rootfs.ROOT))
    return ["build/release/" + s.removesuffix(".c") for s in sources if not s.endswith(NEEDS_A_LINE)]


class Arm64(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = rootfs.Rootfs()
        cls.addClassCleanup(cls.root.clean)
        cls.root.run("dpkg", "--add-architecture", "arm64")
        cls.root.install(*TOOLS, *libraries())
        shutil.copy(EMULATOR, cls.root.file(EMULATOR))
        for name in ("Makefile", "README.md", "openapi.yaml", "service", "api", "docker", "tests"):
            subprocess.run(["cp", "-a", os.path.join(rootfs.ROOT, name), cls.root.file("/usr/src")], check=True)
        cls.units = unit_tests()
        cls.root.run("make", "-C", "/usr/src", f"-j{os.cpu_count()}", "VERSION=0.0.0+arm64", *CROSS, "build/espgate",
                     *cls.units, env=PKG_CONFIG)

    def emulate(self, *argv, **more):
        return self.root.run("sh", "-c", 'cd /usr/src && exec "$@"', "sh", EMULATOR, *argv, **more)

    def test_the_program_starts(self):
        self.assertIn("AArch64", self.root.run("aarch64-linux-gnu-readelf", "-h", "/usr/src/build/espgate").stdout)
        self.assertEqual(self.emulate("build/espgate", "--version").stdout, "espgate 0.0.0+arm64\n")

    def test_the_unit_tests_pass(self):
        self.assertGreater(len(self.units), 100)
        began = time.monotonic()
        cases = 0
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            runs = pool.map(lambda unit: self.emulate(unit, check=False, timeout=PATIENCE), self.units)
            for unit, done in zip(self.units, runs):
                with self.subTest(unit):
                    self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-3000:])
                    cases += done.stdout.count("[       OK ]") + done.stderr.count("[       OK ]")
        print(f"* arm64: {cases} unit test cases of {len(self.units)} programs in {time.monotonic() - began:.0f} s")

    def test_it_can_be_packed(self):
        self.root.run("sh", "/usr/src/docker/deb/build.sh", "/usr/src/build/espgate", "/usr/src/build", "0.0.0+arm64",
                      env={"DEB_HOST_ARCH": "arm64"})
        found = self.root.run("dpkg-deb", "-f", "/usr/src/build/espgate_0.0.0+arm64_arm64.deb", "Architecture", "Depends").stdout
        self.assertIn("Architecture: arm64\n", found)
        self.assertIn("libmicrohttpd12 (>= ", found)
