"""Makes firmware like Espressif's: bootloader, app, tables and customized partitions of ESP-AT with heads,
checksums and hashes that a chip accepts, as a release zip (each way of listing its parts) and as a factory image.

    import firmware_files
    at = firmware_files.esp_at("esp32-v2.4")
    at.release("lines"), at.factory()        # bytes

    firmware_files.py FOLDER                 # writes a set of them, and manifest.json: what they are
"""
import functools
import hashlib
import io
import itertools
import json
import os
import random
import struct
import sys
import zipfile
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(os.path.dirname(HERE), "data")
MB = 1024 * 1024
SECTOR = 4096
SIZE_CODES = {1 * MB: 0, 2 * MB: 1, 4 * MB: 2, 8 * MB: 3, 16 * MB: 4}
MODE_DIO = 2


class Chip:
    """What differs between the chips' images. freq: name in listings and code in heads."""

    def __init__(self, name, image_id, bootloader_at, table_at, freq, memory):
        self.name, self.image_id = name, image_id
        self.bootloader_at, self.table_at = bootloader_at, table_at
        self.freq, self.freq_code = freq
        self.drom, self.dram, self.iram, self.irom = memory


CHIPS = {c.name: c for c in (
    Chip("esp32", 0, 0x1000, 0x8000, ("40m", 0), (0x3F400000, 0x3FFB0000, 0x40080000, 0x400D0000)),
    Chip("esp32s2", 2, 0x1000, 0x8000, ("80m", 0xF), (0x3F000000, 0x3FFB8000, 0x40024000, 0x40080000)),
    Chip("esp32s3", 9, 0x0, 0x8000, ("80m", 0xF), (0x3C000000, 0x3FC90000, 0x40374000, 0x42000000)),
    Chip("esp32c2", 12, 0x0, 0x8000, ("60m", 0xF), (0x3C000000, 0x3FCA0000, 0x4037C000, 0x42000000)),
    Chip("esp32c3", 5, 0x0, 0x8000, ("40m", 0), (0x3C000000, 0x3FC80000, 0x40380000, 0x42000000)),
    Chip("esp32c5", 23, 0x2000, 0xC000, ("80m", 0xF), (0x42000000, 0x40810000, 0x40800000, 0x42100000)),
    Chip("esp32c6", 13, 0x0, 0x8000, ("80m", 0), (0x42000000, 0x40810000, 0x40800000, 0x42100000)),
    Chip("esp32c61", 20, 0x0, 0xC000, ("80m", 0xF), (0x42000000, 0x40810000, 0x40800000, 0x42100000)),
    Chip("esp32h2", 16, 0x0, 0x8000, ("48m", 0xF), (0x42000000, 0x40810000, 0x40800000, 0x42100000)),
)}


# ---- bytes like those that a compiler leaves: they compress to about six tenths, as real apps do ----

WORDS = ("wifi connect mqtt client server cert key timeout failed error invalid state handle buffer length alloc "
         "task queue event socket tls handshake publish subscribe topic broker flash partition nvs read write "
         "erase ble gatt scan adv conn param uart baud tx rx gpio pin rtc sleep wake clock").split()


@functools.lru_cache
def vocabulary():
    """Instructions, and how often each is used: few often, many seldom."""
    rng = random.Random("vocabulary")
    words = [rng.randbytes(rng.choice((2, 3, 3, 4))) for _ in range(60000)]
    return words, list(itertools.accumulate(1 / (rank + 8) ** 0.63 for rank in range(len(words))))


def code(rng, n):
    """n bytes of instructions; whole sequences come again."""
    words, weights = vocabulary()
    out = bytearray()
    while len(out) < n:
        if len(out) > 1024 and rng.random() < 0.3:
            at = rng.randrange(max(0, len(out) - 32000), len(out) - 64)
            out += out[at:at + rng.randrange(4, 20)]
        else:
            out += b"".join(rng.choices(words, cum_weights=weights, k=3))
    return bytes(out[:n])


def constants(rng, n):
    """n bytes of messages and tables."""
    out = bytearray()
    while len(out) < n:
        if rng.random() < 0.6:
            out += " ".join(rng.choices(WORDS, k=rng.randrange(2, 9))).encode() + b": %d (0x%x)\n\0"
        else:
            out += b"".join(struct.pack("<I", rng.choice((0, 1, 0x3FFB0000)) + rng.randrange(4096))
                            for _ in range(rng.randrange(4, 32)))
    return bytes(out[:n])


# ---- images ----

