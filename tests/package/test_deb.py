"""The Debian package: what it says, and its life in a clean Debian: installed, run, removed, purged."""
import contextlib
import glob
import os
import pty
import re
import shutil
import stat
import subprocess
import unittest

import rootfs
from daemon import Daemon, free_port

UNIT = "/lib/systemd/system/espgate.service"
DATA = "/var/lib/espgate"
USB = "/devices/pci0000:00/0000:00:14.0/usb1/1-1"
TTY = USB + "/1-1:1.0/ttyUSB0/tty/ttyUSB0"
EXPOSURE = 20  # of 100: what systemd-analyze calls OK ends at 49


def package():
    found = glob.glob(os.path.join(rootfs.ROOT, "build", "espgate_*.deb"))
    if len(found) != 1:
        raise AssertionError(f"one package is wanted, there are {found}")
    return found[0]


def said(*argv, **more):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)
    if done.returncode:
        raise AssertionError(f"{argv} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def unit_settings(text):
    """Its lines, by name."""
    found = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", text, re.M):
        found.setdefault(name, []).append(value)
    return found


class Package(unittest.TestCase):
    def test_lintian_has_nothing_to_say(self):
        found = said("lintian", "--allow-root", "--fail-on", "none", package())
        self.assertEqual([line for line in found.splitlines() if re.match("[EW]:", line)], [])

    def test_it_asks_for_what_no_linker_asks_for(self):
        wanted = said("dpkg-deb", "-f", package(), "Depends").strip().split(", ")
        for name in ("libcurl4", "ca-certificates"):
            self.assertIn(name, wanted)
        self.assertTrue(any(w.startswith("libmicrohttpd12 (>= ") for w in wanted), wanted)
        installed = said("dpkg-deb", "-f", package(), "Installed-Size").strip()
        print(f"* package: {os.path.getsize(package()) / 1e3:.0f} kB, installed {installed} KiB")

    def test_the_manual_has_every_option(self):
        with open(os.path.join(rootfs.ROOT, "docker", "deb", "espgate.1"), encoding="utf-8") as f:
            manual = f.read().replace("\\-", "-")
        program = said(os.path.join(rootfs.ROOT, "build", "espgate"), "--help")
        options = re.findall(r"^  (--[\w-]+)", program, re.M)
        self.assertGreater(len(options), 10)
        self.assertEqual([o for o in options if f"{o} " not in manual + " " and f"{o}\n" not in manual], [])


def setUpModule():
    """One system in which it was installed, with apt, as an administrator does."""
    global origin
    origin = rootfs.Rootfs()
    unittest.addModuleCleanup(origin.clean)
    shutil.copy(package(), origin.file("/espgate.deb"))
    origin.install("systemd", "udev", "umockdev", "/espgate.deb")


class Installed(unittest.TestCase):
    """What only looks at it."""

    def setUp(self):
        self.root = origin

    def test_it_is_enabled(self):
        self.assertTrue(os.path.islink(self.root.file("/etc/systemd/system/multi-user.target.wants/espgate.service")))

    def test_it_finds_the_libraries_that_it_loads_later(self):
        self.assertIn("libcurl.so.4", self.root.run("ldconfig", "-p").stdout)
        self.assertTrue(os.path.exists(self.root.file("/etc/ssl/certs/ca-certificates.crt")))

    def test_the_unit_is_valid(self):
        done = self.root.run("systemd-analyze", "verify", "--man=no", UNIT)
        self.assertEqual([line for line in done.stderr.splitlines() if "espgate" in line], [])

    def test_the_unit_is_confined(self):
        done = self.root.run("systemd-analyze", "security", "--no-pager", "--offline=true", f"--threshold={EXPOSURE}", UNIT)
        print("* package:", done.stdout.strip().splitlines()[-1].lstrip("→ "))

    def udev(self, device, vendor, product):
        """What udev makes of an adapter that is plugged in: its own rehearsal, over a /sys of our own."""
        with open(os.path.join(os.path.dirname(__file__), "adapter.umockdev"), encoding="ascii") as f:
            text = f.read().replace("VENDOR", vendor).replace("PRODUCT", product)
        with open(self.root.file("/adapter"), "w", encoding="ascii") as f:
            f.write(text)
        done = self.root.run("umockdev-run", "--device", "/adapter", "--", "udevadm", "test", "--action=add", "/sys" + device)
        self.assertEqual(re.findall(r".*60-espgate.rules:\d+ (?:Invalid|Unknown|Failed).*", done.stderr), [])
        rules = re.findall(r"60-espgate.rules:\d+ (GROUP|MODE) (\d+)", done.stdout + done.stderr)
        return dict(re.findall(r"^(\w+)=(.*)$", done.stdout, re.M), **dict(rules))

    def test_udev_names_an_adapter_by_its_socket_and_modem_manager_leaves_it_alone(self):
        for ids in (("10c4", "ea60"), ("1a86", "7523"), ("0403", "6001"), ("303a", "1001"), ("067b", "2303")):
            with self.subTest(ids):
                found = self.udev(TTY, *ids)
                self.assertIn("/dev/espgate/pci-0000:00:14.0-usb-0:1:1.0", found["DEVLINKS"].split())
                self.assertEqual((found["ID_MM_DEVICE_IGNORE"], found["ID_MM_PORT_IGNORE"]), ("1", "1"))
                self.assertEqual((found["GROUP"], found["MODE"]), ("20", "0660"))
                self.assertEqual(self.udev(USB, *ids)["ID_MM_DEVICE_IGNORE"], "1")

    def test_udev_leaves_a_modem_to_modem_manager(self):
        found = self.udev(TTY, "12d1", "1506")
        self.assertNotIn("ID_MM_DEVICE_IGNORE", found)
        self.assertNotIn("/dev/espgate", found.get("DEVLINKS", ""))

class Life(unittest.TestCase):
    """Each test has a copy of that system."""

    def setUp(self):
        self.root = rootfs.Rootfs(origin)
        self.addCleanup(self.root.clean)

    def start(self):
        """As the unit does."""
        unit = unit_settings(self.root.read(UNIT))
        port = free_port()
        env = dict(e.replace("%S", "/var/lib").split("=", 1) for e in unit["Environment"])
        dialout = re.search("^dialout:x:([0-9]+):", self.root.read("/etc/group"), re.M)[1]
        user = unit["User"][0]
        daemon = Daemon(self.root.command(unit["ExecStart"][0].split(), f"{user}:{user}", dialout),
                        dict(env, ESPGATE_LISTEN=f"127.0.0.1:{port}"), port)
        self.addCleanup(daemon.stop)
        return daemon

    def make_records(self):
        daemon = self.start()
        self.assertEqual(daemon.get("/healthz")[0], 200)
        self.assertEqual(daemon.stop(), 0)

    def test_it_runs_as_its_own_user(self):
        daemon = self.start()
        print(f"* package: listens after {daemon.start_s * 1e3:.0f} ms")
        self.assertEqual(daemon.get("/readyz")[0], 200)
        self.assertEqual(daemon.get("/v1/slots", self.root.read(DATA + "/admin.token").strip())[0], 200)
        self.assertNotIn("0", daemon.ids()[0])
        self.assertEqual(stat.S_IMODE(os.stat(self.root.file(DATA)).st_mode), 0o700)
        self.assertEqual(daemon.stop(), 0)

    def test_removed_it_leaves_records_and_settings(self):
        self.make_records()
        self.root.run("apt-get", "remove", "-y", "-qq", "espgate")
        self.assertFalse(os.path.exists(self.root.file("/usr/bin/espgate")))
        self.assertFalse(os.path.exists(self.root.file(UNIT)))
        self.assertTrue(os.path.exists(self.root.file("/etc/default/espgate")))
        self.assertTrue(os.path.exists(self.root.file(DATA + "/espgate.db")))

    def test_purged_where_nobody_can_be_asked_it_leaves_the_records(self):
        self.make_records()
        self.root.run("apt-get", "purge", "-y", "-qq", "espgate")
        self.assertFalse(os.path.exists(self.root.file("/etc/default/espgate")))
        self.assertFalse(os.path.lexists(self.root.file("/etc/systemd/system/multi-user.target.wants/espgate.service")))
        self.assertTrue(os.path.exists(self.root.file(DATA + "/espgate.db")))
        self.assertTrue(os.path.exists(self.root.file(DATA + "/vault.key")))

    def test_purged_after_it_was_told_so_it_leaves_nothing(self):
        self.make_records()
        self.root.run("debconf-set-selections", input="espgate espgate/remove-records boolean true\n")
        self.root.run("apt-get", "purge", "-y", "-qq", "espgate")
        self.assertFalse(os.path.exists(self.root.file(DATA)))

    def test_installed_anew_it_finds_its_records(self):
        self.make_records()
        token = self.root.read(DATA + "/admin.token")
        self.root.run("apt-get", "purge", "-y", "-qq", "espgate")
        self.root.install("/espgate.deb")
        self.assertEqual(self.root.read(DATA + "/admin.token"), token)
        self.assertEqual(self.start().get("/v1/slots", token.strip())[0], 200)

    def purge_at_a_terminal(self, answer):
        pid, terminal = pty.fork()
        if pid == 0:
            argv = self.root.command(["apt-get", "purge", "-y", "-qq", "espgate"])
            os.execvpe(argv[0], argv, {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "TERM": "dumb",
                                       "DEBIAN_FRONTEND": "teletype"})
        said = b""
        with contextlib.suppress(OSError), open(terminal, "r+b", buffering=0) as f:  # EIO is its end
            while more := f.read(4096):
                said += more
                if answer and b"[yes/no]" in said:
                    f.write(answer + b"\n")
                    answer = None
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, said)
        self.assertIn(b"Remove espgate's records as well?", said)

    def test_purged_at_a_terminal_it_asks_what_becomes_of_the_records(self):
        self.make_records()
        self.purge_at_a_terminal(b"no")
        self.assertTrue(os.path.exists(self.root.file(DATA + "/espgate.db")))
        self.root.install("/espgate.deb")
        self.purge_at_a_terminal(b"yes")
        self.assertFalse(os.path.exists(self.root.file(DATA)))

    def test_settings_and_records_survive_an_upgrade(self):
        self.make_records()
        token = self.root.read(DATA + "/admin.token")
        settings = self.root.file("/etc/default/espgate")
        with open(settings, "a", encoding="utf-8") as f:
            f.write("ESPGATE_KEEP_DAYS=7\n")
        said("sh", "docker/deb/build.sh", "build/espgate", self.root.file("/newer"), "9999.0", cwd=rootfs.ROOT)
        self.root.install(*("/newer/" + name for name in os.listdir(self.root.file("/newer"))))
        self.assertEqual(self.root.run("dpkg-query", "-W", "-f=${Version}", "espgate").stdout, "9999.0")
        self.assertIn("ESPGATE_KEEP_DAYS=7", self.root.read("/etc/default/espgate"))
        self.assertEqual(self.start().get("/v1/slots", token.strip())[0], 200)
