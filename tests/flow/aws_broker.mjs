// A broker that behaves as AWS IoT Core's does towards a device, on top of aedes.
// usage: node aws_broker.mjs --modules DIR --ca F --cert F --key F --policy F
// DIR is where `npm ci` has put node_modules. POLICY is an AWS IoT policy document; it is that of every
// certificate that the CA has signed, whose common name is taken for its thing's name.
//
// What the policy does not allow is answered by nothing at all: the connection is cut. No word to a wrong client
// id, before a SUBACK or a PUBACK; a message without iot:Receive is not delivered. Of two clients with the same
// id the older one goes. QoS 2 is not acknowledged, a will with it is refused.
//
// Prints what happens, a line each: `listening PORT ALPN_PORT` first (the second port asks for the ALPN name of
// MQTT, as AWS's 443 does), `connect ID`, `subscribe ID FILTER`, `publish ID TOPIC`, `deliver ID TOPIC`, each
// with `refused ` before it when the policy said no, `gone ID`, `tls REASON` for a handshake that came to nothing.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createServer } from "node:tls";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const ALPN = "x-amzn-mqtt-ca";
const { values: args } = parseArgs({
  options: {
    modules: { type: "string" },
    ca: { type: "string" },
    cert: { type: "string" },
    key: { type: "string" },
    policy: { type: "string" },
  },
});
const require = createRequire(join(args.modules, "here.js"));
const { Aedes } = await import(pathToFileURL(require.resolve("aedes")).href);
const statements = [JSON.parse(readFileSync(args.policy)).Statement].flat();

const say = (...words) => console.log(words.join(" "));

// * and ? are the policy language's own; MQTT's + and # are plain characters to it.
function fits(pattern, text) {
  const parts = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*").replace(/\?/g, ".");
  return new RegExp(`^${parts}$`, "s").test(text);
}

// The part of an ARN behind arn:aws:iot:REGION:ACCOUNT: is what is compared.
function covers(resource, wanted, who) {
  const named = resource === "*" ? "*" : resource.split(":").slice(5).join(":");
  const filled = named.replaceAll("${iot:ClientId}", who.id).replaceAll("${iot:Connection.Thing.ThingName}", who.thing);
  return fits(filled, wanted);
}

function decide(effect, action, wanted, who) {
  return statements.some(
    (s) =>
      s.Effect === effect &&
      [s.Action].flat().some((a) => fits(a, action)) &&
      [s.Resource].flat().some((r) => covers(r, wanted, who)),
  );
}

// A thing's name means something only to a client that is called like its thing.
function allowed(client, id, action, kind, name) {
  // Asked once: a connection that has ended tells its certificate no more, and messages may still be on their way to it.
  client.thing ??= client.conn.getPeerCertificate().subject.CN;
  const { thing } = client;
  const who = { id, thing: thing === id ? thing : "" };
  const wanted = `${kind}/${name}`;
  const yes = decide("Allow", action, wanted, who) && !decide("Deny", action, wanted, who);
  say(...(yes ? [] : ["refused"]), action.slice("iot:".length).toLowerCase(), id, ...(kind === "client" ? [] : [name]));
  return yes;
}

// Nothing is called back: whatever waits for the answer has lost its connection.
const cut = (client) => client.conn.destroy();

const broker = await Aedes.createBroker();
broker.preConnect = (client, packet, done) => {
  if (allowed(client, packet.clientId, "iot:Connect", "client", packet.clientId) && packet.will?.qos !== 2) {
    done(null, true);
  } else cut(client);
};
broker.authorizeSubscribe = (client, subscription, done) => {
  const { topic, qos } = subscription;
  if (!allowed(client, client.id, "iot:Subscribe", "topicfilter", topic)) cut(client);
  else if (qos < 2) done(null, subscription);
};
broker.authorizePublish = (client, packet, done) => {
  const may = (action) => allowed(client, client.id, action, "topic", packet.topic);
  if (!may("iot:Publish") || (packet.retain && !may("iot:RetainPublish"))) cut(client);
  else if (packet.qos < 2) done(null);
};
broker.authorizeForward = (client, packet) =>
  allowed(client, client.id, "iot:Receive", "topic", packet.topic) ? packet : null;
broker.on("clientDisconnect", (client) => say("gone", client.id));

function listen(alpn) {
  const options = {
    ca: readFileSync(args.ca),
    cert: readFileSync(args.cert),
    key: readFileSync(args.key),
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: "TLSv1.2",
    ...(alpn ? { ALPNProtocols: [ALPN] } : {}),
  };
  const server = createServer(options, (socket) => {
    // Behind AWS's 443 another service answers those that do not name MQTT.
    if (alpn && socket.alpnProtocol !== ALPN) socket.destroy();
    else broker.handle(socket);
  });
  server.on("tlsClientError", (error) => say("tls", error.code ?? error.message));
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server.address().port)));
}

process.on("SIGTERM", () => process.exit(0));
say("listening", await listen(false), await listen(true));
