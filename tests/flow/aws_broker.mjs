// A broker that behaves as AWS IoT Core's does towards a device, on top of aedes.
// usage: node aws_broker.mjs --modules DIR --cert F --key F (--ca F --policy F | --control URL)
// DIR is where `npm ci` has put node_modules. --cert and --key may be there twice: RSA and ECDSA. POLICY is an AWS IoT
// policy document; it is that of every certificate that the CA has signed, whose common name is taken for its thing's
// name. With --control any certificate is let in, and the stand-in's admin port is asked what it may do; messages that
// come in there over HTTPS are passed on.
//
// What is not allowed is answered by nothing at all: the connection is cut. No word to a wrong client id, before a
// SUBACK or a PUBACK; a message without iot:Receive is not delivered. Of two clients with the same id the older one
// goes. QoS 2 is not acknowledged, a will with it is refused. Fleet provisioning is answered to who asks alone, when it
// has subscribed.
//
// Prints what happens, a line each: `listening PORT ALPN_PORT` first (the second port asks for the ALPN name of
// MQTT, as AWS's 443 does), `connect ID`, `subscribe ID FILTER`, `publish ID TOPIC`, `receive ID TOPIC`, each
// with `refused ` before it when the policy said no, `gone ID`, `tls REASON` for a handshake that came to nothing,
// `fleet ID TOPIC` for an answer of fleet provisioning, `fleet ID TOPIC unanswered` for a question without one.
//
// Does what its standard input says, a line each, to the next that comes:
//   cut connect|subscribe|publish   the connection, as if it were not allowed
//   answer TEXT                     this to a question of fleet provisioning, as accepted
//   answer-long BYTES               so many blanks
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createServer } from "node:tls";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { byControl, byPolicy } from "./aws_judges.mjs";

const ALPN = "x-amzn-mqtt-ca";
const FLEET = /^\$aws\/(certificates\/create(-from-csr)?|provisioning-templates\/[^/]+\/provision)\/json$/;
const { values: args } = parseArgs({
  options: {
    modules: { type: "string" },
    ca: { type: "string" },
    cert: { type: "string", multiple: true },
    key: { type: "string", multiple: true },
    policy: { type: "string" },
    control: { type: "string" },
  },
});
const require = createRequire(join(args.modules, "here.js"));
const { Aedes } = await import(pathToFileURL(require.resolve("aedes")).href);
const judge = args.control ? byControl(args.control) : byPolicy(args.policy);

const say = (...words) => console.log(words.join(" "));

// What the test has asked for: [command, the rest of its line], each to be done once.
const orders = [];
createInterface({ input: process.stdin }).on("line", (line) => orders.push(line.match(/^(\S+) ?(.*)$/s).slice(1)));

// The rest of the line of the order, which is done with then; undefined = there is none.
function order(command, rest) {
  const at = orders.findIndex((o) => o[0] === command && (rest === undefined || o[1] === rest));
  return at < 0 ? undefined : orders.splice(at, 1)[0][1];
}

async function allowed(client, id, action, kind, name) {
  const word = action.slice("iot:".length).toLowerCase();
  const who = { ...client.conn.who, client_id: id };
  const yes = order("cut", word) === undefined && (await judge.allows(who, action, `${kind}/${name}`));
  say(...(yes ? [] : ["refused"]), word, id, ...(kind === "client" ? [] : [name]));
  return yes;
}

// Nothing is called back: whatever waits for the answer has lost its connection.
const cut = (client) => client.conn.destroy();

