// The contract as a judge of requests and replies.
import { JSON_MEDIA } from "./fuzz_request.mjs";

const PROBLEM_MEDIA = "application/problem+json";
const EACH_REPLY = ["x-request-id", "cache-control", "date", "x-content-type-options"];
// Rules of a body that no schema can say: the contract has them in words.
const BEYOND_SCHEMAS = [
  /bytes/, /know/, /no word that is filled in/, /no certificate in it/, /no password is kept/, /of waiting in all/,
  /endpoint/, /certificates there is one/, /^cannot be true: nothing is kept/,
];

export class Judge {
  // doc: the contract with its references resolved.
  constructor(doc, Ajv) {
    this.doc = doc;
    this.ajv = new Ajv({ strict: false, allErrors: false, validateFormats: false });
    this.compiled = new Map();
    this.operations = [];
    for (const [template, item] of Object.entries(doc.paths))
      for (const [method, operation] of Object.entries(item))
        if (operation.operationId)
          this.operations.push({
            method: method.toUpperCase(),
            template,
            operation: { ...operation, parameters: [...(item.parameters ?? []), ...(operation.parameters ?? [])] },
          });
    // A literal segment beats a variable one.
    this.operations.sort((a, b) => a.template.split("{").length - b.template.split("{").length);
  }

  find(method, path) {
    const fits = ({ template }) => new RegExp(`^${template.replace(/[.]/g, "\\.").replace(/\{\w+\}/g, "[^/]+")}$`).test(path);
    const first = this.operations.find(fits);
    const wanted = method === "HEAD" ? "GET" : method;
    return first && this.operations.find((one) => one.template === first.template && one.method === wanted);
  }

  // What is wrong with a value; null: nothing.
  fault(schema, value) {
    if (!this.compiled.has(schema)) this.compiled.set(schema, this.ajv.compile(schema));
    const valid = this.compiled.get(schema);
    return valid(value) ? null : this.ajv.errorsText(valid.errors);
  }

  // What is wrong with a reply to a request; an empty list: nothing.
  faults(request, reply) {
    const found = this.find(request.method, request.path.split("?")[0]);
    const responses = found?.operation.responses ?? {};
    const documented = responses[reply.status] ?? (reply.status >= 400 ? this.doc.components.responses.Problem : null);
    if (!documented) return [`${reply.status} is not documented`];
    const faults = EACH_REPLY.filter((name) => !(name in reply.headers)).map((name) => `no ${name}`);
    if (reply.status >= 500 && !([503, 507].includes(reply.status) && responses[reply.status])) faults.push(`${reply.status}`);
    if (reply.status === 405 && !reply.headers.allow) faults.push("405 without Allow");
    for (const [name, { required }] of Object.entries(documented.headers ?? {}))
      if (required && !(name.toLowerCase() in reply.headers)) faults.push(`no ${name}`);
    return [...faults, ...this.contentFaults(request, reply, documented.content ?? {}), ...this.agreement(found, request, reply)];
  }

  contentFaults(request, reply, content) {
    if (request.method === "HEAD" || !Object.keys(content).length) return reply.body.length ? ["a body where none belongs"] : [];
    const media = (reply.headers["content-type"] ?? "").split(";")[0];
    if (!content[media]) return [`content of ${media || "no type"} is not documented`];
    if (media !== JSON_MEDIA && media !== PROBLEM_MEDIA) return [];
    if (reply.json === undefined) return ["not JSON"];
    const fault = content[media].schema && this.fault(content[media].schema, reply.json);
    if (fault) return [fault];
    return media === PROBLEM_MEDIA && reply.json.status !== reply.status ? ["status and body differ"] : [];
  }

  // The schema of a JSON body allows what is taken, and not what is refused for its shape.
  agreement(found, request, reply) {
    const schema = found?.operation.requestBody?.content?.[JSON_MEDIA]?.schema;
    if (!schema || request.media !== JSON_MEDIA || request.json === undefined) return [];
    const fault = this.fault(schema, request.json);
    if (reply.status < 300 && fault) return [`taken, but the contract does not allow it: ${fault}`];
    // What a profile adds is not in the body.
    const beyond = request.json?.profile !== undefined || reply.json?.errors?.some(({ detail }) => BEYOND_SCHEMAS.some((rule) => rule.test(detail)));
    if (reply.json?.code === "bad_body" && !fault && !beyond) return ["refused, but the contract allows it"];
    return [];
  }
}
