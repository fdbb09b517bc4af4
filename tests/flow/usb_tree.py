"""A host's USB sockets for tests: adapters that stand before simulated boards' ports, as sysfs, udev and /dev show
them. What is plugged in follows the boards: a port that goes (unplugged, no power, re-enumerated) is removed, one that
comes back is a new device.

    tree = UsbTree(folder)
    adapter = tree.add(board.download, socket="1-1.4", serial="0001")
    Child(…, env=tree.env, preload=[…, "ptymodem.so", *PRELOAD])      # the shim before umockdev's library
    board.unplug("download"); adapter.wait_gone()
    adapter.next_tty = "ttyUSB3"; board.plug("download"); adapter.wait_there()

It is made of plain files below .root, which umockdev's preloaded library lays over /sys, /dev and /run/udev/data of the
program under test. That library's own test bed is not used: it cannot remove a device that has others below it, and
shows it until after the event. Uevents go, in libudev's form, to the sockets that the library makes for each netlink
monitor; it says that they come from udevd, whatever group was asked for. Two programs on one tree that both have a
monitor need different descriptors for it: the name of the socket is the number of the descriptor.
"""
import contextlib
import ctypes
import glob
import itertools
import os
import re
import select
import socket as sockets
import struct
import tempfile
import threading

PRELOAD = ["libumockdev-preload.so.0"]
PATIENCE = 60.0  # s
HUB = "/devices/pci0000:00/0000:00:14.0/usb1"
MAJORS = {"ttyUSB": 188, "ttyACM": 166}
IN_MOVED_TO, IN_CREATE, IN_DELETE, IN_NONBLOCK = 0x80, 0x100, 0x200, 0o4000
MAGIC = 0xFEEDCAFE  # of libudev's messages


