// Writes files to a board with esptool-js, unmodified, and has it verify them by MD5.
// usage: node esptool_js.mjs --modules DIR --port LINK [--baud N] [--raw] [--jtag] ADDRESS FILE ...
// --jtag: the port is a chip's own USB-Serial/JTAG, and says so.
// DIR is where `npm ci` has put node_modules. The port is reached through serial_bridge.py, for which
// PTYMODEM names the library to preload. Prints one JSON line: chip, MAC, milliseconds, bytes.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const here = dirname(fileURLToPath(import.meta.url));

// As much of the browser's SerialPort as esptool-js uses.
class BridgedPort {
  constructor(path, preload, info) {
    this.path = path;
    this.preload = preload;
    this.info = info;
    this.bytesOut = 0;
    this.bytesIn = 0;
    this.readable = null;
    this.writable = null;
  }

  getInfo() {
    return this.info;
  }

  async open({ baudRate }) {
    const env = { ...process.env, LD_PRELOAD: this.preload };
    const bridge = join(here, "board", "serial_bridge.py");
    this.child = spawn("/usr/bin/python3", [bridge, this.path], {
      env,
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.child.stdin.on("error", () => {}); // the bridge ends when its port goes
    let wanted = true; // until the reader cancels
    this.readable = new ReadableStream({
      start: (controller) => {
        this.child.stdout.on("data", (data) => {
          this.bytesIn += data.length;
          if (wanted) controller.enqueue(new Uint8Array(data));
        });
        this.child.stdout.on("end", () => wanted && controller.close());
      },
      cancel: () => {
        wanted = false;
      },
    });
    this.writable = new WritableStream({
      write: async (data) => {
        this.bytesOut += data.length;
        for (let at = 0; at < data.length; at += 0xffff) {
          await this.packet("D", Buffer.from(data.subarray(at, at + 0xffff)));
        }
      },
    });
    await this.setBaudRate(baudRate);
  }

  packet(type, body) {
    const head = Buffer.alloc(3);
    head.write(type, 0, "latin1");
    head.writeUInt16LE(body.length, 1);
    return new Promise((resolve) => this.child.stdin.write(Buffer.concat([head, body]), resolve));
  }

  async setBaudRate(baud) {
    const body = Buffer.alloc(4);
    body.writeUInt32LE(baud);
    await this.packet("B", body);
  }

  async setSignals({ dataTerminalReady, requestToSend }) {
    const code = (v) => (v === undefined ? 2 : v ? 1 : 0);
    await this.packet("S", Buffer.from([code(dataTerminalReady), code(requestToSend)]));
  }

  async close() {
    const ended = new Promise((resolve) => this.child.on("exit", resolve));
    this.child.stdin.end();
    await ended;
    this.readable = null;
    this.writable = null;
  }
}

async function load(modules) {
  const require = createRequire(join(modules, "here.js"));
  return import(pathToFileURL(require.resolve("esptool-js")).href);
}

const { values, positionals } = parseArgs({
  options: {
    modules: { type: "string" },
    port: { type: "string" },
    baud: { type: "string", default: "115200" },
    raw: { type: "boolean", default: false },
    jtag: { type: "boolean", default: false },
  },
  allowPositionals: true,
});
const { ESPLoader, Transport } = await load(values.modules);
const files = [];
for (let i = 0; i < positionals.length; i += 2) {
  const data = new Uint8Array(readFileSync(positionals[i + 1]));
  files.push({ address: Number(positionals[i]), data });
}
const log = (text) => process.stderr.write(`${text}\n`);
const info = values.jtag ? { usbVendorId: 0x303a, usbProductId: 0x1001 } : {};
const port = new BridgedPort(values.port, process.env.PTYMODEM, info);
const transport = new Transport(port);
transport.trace = log; // its own goes to standard output
const loader = new ESPLoader({
  transport,
  baudrate: Number(values.baud),
  romBaudrate: 115200,
  terminal: { clean() {}, write: log, writeLine: log },
});

const start = performance.now();
const chip = await loader.main("default_reset");
const connected = performance.now();
await loader.writeFlash({
  fileArray: files,
  flashSize: "keep",
  flashMode: "keep",
  flashFreq: "keep",
  eraseAll: false,
  compress: !values.raw,
  calculateMD5Hash: (image) => createHash("md5").update(image).digest("hex"),
});
const written = performance.now();
const [writeOut, writeIn] = [port.bytesOut, port.bytesIn];
const mac = await loader.chip.readMac(loader);
const flashId = await loader.readFlashId();
const back = await loader.readFlash(files[0].address, files[0].data.length);
if (Buffer.compare(Buffer.from(back), Buffer.from(files[0].data)) !== 0) {
  throw new Error("what was read back is not what was written");
}
await loader.after("custom_reset", undefined, "D0|R1|W100|R0");
await transport.disconnect();
const result = {
  chip,
  mac,
  flash_id: flashId,
  connect_ms: Math.round(connected - start),
  write_ms: Math.round(written - connected),
  write_bytes_out: writeOut,
  write_bytes_in: writeIn,
  bytes_out: port.bytesOut,
  bytes_in: port.bytesIn,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
