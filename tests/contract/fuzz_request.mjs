// Requests made from the contract: what its schemas and examples allow, the same with something broken in it, and
// things that the service is known to have, so that requests get far.
export const JSON_MEDIA = "application/json";
const LONG = 40000;
const NOWHERE = "http://127.0.0.1:9/a"; // nothing is called outside this machine
const SPARE = 4; // of each collection so many are never deleted, so that there is always something to find

// What replies have named so far: values by the name of the member that held them, ids by their collection.
export class Known {
  #byName = new Map();

  add(name, value) {
    if (typeof value !== "string" || value.length > 127) return;
    if (!this.#byName.has(name)) this.#byName.set(name, new Set());
    const seen = this.#byName.get(name);
    seen.add(value);
    if (seen.size > 40) seen.delete(seen.values().next().value);
  }

  // Every member of a reply, and the id of each item as one of its collection's ("/v1/jobs" → "jobs").
  learn(template, value) {
    const collection = template.replace(/\/\{\w+\}$/, "").split("/").pop();
    const walk = (node, depth) => {
      if (Array.isArray(node)) node.slice(0, 20).forEach((one) => walk(one, depth));
      else if (node && typeof node === "object" && depth < 6)
        for (const [name, one] of Object.entries(node)) {
          this.add(name, one);
          walk(one, depth + 1);
        }
    };
    walk(value, 0);
    const items = Array.isArray(value?.items) ? value.items : [value];
    for (const item of items)
      for (const name of ["id", "name", "mac"]) if (item?.[name]) this.add(`${collection}/`, item[name]);
  }

  // What was deleted, or never was.
  forget(value) {
    for (const [name, seen] of this.#byName) if (name.endsWith("/")) seen.delete(value);
  }

  // An item for a member or path variable of this name; else, where that will do, any value that a member of the name
  // had. spare: how many to leave alone. undefined when none is known.
  pick(name, collection, n, { onlyItems = false, spare = 0 } = {}) {
    const items = [`${name}s/`, `${name}/`, `${name.replace(/y$/, "ies")}/`];
    if (name === "depends_on") items.unshift("jobs/");
    if (collection) items.unshift(`${collection}/`);
    const from = [...items, ...(onlyItems ? [] : [name])].find((key) => this.#byName.get(key)?.size);
    const values = from ? [...this.#byName.get(from)].slice(spare) : [];
    return values[n % values.length];
  }
}

// Stands in a body for something known; decided when it is sent, so that the same seed makes the same request.
class Later {
  constructor(known, name, n, instead, onlyItems = false) {
    Object.assign(this, { known, name, n, instead, onlyItems });
  }

  toJSON() {
    return this.known.pick(this.name, null, this.n, { onlyItems: this.onlyItems }) ?? this.instead;
  }
}

export class Maker {
  constructor(fc, known) {
    this.fc = fc;
    this.known = known;
    this.made = new Map();
  }

  // ---- values ----

  // Values of a schema, mostly: what only `not` or `if` forbids may come out, and is judged by the schema later.
  value(schema, name = "", depth = 0) {
    const { fc } = this;
    if (schema === true || schema === undefined || depth > 7) return fc.jsonValue({ maxDepth: 1 });
    if ("const" in schema) return fc.constant(schema.const);
    if (schema.enum) return fc.constantFrom(...schema.enum);
    const branch = ["oneOf", "anyOf"].find((word) => schema[word]);
    if (branch) {
      const { [branch]: branches, ...rest } = schema;
      return fc.oneof(...branches.map((one) => this.value(merged(rest, one), name, depth + 1)));
    }
    if (schema.allOf) {
      const { allOf, ...rest } = schema;
      return this.value(allOf.reduce(merged, rest), name, depth + 1);
    }
    const types = [schema.type ?? (schema.properties ? "object" : "string")].flat();
    return fc.oneof(...types.map((type) => this.typed(type, schema, name, depth)));
  }

  typed(type, schema, name, depth) {
    const { fc } = this;
    const { minItems = 0, maxItems = 3 } = schema;
    switch (type) {
      case "null":
        return fc.constant(null);
      case "boolean":
        return fc.boolean();
      case "integer":
      case "number":
        return this.number(schema);
      case "array":
        return fc.array(this.value(schema.items, name, depth + 1), {
          minLength: minItems,
          maxLength: Math.max(minItems, Math.min(maxItems, 3)),
        });
      case "object":
        return this.object(schema, depth);
      default:
        return this.string(schema, name);
    }
  }

  number({ minimum = -9, maximum = minimum + 99999, multipleOf = 1 }) {
    const { fc } = this;
    const low = Math.ceil(minimum / multipleOf);
    const high = Math.max(low, Math.floor(maximum / multipleOf));
    return fc
      .oneof(fc.constantFrom(low, high, low - 1, high + 1), fc.integer({ min: low, max: high }), fc.integer({ min: low, max: high }))
      .map((n) => n * multipleOf);
  }

  string({ minLength = 0, maxLength: most = 64, pattern, example, default: usual }, name) {
    const { fc } = this;
    const maxLength = Math.max(minLength, most); // merged branches may contradict each other
    const ends = fc.constantFrom(minLength, maxLength, maxLength + 1).map((n) => "x".repeat(Math.min(n, LONG)));
    const some = [fc.string({ minLength, maxLength: Math.max(minLength, Math.min(maxLength, 80)), unit: "binary" }), ends];
    const ok = [fc.string({ minLength: Math.max(minLength, 1), maxLength: Math.max(minLength, 1, Math.min(maxLength, 12)) })];
    if (pattern) ok.push(...this.matching(pattern));
    for (const one of [example, usual]) if (typeof one === "string") ok.push(fc.constant(one));
    // Nothing is looked up or called outside this machine.
    if (isFar(name)) return fc.oneof(fc.constantFrom("localhost", "127.0.0.1", "a b", ""), ends);
    if (/url|uri/.test(name)) return fc.oneof(fc.constantFrom(NOWHERE, "https://[::1]:9/", "ftp://a", "https://a b/", "http://10.0.0.1/"), ends);
    const later = fc.nat(60).map((n) => new Later(this.known, name, n, example ?? "x"));
    return fc.oneof({ weight: 5, arbitrary: later }, { weight: 3, arbitrary: fc.oneof(...ok) }, ...some);
  }

  matching(pattern) {
    try {
      return [this.fc.stringMatching(new RegExp(pattern, "u"))];
    } catch {
      return []; // a pattern that only a judge can use
    }
  }

  object({ properties = {}, required = [], additionalProperties = false, minProperties = 0 }, depth) {
    const { fc } = this;
    const members = Object.fromEntries(
      Object.entries(properties).map(([name, one]) => [name, this.value(one, name, depth + 1)]),
    );
    const known = fc.record(members, { requiredKeys: required.filter((name) => name in members) });
    if (!additionalProperties || (Object.keys(members).length && !minProperties)) return known;
    const more = fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), this.value(additionalProperties, "", depth + 1), {
      minKeys: minProperties,
      maxKeys: 3,
    });
    return fc.tuple(known, more).map(([a, b]) => ({ ...b, ...a }));
  }

  // What no parser is glad to see.
  nasty() {
    const { fc } = this;
    return fc.oneof(
      fc.constantFrom(null, true, false, 0, -1, 1.5, 1e308, 2 ** 31, 2 ** 53, -(2 ** 63), "", " ", "\u0000", "a\u0000b"),
      fc.constantFrom("\ud800", "\r\nX: y", "../../etc/passwd", "%s%n", "'; DROP TABLE job; --", "{mac}", "é", "\u202e"),
      fc.constantFrom("x".repeat(300), "x".repeat(LONG), [], {}, [[]], [{}], { "": null }, new Array(2000).fill(0)),
      fc.jsonValue({ maxDepth: 2 }),
    );
  }

  // ---- bodies ----

  // A value with one place in it replaced, taken out, or joined by a stranger.
  broken(value) {
    const { fc } = this;
    return fc.tuple(value, fc.nat(400), this.nasty(), fc.constantFrom("replace", "replace", "remove", "add")).map(([whole, n, bad, how]) => {
      const places = [];
      const walk = (node, at) => {
        places.push(at);
        if (node && typeof node === "object" && !(node instanceof Later))
          for (const key of Object.keys(node)) walk(node[key], [...at, key]);
      };
      walk(whole, []);
      return changed(whole, places[n % places.length], how, bad);
    });
  }

  json(content) {
    const { fc } = this;
    const examples = Object.values(content.examples ?? {}).map((one) => one.value);
    if (content.example !== undefined) examples.push(content.example);
    const made = this.value(content.schema);
    const example = examples.length ? fc.constantFrom(...examples).map((one) => this.revived(one)) : made;
    const good = fc.oneof(made, example, fc.tuple(example, made).map(([a, b]) => overlaid(a, b)));
    const text = fc.oneof({ weight: 8, arbitrary: good }, { weight: 5, arbitrary: this.broken(good) });
    const literal = text.map((value) => () => JSON.stringify(value));
    return fc.oneof({ weight: 12, arbitrary: literal }, this.spoiled(literal), this.literals());
  }

  // An example's ids are nobody's: those that are here are put in their place.
  revived(example, name = "") {
    if (Array.isArray(example)) return example.map((one) => this.revived(one, name));
    if (example && typeof example === "object")
      return Object.fromEntries(Object.entries(example).map(([key, one]) => [key, this.revived(one, key)]));
    if (typeof example !== "string") return example;
    if (/url|uri/.test(name)) return NOWHERE;
    return isFar(name) ? "localhost" : new Later(this.known, name, example.length, example, true);
  }

  // Bytes that are cut off, doubled, or have others put between them.
  spoiled(body) {
    const { fc } = this;
    return fc.tuple(body, fc.nat(), fc.nat(300), fc.uint8Array({ maxLength: 12 })).map(([make, at, n, more]) => () => {
      const data = Buffer.from(make());
      const from = at % (data.length + 1);
      return Buffer.concat([data.subarray(0, from), Buffer.from(more), data.subarray(from + n)]);
    });
  }

  literals() {
    const texts = [
      "", "{", "[]", "null", "0", '""', "{}{}", '{"a":1,"a":2}', '{"kind":"at","kind":"reset"}', "\ufeff{}", '{"a":1e999}',
      '{"a":-0}', '{"a":123456789012345678901234567890}', '{"\\u0000":1}', '{"a":"\\ud800"}', "{'a':1}", "// {}", "NaN",
      "[".repeat(3000), '{"a":'.repeat(3000), `{"a":"${"x".repeat(300000)}"}`, "{}" + " ".repeat(5000),
    ];
    const bytes = [Buffer.from([0xff, 0xfe, 0x7b, 0]), Buffer.from('{"a":"\xc3"}', "latin1"), Buffer.alloc(3)];
    return this.fc.constantFrom(...texts, ...bytes).map((one) => () => one);
  }

  // A file: one of the samples, whole, cut or with a few bytes changed, or nothing like one.
  file() {
    const { fc } = this;
    const sample = fc.constantFrom(...this.samples);
    const bitten = fc.tuple(sample, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 })).map(([data, bites]) => {
      const copy = Buffer.from(data);
      for (const [at, byte] of bites) if (copy.length) copy[at % copy.length] = byte;
      return copy;
    });
    const cut = fc.tuple(sample, fc.nat()).map(([data, n]) => data.subarray(0, n % (data.length + 1)));
    const noise = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    return fc.oneof({ weight: 3, arbitrary: sample }, bitten, cut, noise);
  }