def murmur(text):
    """MurmurHash2 with seed 0: libudev's socket filters compare hashes of names."""
    data, m, mask = text.encode(), 0x5BD1E995, 0xFFFFFFFF
    h = len(data)
    whole = len(data) & ~3
    for (k,) in struct.iter_unpack("<I", data[:whole]):
        k = k * m & mask
        h = (h * m & mask) ^ ((k ^ k >> 24) * m & mask)
    if data[whole:]:
        h = (h ^ int.from_bytes(data[whole:], "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


def link(path, target):
    """Makes or replaces a symbolic link, at once."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    fresh = path + ".new"
    os.symlink(target, fresh)
    os.rename(fresh, path)


class Adapter:
    """One USB serial device. tty: the name that it has, or had last. next_tty: the one that it gets when it is plugged
    in next; "ttyUSB" or "ttyACM" alone leaves the number to the tree."""

    def __init__(self, tree, board_link, socket, tty, vid, pid, serial, manufacturer, product):
        self.tree, self.link, self.socket = tree, board_link, socket
        self.tty, self.next_tty = tty + "0" if tty in MAJORS else tty, tty
        self.vid, self.pid, self.serial = vid, pid, serial
        self.manufacturer, self.product = manufacturer, product
        self.terminal = None  # what it leads to while it is plugged in
        self.plugs = 0        # how often it was
        self.devnum = 0

    # ---- where things are ----

    @property
    def dev(self):
        return "/dev/" + self.tty

    @property
    def is_acm(self):
        return self.tty.startswith("ttyACM")

    @property
    def usb_path(self):
        hubs = self.socket.split(".")
        return "/".join([HUB, *(".".join(hubs[:n]) for n in range(1, len(hubs) + 1))])

    @property
    def interface_path(self):
        return f"{self.usb_path}/{self.socket}:1.0"

    @property
    def tty_path(self):
        return f"{self.interface_path}/{'' if self.is_acm else self.tty + '/'}tty/{self.tty}"

    @property
    def numbers(self):
        kind, number = re.fullmatch(r"(\D+)(\d+)", self.tty).groups()
        return MAJORS[kind], int(number)

    @property
    def by_id(self):
        names = (self.manufacturer or f"{self.vid:04x}", self.product, self.serial)
        words = re.sub("[ /]", "_", "_".join(name for name in names if name))
        return f"/dev/serial/by-id/usb-{words}-if00{'' if self.is_acm else '-port0'}"

    @property
    def by_path(self):
        return f"/dev/serial/by-path/{self.id_path}{'' if self.is_acm else '-port0'}"

    @property
    def id_path(self):
        return f"pci-0000:00:14.0-usb-0:{self.socket.partition('-')[2]}:1.0"

    # ---- what they hold ----

    def tty_properties(self):
        """As udev knows them."""
        major, minor = self.numbers
        return {"DEVNAME": self.dev, "MAJOR": major, "MINOR": minor, "ID_BUS": "usb", "ID_VENDOR_ID": f"{self.vid:04x}",
                "ID_MODEL_ID": f"{self.pid:04x}", "ID_MODEL": self.product.replace(" ", "_"),
                **({"ID_SERIAL_SHORT": self.serial} if self.serial else {}), "ID_PATH": self.id_path,
                "ID_USB_INTERFACE_NUM": "00", "DEVLINKS": f"{self.by_id} {self.by_path}"}

    def devices(self):
        """(path, subsystem, properties, attributes), from the socket to the port."""
        usb = {"busnum": 1, "devnum": self.devnum, "idVendor": f"{self.vid:04x}", "idProduct": f"{self.pid:04x}",
               "bNumInterfaces": " 1", "product": self.product}
        usb.update({k: v for k, v in (("manufacturer", self.manufacturer), ("serial", self.serial)) if v})
        product = f"{self.vid:x}/{self.pid:x}/100"
        yield self.usb_path, "usb", {"DEVTYPE": "usb_device", "PRODUCT": product, "BUSNUM": "001",
                                     "DEVNUM": f"{self.devnum:03}"}, usb
        yield self.interface_path, "usb", {"DEVTYPE": "usb_interface", "PRODUCT": product}, {"bInterfaceNumber": "00"}
        if not self.is_acm:
            yield os.path.dirname(os.path.dirname(self.tty_path)), "usb-serial", {}, {"port_number": 0}
        yield self.tty_path, "tty", self.tty_properties(), {"dev": "{}:{}".format(*self.numbers)}

    # ---- waiting ----

    def wait_there(self, plugs=None, seconds=PATIENCE):
        """Until it is plugged in (for the plugs-th time)."""
        self.tree.wait(lambda: self.terminal and (plugs is None or self.plugs >= plugs), f"{self.socket} there", seconds)

    def wait_gone(self, seconds=PATIENCE):
        self.tree.wait(lambda: not self.terminal, f"{self.socket} gone", seconds)


class UsbTree:
    def __init__(self, folder):
        self.root = tempfile.mkdtemp(prefix="usb-", dir=folder)
        for name in ("dev/.node", "sys/class/tty", "sys/bus/usb/devices", "sys/dev/char", "run/udev/data"):
            os.makedirs(os.path.join(self.root, name))
        self.env = {"UMOCKDEV_DIR": self.root}
        self.adapters, self.folders, self.events = [], {}, []
        self.sequence, self.devnum = itertools.count(1), itertools.count(2)
        self.changed = threading.Condition()
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.inotify = self.libc.inotify_init1(IN_NONBLOCK)
        self.stop_read, self.stop_write = os.pipe()
        self.follower = threading.Thread(target=self._follow, daemon=True)
        self.follower.start()

    def stop(self):
        os.close(self.stop_write)
        self.follower.join(PATIENCE)
        os.close(self.stop_read)
        os.close(self.inotify)

    def add(self, board_link, socket="1-1", tty="ttyUSB", vid=0x10C4, pid=0xEA60, serial=None,
            manufacturer="Silicon Labs", product="CP2102N USB to UART Bridge Controller"):
        """Puts an adapter into a USB socket, before the board's port of that link."""
        adapter = Adapter(self, board_link, socket, tty, vid, pid, serial, manufacturer, product)
        folder = os.path.dirname(board_link)
        with self.changed:
            watch = self.libc.inotify_add_watch(self.inotify, folder.encode(), IN_MOVED_TO | IN_CREATE | IN_DELETE)
            if watch < 0:
                raise OSError(ctypes.get_errno(), folder)
            self.folders[watch] = folder
            self.adapters.append(adapter)
            if os.path.islink(board_link):
                self._plug(adapter)
        return adapter

    def add_jtag(self, board_link, serial, socket="1-1"):
        """A chip's own USB-Serial/JTAG: its serial number is the MAC."""
        return self.add(board_link, socket, "ttyACM", 0x303A, 0x1001, serial, "Espressif", "USB JTAG/serial debug unit")

    def wait(self, predicate, what, seconds=PATIENCE):
        with self.changed:
            if not self.changed.wait_for(predicate, seconds):
                raise AssertionError(f"not within {seconds:g} s: {what}; so far {self.events}")

    # ---- following the boards ----

    def _follow(self):
        head = struct.Struct("=iIII")
        while self.stop_read not in select.select([self.inotify, self.stop_read], [], [])[0]:
            said = os.read(self.inotify, 65536)
            while said:
                watch, mask, _, length = head.unpack_from(said)
                name = said[head.size:head.size + length].rstrip(b"\0").decode()
                said = said[head.size + length:]
                with self.changed:
                    self._changed(os.path.join(self.folders[watch], name), bool(mask & IN_DELETE))

    def _changed(self, path, gone):
        """A link of a board was removed, or made: that is another device, whatever it leads to."""
        for adapter in self.adapters:
            if adapter.link != path:
                continue
            if adapter.terminal:
                self._unplug(adapter)
            if not gone:
                self._plug(adapter)
            self.changed.notify_all()

    def _name(self, adapter):
        """The kernel gives the lowest free number."""
        taken = {a.tty for a in self.adapters if a.terminal}
        kind = adapter.next_tty
        adapter.tty = kind if kind not in MAJORS else next(n for n in (f"{kind}{i}" for i in itertools.count())
                                                           if n not in taken)

    def _plug(self, adapter):
        try:
            terminal = os.readlink(adapter.link)
        except FileNotFoundError:  # it has gone again: that will be told next
            return
        self._name(adapter)
        adapter.devnum = next(self.devnum)
        for path, subsystem, properties, attributes in adapter.devices():
            self._make_device(path, subsystem, properties, attributes)
        major, minor = adapter.numbers
        link(f"{self.root}/dev/.node/{adapter.tty}", f"{major}:{minor}")
        link(self.root + adapter.dev, terminal)
        adapter.terminal = terminal
        adapter.plugs += 1
        self._make_links(adapter)
        # Seen by enumeration from here on, complete.
        link(f"{self.root}/sys/class/tty/{adapter.tty}", "../../" + adapter.tty_path.lstrip("/"))
        for path, subsystem, properties, _ in adapter.devices():
            self._send("add", path, subsystem, properties)
        self.events.append(("add", adapter.socket, adapter.tty))

    def _unplug(self, adapter):
        os.unlink(f"{self.root}/sys/class/tty/{adapter.tty}")
        for name in (adapter.dev, f"/dev/.node/{adapter.tty}"):
            os.unlink(self.root + name)
        adapter.terminal = None
        self._drop_links(adapter)
        gone = list(adapter.devices())[::-1]
        for path, _, _, _ in gone:
            self._drop_device(path)
        for path, subsystem, properties, _ in gone:
            self._send("remove", path, subsystem, properties)
        self.events.append(("remove", adapter.socket, adapter.tty))

    # ---- files ----

    def _make_device(self, path, subsystem, properties, attributes):
        folder = f"{self.root}/sys{path}"
        os.makedirs(folder, exist_ok=True)
        for name, value in attributes.items():
            self._write(f"{folder}/{name}", f"{value}\n")
        up = "../" * (path.count("/") + 1)
        link(f"{folder}/subsystem", f"{up[3:]}class/tty" if subsystem == "tty" else f"{up[3:]}bus/{subsystem}")
        known = {k: v.removeprefix("/dev/") if k == "DEVNAME" else v for k, v in properties.items()
                 if not k.startswith("ID_") and k != "DEVLINKS"}
        if subsystem == "tty":
            device = os.path.dirname(os.path.dirname(path))
            link(f"{folder}/device", f"../../../{os.path.basename(device)}")
            link(f"{self.root}/sys/dev/char/{attributes['dev']}", f"../..{path}")
            self._write(f"{self.root}/run/udev/data/c{attributes['dev']}",
                        "".join(f"S:{p.removeprefix('/dev/')}\n" for p in properties["DEVLINKS"].split()) + "I:1\n" +
                        "".join(f"E:{k}={v}\n" for k, v in properties.items() if k.startswith("ID_")))
        if subsystem == "usb":
            link(f"{self.root}/sys/bus/usb/devices/{os.path.basename(path)}", f"../../..{path}")
        self._write(f"{folder}/uevent", "".join(f"{k}={v}\n" for k, v in known.items()))

    def _drop_device(self, path):
        folder = f"{self.root}/sys{path}"
        with open(f"{folder}/uevent", encoding="utf-8") as f:
            numbers = dict(line.strip().split("=", 1) for line in f)
        if "MAJOR" in numbers:
            number = f"{numbers['MAJOR']}:{numbers['MINOR']}"
            os.unlink(f"{self.root}/sys/dev/char/{number}")
            os.unlink(f"{self.root}/run/udev/data/c{number}")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{self.root}/sys/bus/usb/devices/{os.path.basename(path)}")
        for name in os.listdir(folder):
            if os.path.islink(f"{folder}/{name}") or not os.path.isdir(f"{folder}/{name}"):
                os.unlink(f"{folder}/{name}")
        os.removedirs(folder)

    def _make_links(self, adapter):
        for name in (adapter.by_id, adapter.by_path):
            link(self.root + name, f"../../{adapter.tty}")

    def _drop_links(self, adapter):
        for name in (adapter.by_id, adapter.by_path):
            with contextlib.suppress(FileNotFoundError):
                if os.readlink(self.root + name) == f"../../{adapter.tty}":
                    os.unlink(self.root + name)
        for other in self.adapters:  # adapters without a serial number share a name
            if other.terminal and other.by_id == adapter.by_id:
                self._make_links(other)

    @staticmethod
    def _write(path, text):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)

    # ---- events ----

    def _send(self, action, path, subsystem, properties):
        words = {"ACTION": action, "DEVPATH": path, "SUBSYSTEM": subsystem, "SEQNUM": next(self.sequence), **properties}
        body = "".join(f"{k}={v}\0" for k, v in words.items()).encode()
        head = struct.Struct("=8s4s3I4s4sQ")
        message = head.pack(b"libudev\0", struct.pack(">I", MAGIC), head.size, head.size, len(body),
                            struct.pack(">I", murmur(subsystem)),
                            struct.pack(">I", murmur(properties["DEVTYPE"]) if "DEVTYPE" in properties else 0), 0) + body
        with sockets.socket(sockets.AF_UNIX, sockets.SOCK_DGRAM) as s:
            for monitor in glob.glob(f"{self.root}/event[0-9]*"):
                with contextlib.suppress(ConnectionRefusedError):  # of a program that has ended
                    s.sendto(message, monitor)
