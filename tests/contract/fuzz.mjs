// Drives every operation of the contract with requests made from it, right and wrong ones, and judges each answer.
// usage: node fuzz.mjs --modules DIR --base URL --contract FILE --samples DIR --seconds N [--seed N]
//                      [--token T] [--keep ID] [--only operationId]
// DIR is where `npm ci` has put node_modules. samples: files to upload. keep: an id that is not to be deleted (that of
// the token). The service at URL is the test's own: what it holds is changed and deleted at will.
// Prints the seed first; for each fault the smallest request found that shows it; last the number of requests of each
// status. Ends with 1 when there was a fault.
import { readFileSync, readdirSync } from "node:fs";
import { Agent, request as send } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { Judge } from "./fuzz_judge.mjs";
import { BOUNDARY, JSON_MEDIA, Known, Maker } from "./fuzz_request.mjs";

const options = Object.fromEntries(
  ["modules", "base", "contract", "samples", "seconds", "seed", "token", "keep", "only"].map((name) => [name, { type: "string" }]),
);
const { values: args } = parseArgs({ options });
const require = createRequire(join(args.modules, "here.js"));
const load = async (name) => import(pathToFileURL(require.resolve(name)));
const { default: fc } = await load("fast-check");
const { default: ajvModule } = await load("ajv/dist/2020.js");
const { default: parserModule } = await load("@apidevtools/swagger-parser");

const LANES = 4; // requests at once
const RUNS = 25; // of one operation, then comes the next
const FIRST_MS = 600_000; // that the first round may take longer: every operation is reached, however slow the machine
const PATIENCE = 90_000; // ms; longer than the longest wait that may be asked for
const STREAM_MS = 300; // how long to listen to a reply that has no end

const seed = Number(args.seed ?? Date.now() % 2 ** 31);
const until = performance.now() + Number(args.seconds) * 1000;
const base = new URL(args.base);
const agent = new Agent({ keepAlive: true, maxSockets: 2 * LANES });
const doc = await (parserModule.default ?? parserModule).dereference(args.contract);
const judge = new Judge(doc, ajvModule.default ?? ajvModule);
const known = new Known();
const maker = new Maker(fc, known);
maker.samples = readdirSync(args.samples).map((name) => readFileSync(join(args.samples, name)));
const counts = new Map();
console.log(`seed ${seed}`);

// ---- one exchange ----

function exchange({ method, path, headers, body }) {
  return new Promise((resolve, reject) => {
    const out = send({ agent, hostname: base.hostname, port: base.port, method, path, headers, timeout: PATIENCE }, (response) => {
      const chunks = [];
      const done = () => resolve(replyOf(response, Buffer.concat(chunks)));
      response.on("data", (chunk) => chunks.push(chunk)).on("end", done).on("error", reject);
      if (response.headers["content-type"]?.startsWith("text/event-stream"))
        setTimeout(() => {
          response.removeAllListeners("error").on("error", () => {});
          done();
          out.destroy();
        }, STREAM_MS);
    });
    out.on("timeout", () => out.destroy(new Error("no answer"))).on("error", reject);
    out.end(body ?? undefined);
  });
}

function replyOf(response, body) {
  const json = /json$/.test((response.headers["content-type"] ?? "").split(";")[0]) ? parsed(body) : undefined;
  return { status: response.statusCode, headers: response.headers, body, json };
}

// Strictly UTF-8, as a judge of bodies must be.
function parsed(bytes) {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(bytes)));
  } catch {
    return undefined;
  }
}

// The request as it is sent, from what the maker made.
function made({ template }, plan) {
  const segments = plan.segments.map((make) => make());
  const query = plan.query();
  const path = template.replace(/\{\w+\}/g, () => segments.shift()) + (query && `?${query}`);
  const headers = { ...(args.token && { Authorization: `Bearer ${args.token}` }), ...plan.headers };
  const body = plan.body?.make() ?? null;
  let media = plan.body?.media;
  if (media) headers["Content-Type"] = media === "multipart/form-data" ? `${media}; boundary=${BOUNDARY}` : media;
  if (body !== null) headers["Content-Length"] = Buffer.byteLength(body);
  return { method: plan.method, path, headers, body, media, json: body === null ? undefined : parsed(body) };
}