def image(chip, entry, segments, flash_bytes=4 * MB, hashed=True, min_revision=0, max_revision=0xFFFF):
    """segments: (load address, bytes, a multiple of 4 long). Revisions: major × 100 + minor."""
    head = struct.pack("<BBBBI", 0xE9, len(segments), MODE_DIO, SIZE_CODES[flash_bytes] << 4 | chip.freq_code, entry)
    head += struct.pack("<B3sHBHH4sB", 0xEE, bytes(3), chip.image_id, 0, min_revision, max_revision, bytes(4), hashed)
    out, check = bytearray(head), 0xEF
    for address, data in segments:
        assert len(data) % 4 == 0
        out += struct.pack("<II", address, len(data)) + data
        check ^= functools.reduce(int.__xor__, data, 0)
    out += bytes(15 - len(out) % 16) + bytes([check])
    return bytes(out + hashlib.sha256(out).digest()) if hashed else bytes(out)


def bootloader(chip, flash_bytes=4 * MB, size=0x6000, **head):
    rng = random.Random(f"bootloader {chip.name}")
    third = size // 12 * 4
    segments = [(chip.dram, constants(rng, third)), (chip.iram, code(rng, third)),
                (chip.iram + 0x8000, code(rng, third))]
    return image(chip, chip.iram + 0x100, segments, flash_bytes, **head)


def description(project, version, idf, date="Jan 26 2024", time="06:52:36"):
    text = [s.encode().ljust(n, b"\0") for s, n in ((version, 32), (project, 32), (time, 16), (date, 16), (idf, 32))]
    return struct.pack("<II8s", 0xABCD5432, 0, bytes(8)) + b"".join(text) + hashlib.sha256(b"elf").digest() + bytes(80)


