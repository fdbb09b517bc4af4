"""The bench's USB tree, seen by espgate: what is listed, what comes and goes, and that a board can be worked with."""
import os
import subprocess
import unittest

import harness
import usb_tree
from child import PATIENCE, Child

MONITOR = """
import ctypes, select, sys
udev = ctypes.CDLL("libudev.so.1")
for name in ("udev_new", "udev_monitor_new_from_netlink", "udev_monitor_receive_device"):
    getattr(udev, name).restype = ctypes.c_void_p
text = {}
for name in ("action", "devnode", "syspath", "property_value"):
    text[name] = getattr(udev, "udev_device_get_" + name)
    text[name].restype = ctypes.c_char_p
monitor = ctypes.c_void_p(udev.udev_monitor_new_from_netlink(ctypes.c_void_p(udev.udev_new()), sys.argv[1].encode()))
udev.udev_monitor_filter_add_match_subsystem_devtype(monitor, b"tty", None)
assert udev.udev_monitor_enable_receiving(monitor) == 0
print("listening", flush=True)
while True:
    select.select([udev.udev_monitor_get_fd(monitor)], [], [])
    device = ctypes.c_void_p(udev.udev_monitor_receive_device(monitor))
    if not device:  # of another subsystem: only the udev group filters in the kernel
        continue
    print(text["action"](device).decode(), text["devnode"](device).decode(), text["syspath"](device).decode(),
          text["property_value"](device, b"ID_PATH").decode(), flush=True)
"""
JTAG = "USB JTAG/serial debug unit"


class Listed(harness.BenchCase):
    bench_options = {"broker": False, "usb": True, "boards": 2}

    def ports(self):
        return {p["device"]: p for p in self.gate.get("/v1/ports").expect(200).json["items"]}

    def test_ports_have_what_usb_says_of_them(self):
        one, two = self.bench.boards
        self.bench.adapter(one, socket="1-1.4", serial="0001")
        self.bench.usb.add_jtag(two.download, two.mac.upper(), socket="1-2")
        ports = self.ports()
        self.assertEqual(["/dev/ttyACM0", "/dev/ttyUSB0"], sorted(ports))
        self.assertEqual({"vid": 0x10C4, "pid": 0xEA60, "serial": "0001", "manufacturer": "Silicon Labs",
                          "product": "CP2102N USB to UART Bridge Controller"}, ports["/dev/ttyUSB0"]["usb"])
        self.assertEqual({"vid": 0x303A, "pid": 0x1001, "serial": two.mac.upper(), "manufacturer": "Espressif",
                          "product": JTAG}, ports["/dev/ttyACM0"]["usb"])
        self.assertEqual(("CP210x", "USB-Serial/JTAG"), tuple(ports[d]["bridge"] for d in ("/dev/ttyUSB0", "/dev/ttyACM0")))
        self.assertEqual("usb-Silicon_Labs_CP2102N_USB_to_UART_Bridge_Controller_0001-if00-port0",
                         ports["/dev/ttyUSB0"]["id"])

    def test_adapters_without_a_serial_number_are_known_by_their_socket(self):
        for board, socket in zip(self.bench.boards, ("1-1", "1-2.3")):
            self.bench.adapter(board, socket=socket, vid=0x1A86, pid=0x7523, manufacturer=None, product="USB Serial")
        ports = self.ports()
        self.assertEqual({"/dev/ttyUSB0": "usb-1-1:if00", "/dev/ttyUSB1": "usb-1-2.3:if00"},
                         {d: p["id"] for d, p in ports.items()})
        self.assertEqual({"/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0",
                          "/dev/serial/by-path/pci-0000:00:14.0-usb-0:2.3:1.0-port0"},
                         {p["path"] for p in ports.values()})
        self.assertEqual([None, None], [p["usb"]["manufacturer"] for p in ports.values()])

    def test_what_goes_and_comes_under_another_number_keeps_its_identity(self):
        board = self.bench.boards[0]
        adapter = self.bench.adapter(board, serial="0001")
        before = self.ports()["/dev/ttyUSB0"]
        self.gate.child.wait_line(rf"port arrived id={before['id']} .*device=/dev/ttyUSB0")  # else it came and went at once
        mark = self.gate.child.mark()
        board.unplug("download")
        self.gate.child.wait_line(rf"port left id={before['id']} .*device=/dev/ttyUSB0", since=mark)
        adapter.wait_gone()  # all of it: its links may have left first
        self.assertEqual({}, self.ports())
        adapter.next_tty = "ttyUSB7"
        board.plug("download")
        self.gate.child.wait_line(rf"port arrived id={before['id']} .*device=/dev/ttyUSB7", since=mark)
        after = self.ports()["/dev/ttyUSB7"]
        self.assertEqual((before["id"], before["path"]), (after["id"], after["path"]))

    def test_a_board_is_worked_with_through_its_adapters(self):
        board = self.bench.boards[0]
        self.bench.adapter(board, serial="0001")
        self.bench.adapter(board, "at", socket="1-2", serial="0002")
        ports = self.ports()
        for one in ("path", "id", "device", "name"):
            with self.subTest(one):
                self.gate.put("/v1/slots/bench", {"download_port": ports["/dev/ttyUSB0"][one],
                                                  "at_port": ports["/dev/ttyUSB1"][one]}).expect(200, 201, 204)
                job = self.gate.wait_job(self.gate.create_job({"kind": "identify", "slot": "bench"}))
                self.assertEqual("succeeded", job["state"], job)
                self.assertEqual(board.mac, job["result"]["board"]["mac"])