// A body whose connection was reset before its answer could be read: the server owes none to what it did not read.
const wasCut = (error, request) => ["EPIPE", "ECONNRESET"].includes(error.code) && (request.body?.length ?? 0) > 100_000;

async function check(one, plan) {
  const request = made(one, plan);
  if (args.keep && request.method !== "GET" && request.path.includes(args.keep)) return;
  let reply;
  try {
    reply = await exchange(request);
  } catch (error) {
    if (wasCut(error, request)) return;
    throw new Error(`${error.code ?? ""} ${error.message}\n${told(request)}`);
  }
  const name = `${one.operation.operationId} ${reply.status}`;
  counts.set(name, (counts.get(name) ?? 0) + 1);
  const faults = judge.faults(request, reply);
  if (faults.length) throw new Error(`${faults.join("; ")}\n${told(request)}\n→ ${reply.status} ${reply.body.toString().slice(0, 1500)}`);
  if (reply.status < 300 && reply.json !== undefined) known.learn(one.template, reply.json);
  if (reply.status === (request.method === "DELETE" ? 204 : 404)) known.forget(decodeURIComponent(request.path.split("?")[0].split("/").pop()));
}

function told({ method, path, headers, body }) {
  const text = body === null ? "" : Buffer.from(body).toString("latin1");
  const quoted = JSON.stringify(text.slice(0, 1500)) + (text.length > 1500 ? ` … ${text.length} bytes` : "");
  return `${method} ${path} ${JSON.stringify({ ...headers, Authorization: undefined })} ${quoted}`;
}

// ---- the rounds ----

const operations = judge.operations.filter((one) => !args.only || one.operation.operationId === args.only);
const faults = new Map();

async function drive(one, round) {
  const name = one.operation.operationId;
  const left = until + (round ? 0 : FIRST_MS) - performance.now();
  if (left <= 0 || faults.has(name)) return;
  const arbitrary = (one.arbitrary ??= maker.request(one));
  const result = await fc.check(
    fc.asyncProperty(arbitrary, (plan) => check(one, plan)),
    { seed: seed + round, numRuns: RUNS, interruptAfterTimeLimit: Math.max(left, 1000), markInterruptAsFailure: false },
  );
  // Told as failed, too: the time was over before a first answer came.
  const late = result.interrupted && result.counterexample === null;
  if (result.failed && !late) faults.set(name, `${name} (seed ${seed + round}, path ${result.counterexamplePath}): ${result.errorInstance?.message}`);
}

// Lists first, so that there is something known.
for (const one of operations)
  if (one.method === "GET" && !one.template.includes("{") && !/event/.test(one.template)) {
    const reply = await exchange(made(one, { method: "GET", segments: [], query: () => "", headers: {}, body: null }));
    if (reply.json !== undefined) known.learn(one.template, reply.json);
  }
for (let round = 0; performance.now() < until && faults.size < operations.length; round++) {
  const waiting = [...operations];
  const lane = async () => {
    for (let one; (one = waiting.pop()); ) await drive(one, round);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

const sum = [...counts.values()].reduce((a, b) => a + b, 0);
const missed = operations.filter((one) => ![...counts.keys()].some((name) => name.startsWith(`${one.operation.operationId} `)));
for (const fault of faults.values()) console.log(`FAULT ${fault}\n`);
for (const { operation } of missed) console.log(`NOT REACHED ${operation.operationId}`);
console.log([...counts].sort().map(([name, n]) => `${name}: ${n}`).join("\n"));
console.log(`${sum} requests to ${operations.length} operations, ${faults.size} faults`);
agent.destroy();
process.exit(faults.size || missed.length || !sum ? 1 : 0);