function covers(filter, topic) {
  const parts = filter.replace(/[.*?^${}()|[\]\\]/g, "\\$&").replace(/\+/g, "[^/]*").replace(/#$/, ".*");
  return new RegExp(`^${parts}$`, "s").test(topic);
}

// aedes wants to know at once who may receive a message, so that is asked before it is published, or its filter granted.
const retained = new Set(); // topics

async function foresee(client, topic) {
  client.receives ??= new Map();
  client.receives.set(topic, await allowed(client, client.id, "iot:Receive", "topic", topic));
}

async function foreseeAll(topic) {
  const listens = (client) => Object.keys(client.subscriptions).some((filter) => covers(filter, topic));
  for (const client of Object.values(broker.clients).filter(listens)) await foresee(client, topic);
}

// What a test has ordered as an answer, or that of the judge.
async function fleetAnswer(topic, payload) {
  const long = order("answer-long");
  const text = long === undefined ? order("answer") : " ".repeat(Number(long));
  if (text !== undefined) return { topic: `${topic}/accepted`, payload: text };
  const answer = await judge.fleet(topic, payload.toString());
  return { ...answer, payload: JSON.stringify(answer.payload) };
}

async function answerFleet(client, topic, question) {
  const answer = await fleetAnswer(topic, question);
  if (answer.topic) await foreseeAll(answer.topic);
  const heard = answer.topic && client.receives?.get(answer.topic);
  say("fleet", client.id, heard ? answer.topic : `${topic} unanswered`);
  if (heard) client.publish({ ...answer, qos: 1 }, () => {});
}

const broker = await Aedes.createBroker();
broker.preConnect = async (client, packet, done) => {
  const yes = await allowed(client, packet.clientId, "iot:Connect", "client", packet.clientId);
  if (yes && packet.will?.qos !== 2) done(null, true);
  else cut(client);
};
broker.authorizeSubscribe = async (client, subscription, done) => {
  const { topic, qos } = subscription;
  if (!(await allowed(client, client.id, "iot:Subscribe", "topicfilter", topic))) cut(client);
  else if (qos < 2) {
    for (const there of [...retained].filter((t) => covers(topic, t))) await foresee(client, there);
    done(null, subscription);
  }
};
broker.authorizePublish = async (client, packet, done) => {
  const may = (action) => allowed(client, client.id, action, "topic", packet.topic);
  if (!(await may("iot:Publish")) || (packet.retain && !(await may("iot:RetainPublish")))) cut(client);
  else if (packet.qos < 2) {
    const asks = FLEET.test(packet.topic);
    if (packet.retain) retained.add(packet.topic);
    if (!asks) await foreseeAll(packet.topic);
    done(null);
    if (asks) await answerFleet(client, packet.topic, packet.payload);
  }
};
broker.authorizeForward = (client, packet) => (client.receives?.get(packet.topic) ? packet : null);
broker.on("clientDisconnect", (client) => say("gone", client.id));

// Kept from the beginning: a connection that has ended tells its certificate no more, and messages may still be on
// their way to it.
function nameOf(socket) {
  const peer = socket.getPeerCertificate();
  if (!peer?.raw) return undefined;
  return {
    common_name: peer.subject?.CN ?? "",
    certificate_id: createHash("sha256").update(peer.raw).digest("hex"),
  };
}

function serve(socket, alpn) {
  socket.who = nameOf(socket);
  if (!socket.who) say("tls", "no certificate");
  // Behind AWS's 443 another service answers those that do not name MQTT.
  if (socket.who && (!alpn || socket.alpnProtocol === ALPN)) broker.handle(socket);
  else socket.destroy();
}

function listen(alpn) {
  const options = {
    ca: args.ca && readFileSync(args.ca),
    cert: args.cert.map((path) => readFileSync(path)),
    key: args.key.map((path) => readFileSync(path)),
    requestCert: true,
    rejectUnauthorized: judge.demands,
    minVersion: "TLSv1.2",
    ...(alpn ? { ALPNProtocols: [ALPN] } : {}),
  };
  const server = createServer(options, (socket) => serve(socket, alpn));
  server.on("tlsClientError", (error) => say("tls", error.code ?? error.message));
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server.address().port)));
}

process.on("SIGTERM", () => process.exit(0));
const messages = await judge.messages();
say("listening", await listen(false), await listen(true));
for await (const { topic, payload, qos, retain } of messages) {
  if (retain) retained.add(topic);
  await foreseeAll(topic);
  broker.publish({ cmd: "publish", topic, payload, qos, retain }, () => {});
}