  form(schema) {
    const { fc } = this;
    const name = fc.oneof(fc.constantFrom(...Object.keys(schema.properties ?? {}), "file", "a"), fc.string({ maxLength: 20 }));
    const part = fc.record({
      name: name.map((text) => text.replace(/["\r\n]/g, "_")),
      file: fc.option(fc.constantFrom("a.pem", "x/y.zip", "..", "\u00e9", "a".repeat(300))),
      data: fc.oneof({ weight: 4, arbitrary: this.file() }, fc.string().map((text) => Buffer.from(text))),
    });
    const whole = fc.array(part, { maxLength: 5 }).map((parts) => () => formBytes(parts));
    return fc.oneof({ weight: 6, arbitrary: whole }, this.spoiled(whole));
  }

  // The body of a media type as a function that makes it when it is sent.
  body(media, content) {
    if (media === JSON_MEDIA) return this.json(content);
    if (media === "multipart/form-data") return this.form(content.schema ?? {});
    const example = content.example ? [this.fc.constant(Buffer.from(content.example))] : [];
    const whole = this.fc.oneof(this.file(), ...example).map((data) => () => data);
    return this.fc.oneof({ weight: 4, arbitrary: whole }, this.spoiled(whole));
  }

  // ---- the rest of a request ----

  text() {
    const { fc } = this;
    const nasty = ["", "a", "..", ".", "%", "%zz", "%00", "%0d%0a", "%2e%2e%2f", "a%20b", "%c3%a9", "*", "-1", "1e3", "job_0", "x".repeat(200)];
    return fc.oneof(fc.constantFrom(...nasty), fc.string({ maxLength: 40 }).map(escaped), fc.string({ unit: "binary", maxLength: 9 }).map(escaped));
  }

  segment(name, template, method) {
    const { fc } = this;
    const how = { spare: method === "DELETE" ? SPARE : 0 };
    const collection = template.slice(0, template.indexOf(`{${name}}`)).replace(/\/$/, "").split("/").pop();
    const fresh = fc.constantFrom("fuzz", "fuzz-a", "a b");
    const known = fc.tuple(fc.nat(60), fresh).map(([n, other]) => () => escaped(this.known.pick(name, collection, n, how) ?? other));
    return fc.oneof({ weight: 8, arbitrary: known }, fresh.map((one) => () => escaped(one)), this.text().map((one) => () => one || "a"));
  }

  query(parameters) {
    const { fc } = this;
    const right = parameters.map(({ name, schema, required }) => {
      const known = name === "certificate" ? "fingerprint_sha256" : name;
      const value = name === "wait" ? fc.constantFrom(0, 1) : this.value(schema, known);
      const sent = value.map((one) => () => `${name}=${escaped(String(JSON.parse(JSON.stringify(one)) ?? ""))}`);
      return required ? fc.oneof({ weight: 9, arbitrary: sent }, fc.constant(null)) : fc.option(sent);
    });
    const wrong = fc
      .tuple(fc.constantFrom(...parameters.map((one) => one.name), "nosuch", "", "%zz"), fc.option(this.text()))
      .map(([name, value]) => () => (value === null ? name : `${name}=${value}`));
    return fc
      .tuple(fc.tuple(...right), fc.oneof({ weight: 9, arbitrary: fc.constant([]) }, fc.array(wrong, { maxLength: 2 })))
      .map(([one, more]) => () => [...one, ...more].filter(Boolean).map((make) => make()).join("&"));
  }

  headers(parameters) {
    const { fc } = this;
    const field = fc.string({ maxLength: 60 }).map((text) => text.replace(/[^ -~]/g, "").trim());
    const etag = fc.constantFrom("*", '"a"', 'W/"a"', '"', ",", 'W/"a", "b"');
    const fields = {
      Accept: fc.constantFrom("*/*", JSON_MEDIA, "text/csv", "text/csv;q=0.5, */*;q=0", "text/event-stream", ";;q=", "a/b;q=9"),
      Prefer: fc.constantFrom("wait=0", "wait=1", "wait=x", "respond-async, wait=1", "wait=-1", ","),
      "If-Match": etag,
      "If-None-Match": etag,
      "Last-Event-ID": fc.oneof(fc.nat().map(String), fc.constantFrom("", "-1", "x", "99999999999999999999")),
      "Idempotency-Key": fc.oneof(fc.constantFrom("a", "b", "", "x".repeat(300)), field),
      "X-Request-Id": fc.oneof(fc.constant("fuzz-1"), field),
      Authorization: fc.constantFrom("Bearer", "Bearer x", "bearer egt_a", "Basic eDp5", "Bearer egt_" + "a".repeat(300)),
      Range: fc.constantFrom("bytes=0-1", "bytes=-1", "x"),
      Cookie: field,
      "Accept-Encoding": fc.constantFrom("gzip", "identity;q=0"),
    };
    for (const { name, schema } of parameters) fields[name] ??= this.value(schema, name).map((one) => String(one).replace(/[^ -~]/g, ""));
    const [names, values] = [Object.keys(fields), Object.values(fields)];
    return fc
      .tuple(...values.map((one) => fc.option(one, { freq: 1 })), fc.nat(names.length * 3))
      .map((all) => Object.fromEntries(names.map((name, i) => [name, all[i]]).filter(([, v], i) => v !== null && (i + all.at(-1)) % 6 === 0)));
  }

  // Requests of one operation. All that depends on what is known is a function, called when it is sent.
  request({ method, template, operation }) {
    const { fc } = this;
    const parameters = operation.parameters ?? [];
    const names = [...template.matchAll(/\{(\w+)\}/g)].map((found) => found[1]);
    const contents = Object.entries(operation.requestBody?.content ?? {});
    const right = contents.map(([media, content]) => this.body(media, content).map((make) => ({ media, make })));
    const wrong = fc.record({
      media: fc.constantFrom(JSON_MEDIA, "text/plain", "multipart/form-data", "multipart/form-data; boundary=", "application/zip", "a/b;", undefined),
      make: fc.constantFrom("", "{}", "--b\r\n").map((text) => () => text),
    });
    const none = fc.constant(null);
    return fc.record({
      method: fc.oneof({ weight: 30, arbitrary: fc.constant(method) }, fc.constantFrom("GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "FOO")),
      segments: fc.tuple(...names.map((name) => this.segment(name, template, method))),
      query: this.query(parameters.filter((one) => one.in === "query")),
      headers: this.headers(parameters.filter((one) => one.in === "header")),
      body: right.length
        ? fc.oneof({ weight: 20, arbitrary: fc.oneof(...right) }, wrong, none)
        : fc.oneof({ weight: 12, arbitrary: none }, wrong),
    });
  }
}

// Names a machine that would be looked up.
const isFar = (name) => /^(host|server)$/.test(name);

const escaped = (text) => Buffer.from(text).reduce((out, c) => out + (/[\w.~-]/.test(String.fromCharCode(c)) ? String.fromCharCode(c) : `%${c.toString(16).padStart(2, "0")}`), "");

// Two schemas as one for making values; conditions are left to the judge.
function merged(a, b) {
  const { if: _if, then, else: _else, not, properties, required, ...rest } = b;
  const out = { ...a, ...rest };
  if (a.allOf && b.allOf) out.allOf = [...a.allOf, ...b.allOf];
  if (a.properties || properties) out.properties = { ...a.properties, ...properties };
  if (a.required || required) out.required = [...(a.required ?? []), ...(required ?? [])];
  return out;
}

function changed(node, [key, ...rest], how, bad) {
  if (key === undefined) return how === "add" && node && typeof node === "object" && !Array.isArray(node) && !(node instanceof Later) ? { ...node, stranger: bad } : bad;
  const copy = Array.isArray(node) ? [...node] : { ...node };
  if (!rest.length && how === "remove") {
    if (Array.isArray(copy)) copy.splice(key, 1);
    else delete copy[key];
  } else copy[key] = changed(node[key], rest, how, bad);
  return copy;
}

// An example with a few members of a made value.
function overlaid(example, made) {
  if (!made || typeof made !== "object" || Array.isArray(example)) return example;
  const [name] = Object.keys(made).slice(-1);
  return name === undefined ? example : { ...example, [name]: made[name] };
}

export const BOUNDARY = "fuzz-fuzz";

function formBytes(parts) {
  const pieces = parts.flatMap(({ name, file, data }) => [
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${file === null ? "" : `; filename="${file}"`}\r\n\r\n`,
    data,
    "\r\n",
  ]);
  return Buffer.concat([...pieces, `--${BOUNDARY}--\r\n`].map((piece) => Buffer.from(piece)));
}