def app(chip, project="esp-at", version="2.4.0", idf="v4.2.3", size=256 * 1024, seed=0, flash_bytes=4 * MB, **head):
    """About size bytes. The two segments that are run from flash keep their place in a 64 KiB page."""
    rng = random.Random(f"app {chip.name} {seed}")
    told = description(project, version, idf)
    drom = told + constants(rng, size // 16 * 4)
    rest = [(chip.dram, constants(rng, size // 32 * 4)), (chip.iram, code(rng, size // 16 * 4))]
    at = 24 + 8 + len(drom) + sum(8 + len(data) for _, data in rest) + 8
    segments = [(chip.drom + 0x20, drom), *rest,
                (chip.irom + at % 0x10000, code(rng, max(64, size - at) // 4 * 4))]
    return image(chip, chip.iram + 0x100, segments, flash_bytes, **head)


# ---- ESP-AT ----

def data_file(*path):
    with open(os.path.join(DATA, *path), "rb") as f:
        return f.read()


def rows_of(name):
    """A stock table of tests/data/partition_table as [{name, type, subtype, offset, size}]."""
    types = {"app": 0, "data": 1}
    subtypes = {"ota": 0, "phy": 1, "nvs": 2, "fat": 0x81, "factory": 0, "ota_0": 0x10, "ota_1": 0x11}
    rows = []
    for line in data_file("partition_table", "in", name + ".csv").decode().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        label, kind, sub, offset, size = [f.strip() for f in line.split(",")][:5]
        rows.append({"name": label, "type": types[kind] if kind in types else int(kind, 0),
                     "subtype": subtypes[sub] if sub in subtypes else int(sub, 0),
                     "offset": int(offset, 0), "size": int(size, 0), "flags": 0})
    return rows


# name: chip, primary table, user's table, version in the app, ESP-IDF's, bytes of flash, module
RELEASES = {
    "esp32-v2.0": ("esp32", "primary_5fda49ec", "customize_aa8b7218", "2.0.0", "v3.3", 4 * MB, "WROOM-32"),
    "esp32-v2.4": ("esp32", "primary_5fda49ec", "customize_aa8b7218", "2.4.0", "v4.2.3", 4 * MB, "WROOM-32"),
    "esp32-v4.1": ("esp32", "primary_5fda49ec", "customize_ec67f82d", "4.1.1", "v5.0.6", 4 * MB, "WROOM-32"),
    "esp32s2-v2.2": ("esp32s2", "primary_5fda49ec", "customize_bc2419ef", "2.2.0", "v4.2.2", 4 * MB, "MINI"),
    "esp32c3-v2.4": ("esp32c3", "primary_374c60f4", "customize_0c77a925", "2.4.0", "v4.3.3", 4 * MB, "MINI-1"),
    "esp32c3-v4.1": ("esp32c3", "primary_374c60f4", "customize_d5f20a2b", "4.1.1", "v5.0.6", 4 * MB, "MINI-1"),
    "esp32c2-v4.1": ("esp32c2", "primary_374c60f4", "customize_d5f20a2b", "4.1.1", "v5.0.6", 4 * MB, "ESP32C2-4MB"),
    "esp32c2-2mb-v3.0": ("esp32c2", "primary_4240c301", "customize_f257765c", "3.0.0", "v5.0", 2 * MB, "ESP32C2-2MB"),
    "esp32c6-v4.1": ("esp32c6", "primary_374c60f4", "customize_d5f20a2b", "4.1.1", "v5.1.4", 4 * MB, "ESP32C6-4MB"),
    "esp32c5-v5.0": ("esp32c5", "primary_cb443930", "customize_93295e61", "5.0.0", "v5.5", 4 * MB, "ESP32C5-4MB"),
    "esp32c61-v5.0": ("esp32c61", "primary_cb443930", "customize_93295e61", "5.0.0", "v5.5", 4 * MB, "ESP32C61-4MB"),
}
# before there was MQTT
V1 = ("esp32", "primary_5fda49ec", "customize_fc398ca6", "1.1.3", "v3.1", 4 * MB, "WROOM-32")


class Firmware:
    """parts: {path in the zip: (flash offset, bytes)}; told: what is known of it, as the service shows it."""

    def __init__(self, chip, flash_bytes, module, parts, told):
        self.chip, self.flash_bytes, self.module, self.parts, self.told = chip, flash_bytes, module, parts, told

    def factory(self):
        """The whole flash."""
        flash = bytearray(b"\xff") * self.flash_bytes
        for offset, data in self.parts.values():
            flash[offset:offset + len(data)] = data
        return bytes(flash)

    def options(self):
        return {"flash_mode": "dio", "flash_freq": self.chip.freq, "flash_size": f"{self.flash_bytes // MB}MB"}

    def listing(self, style):
        """(file name, text): "lines" as up to v2.x, "line" as later, "json"."""
        if style == "json":
            return "flasher_args.json", json.dumps({
                "write_flash_args": [w for k, v in self.options().items() for w in ("--" + k, v)],
                "flash_settings": self.options(),
                "flash_files": {hex(offset): path for path, (offset, _) in self.parts.items()},
                "extra_esptool_args": {"after": "hard_reset", "before": "default_reset", "stub": True,
                                       "chip": self.chip.name}}, indent=4)
        options = " ".join(f"--{k} {v}" for k, v in self.options().items())
        pairs = [f"0x{offset:x} {path}" for path, (offset, _) in self.parts.items()]
        return "download.config", ("\n" if style == "lines" else " ").join([options, *pairs]) + "\n"

    def release(self, style="line", folder="", with_factory=False):
        """folder: around everything, "ESP32-WROOM-32_AT_Bin_V2.4.0.0/"."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
            def add(path, data):
                z.writestr(zipfile.ZipInfo(folder + path, (2024, 1, 26, 6, 52, 36)), data, zipfile.ZIP_DEFLATED)
            for path, (_, data) in self.parts.items():
                add(path, data)
            add(*self.listing(style))
            add("sdkconfig", "CONFIG_IDF_TARGET=\"%s\"\n" % self.chip.name)
            if with_factory:
                add(f"factory/factory_{self.module}.bin", self.factory())
        return out.getvalue()

    def only_factory(self):
        """A zip with the factory image and no listing."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
            z.writestr(f"factory/factory_{self.module}.bin", self.factory())
        return out.getvalue()


# size of the partition: the file that Espressif's generator makes of a release's mfg_nvs.csv
MFG_NVS = {0x1C000: "at_esp32", 0x1F000: "at_c3", 0xF000: "at_c2_2mb"}


# TX, RX, CTS and RTS of the AT port
PINS = {"WROOM-32": (17, 16, 15, 14), "MINI": (17, 21, 20, 19), "ESP32C2-2MB": (7, 6, 19, 20),
        "ESP32C5-4MB": (23, 24, 25, 26)}


def pins_of(module):
    return PINS.get(module, (7, 6, 5, 4))


def factory_param(chip, module):
    pins = pins_of(module)
    fields = struct.pack("<HBBBBBB4sI4B4s32s32s", 0xFCFC, 3, 1, 78, 1, 1, 13, b"CN", 115200, *pins, b"\xff" * 4,
                         f"PLATFORM_{chip.name.upper()}".encode(), module.encode())
    return fields.ljust(SECTOR, b"\xff")


def nvs_crc(data):
    return struct.pack("<I", zlib.crc32(data, 0xFFFFFFFF))


def for_module(mfg_nvs, module):
    """Espressif's files are for a WROOM-32: its name and pins exchanged where they stand."""
    out = bytearray(mfg_nvs)

    def exchange(key, value):
        at = out.index(key.encode().ljust(16, b"\0")) - 8
        out[at + 24:at + 32] = value
        out[at + 4:at + 8] = nvs_crc(out[at:at + 4] + out[at + 8:at + 32])
        return at + 32

    for name, pin in zip(("tx", "rx", "cts", "rts"), pins_of(module)):
        exchange(f"uart_{name}_pin", struct.pack("<i", pin) + b"\xff" * 4)
    text = module.encode() + b"\0"
    at = exchange("module_name", struct.pack("<HH", len(text), 0xFFFF) + nvs_crc(text))
    out[at:at + 32] = text.ljust(32, b"\xff")
    return bytes(out)


def customized(chip, module, rows):
    """The partitions of the user's table that a release fills: dummy credentials, factory parameters or mfg_nvs."""
    pki = {"cert": "cert.bin", "key": "key_rsa_pkcs8.bin", "ca": "ca.bin"}
    for row in rows:
        kind = row["name"].rpartition("_")[2]
        if row["name"] == "factory_param":
            yield row, factory_param(chip, module)
        elif row["name"] == "mfg_nvs":
            yield row, for_module(data_file("mfg_nvs", "out", MFG_NVS[row["size"]] + ".idf502.bin"), module)
        elif kind in pki and row["type"] == 0x40:
            yield row, data_file("atpki", "out", pki[kind])


def esp_at(name, app_bytes=256 * 1024, seed=0):
    """A release of RELEASES; app_bytes as of a real one: 1.3 MB."""
    return built(*RELEASES[name], app_bytes, seed)


def built(chip_name, primary, user, version, idf, flash_bytes, module, app_bytes, seed):
    """What a build for a chip makes that there is no release for; as the rows of RELEASES."""
    chip, table, user_table = CHIPS[chip_name], rows_of(primary), rows_of(user)
    at = {row["name"]: row["offset"] for row in table}
    parts = {
        "partition_table/partition-table.bin":
            (chip.table_at, data_file("partition_table", "out", primary + ".nomd5.bin")),
        "ota_data_initial.bin": (at["otadata"], b"\xff" * 0x2000),
        "bootloader/bootloader.bin": (chip.bootloader_at, bootloader(chip, flash_bytes)),
        "esp-at.bin": (at["ota_0"], app(chip, "esp-at", version, idf, app_bytes, seed, flash_bytes)),
        "at_customize.bin": (at["at_customize"], data_file("partition_table", "out", user + ".bin")),
    }
    for row, data in customized(chip, module, user_table):
        parts[f"customized_partitions/{row['name']}.bin"] = (row["offset"], data)
    told = {
        "chip": chip_name, "flash_bytes": flash_bytes, "project": "esp-at", "version": version, "idf": idf,
        "built": "Jan 26 2024 06:52:36", "table_offset": chip.table_at, "partitions": table,
        "user_partitions": user_table,
        "layout": "mfg_nvs" if "mfg_nvs" in (r["name"] for r in user_table) else "partitions",
    }
    return Firmware(chip, flash_bytes, module, parts, told)


# ---- as files, for tests in other languages ----

def expected(firmware, kind, parts):
    rows = sorted(parts, key=lambda row: row[1])
    return dict(firmware.told, kind=kind,
                parts=[{"name": name, "offset": offset, "size": size} for name, offset, size in rows])


def release_expected(firmware):
    return expected(firmware, "release", [(p, offset, len(data)) for p, (offset, data) in firmware.parts.items()])


def write_files(folder):
    manifest = {}

    def write(name, data, told):
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)
        manifest[name] = told

    for name in RELEASES:
        at = esp_at(name, 64 * 1024)
        write(name + ".zip", at.release("line"), release_expected(at))
    for name in ("esp32-v2.4", "esp32c2-2mb-v3.0", "esp32c3-v4.1", "esp32c5-v5.0"):
        at = esp_at(name, 64 * 1024)
        write(name + ".bin", at.factory(), expected(at, "factory", [(name + ".bin", 0, at.flash_bytes)]))
    old = esp_at("esp32-v2.4", 64 * 1024)
    write("lines.zip", old.release("lines", folder="ESP32-WROOM-32_AT_Bin_V2.4.0.0/", with_factory=True),
          release_expected(old))
    write("json.zip", old.release("json"), release_expected(old))
    image_name = f"factory_{old.module}.bin"
    write("only_factory.zip", old.only_factory(), expected(old, "factory", [(image_name, 0, old.flash_bytes)]))
    nothing = dict.fromkeys(("flash_bytes", "table_offset", "partitions", "user_partitions"), None)
    untold = dict.fromkeys(("project", "version", "idf", "built"))
    for name, data, told in (
            ("app.bin", old.parts["esp-at.bin"][1], {}),
            ("bootloader.bin", old.parts["bootloader/bootloader.bin"][1], untold),
            ("ca.bin", data_file("atpki", "out", "ca.bin"), {**untold, "chip": None})):
        binary = expected(old, "binary", [(name, None, len(data))])
        write(name, data, {**binary, **nothing, "layout": "none", **told})
    with open(os.path.join(folder, "manifest.json"), "w", encoding="ascii") as f:
        json.dump(manifest, f)


if __name__ == "__main__":
    write_files(sys.argv[1])
