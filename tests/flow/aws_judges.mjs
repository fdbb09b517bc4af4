// Who may do what at aws_broker.mjs. A judge has
//   demands  whether a client's certificate must be of the broker's CA; else any is let in, and judged by who it is
//   allows(who, action, resource)  → is it allowed? resource: "client/ID", "topic/NAME", "topicfilter/FILTER"
//   fleet(topic, payload)          → {topic, payload}: what fleet provisioning answers, and where; topic null: nothing
//   messages()                     → those that come in over HTTPS from now on: {topic, payload, qos, retain} each
// who: {client_id, common_name, certificate_id: SHA-256 of its DER in hex}
import { readFileSync } from "node:fs";

// * and ? are the policy language's own; MQTT's + and # are plain characters to it.
function fits(pattern, text) {
  const parts = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*").replace(/\?/g, ".");
  return new RegExp(`^${parts}$`, "s").test(text);
}

// The part of an ARN behind arn:aws:iot:REGION:ACCOUNT: is what is compared.
function covers(resource, wanted, who, thing) {
  const named = resource === "*" ? "*" : resource.split(":").slice(5).join(":");
  const filled = named.replaceAll("${iot:ClientId}", who.client_id).replaceAll("${iot:Connection.Thing.ThingName}", thing);
  return fits(filled, wanted);
}

// One policy for every certificate of the CA, whose common name is taken for its thing's name. That means something
// only to a client that is called like its thing.
export function byPolicy(path) {
  const statements = [JSON.parse(readFileSync(path)).Statement].flat();
  const decide = (effect, who, action, wanted) =>
    statements.some(
      (s) =>
        s.Effect === effect &&
        [s.Action].flat().some((a) => fits(a, action)) &&
        [s.Resource].flat().some((r) => covers(r, wanted, who, who.common_name === who.client_id ? who.client_id : "")),
    );
  return {
    demands: true,
    allows: async (who, action, wanted) => decide("Allow", who, action, wanted) && !decide("Deny", who, action, wanted),
    fleet: async () => ({ topic: null }),
    messages: async () => [],
  };
}

// The stand-in of AWS's control plane (tests/cloud/admin.py) knows certificates, what is attached to them, and templates.
export function byControl(url) {
  async function ask(path, body) {
    const how = body && { method: "POST", body: JSON.stringify(body) };
    const answer = await fetch(new URL(path, url), how);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }
  async function* after(seq) {
    for (;;) {
      const some = await ask(`/messages?since=${seq}&wait=30`).catch(() => undefined);
      if (!some) return; // the stand-in has ended
      for (const { payload, ...message } of some) yield { ...message, payload: Buffer.from(payload, "base64") };
      seq = some.at(-1)?.seq ?? seq;
    }
  }
  return {
    demands: false,
    allows: async (who, action, resource) => (await ask("/authorize", { ...who, action, resource })).allowed,
    fleet: async (topic, payload) => ask("/fleet", { topic, payload }),
    messages: async () => after((await ask("/messages/last")).seq),
  };
}