class Events(harness.BenchCase):
    bench_options = {"broker": False, "gate": False, "usb": True}

    def monitor(self, group):
        preload = [os.path.join(harness.BIN, "ptymodem.so"), *usb_tree.PRELOAD]
        child = Child(f"monitor-{group}", ["/usr/bin/python3", "-c", MONITOR, group], self.bench.env, preload, ok=(-15,))
        self.addCleanup(child.stop)
        child.wait_line("listening")
        return child

    def test_a_monitor_of_either_group_hears_of_a_port_that_goes_and_comes(self):
        board = self.bench.boards[0]
        adapter = self.bench.adapter(board, socket="1-1.4", serial="0001")
        for group in ("udev", "kernel"):
            with self.subTest(group):
                child = self.monitor(group)
                name = adapter.tty
                board.unplug("download")
                child.wait_line(f"^remove /dev/{name} /sys/devices/.*/1-1.4:1.0/{name}/tty/{name} "
                                "pci-0000:00:14.0-usb-0:1.4:1.0$")
                adapter.next_tty = "ttyUSB3"
                board.plug("download")
                child.wait_line("^add /dev/ttyUSB3 /sys/devices/.*/1-1.4:1.0/ttyUSB3/tty/ttyUSB3 "
                                "pci-0000:00:14.0-usb-0:1.4:1.0$")
                child.stop()

    def test_a_reset_over_usb_is_a_removal_and_a_new_device(self):
        board = self.bench.add_board(chip="esp32c3", firmware="none", **{"usb-jtag": True})
        adapter = self.bench.usb.add_jtag(board.download, board.mac, socket="1-3")
        old = adapter.devnum
        self.run_host(adapter.dev, "lines:0,0", "lines:0,1", "gone")
        adapter.wait_there(plugs=2)
        self.assertEqual([("add", "1-3", "ttyACM0"), ("remove", "1-3", "ttyACM0"), ("add", "1-3", "ttyACM0")],
                         self.bench.usb.events)
        self.assertGreater(adapter.devnum, old)

    def run_host(self, port, *steps):
        """A program that resets it by DTR and RTS."""
        env = dict(os.environ, **self.bench.env,
                   LD_PRELOAD=" ".join([os.path.join(harness.BIN, "ptymodem.so"), *usb_tree.PRELOAD]))
        client = os.path.join(harness.ROOT, "tests/flow/board/modem_client.py")
        subprocess.run(["/usr/bin/python3", client, port, *steps], env=env, check=True, timeout=PATIENCE,
                       stdout=subprocess.DEVNULL)

    def test_adapters_that_share_a_name_lend_it_to_the_one_plugged_in_last(self):
        board = self.bench.boards[0]
        one = self.bench.adapter(board, socket="1-1", tty="ttyUSB5")
        two = self.bench.adapter(board, "at", socket="1-2")
        self.assertEqual(one.by_id, two.by_id)
        self.assertEqual("../../ttyUSB0", os.readlink(self.bench.usb.root + one.by_id))
        board.unplug("at")
        two.wait_gone()
        self.assertEqual("../../ttyUSB5", os.readlink(self.bench.usb.root + one.by_id))
        board.unplug("download")
        one.wait_gone()
        self.assertFalse(os.path.lexists(self.bench.usb.root + one.by_id))

    def test_nothing_of_a_device_that_has_gone_stays(self):
        def files():
            return {os.path.join(f, n) for f, _, names in os.walk(self.bench.usb.root) for n in names}
        board = self.bench.boards[0]
        before = files()
        adapter = self.bench.adapter(board, socket="1-1.4", serial="0001")
        self.assertIn(f"{self.bench.usb.root}/sys{adapter.tty_path}/dev", files())
        board.unplug("download")
        adapter.wait_gone()
        self.assertEqual(before, files())


if __name__ == "__main__":
    unittest.main()
