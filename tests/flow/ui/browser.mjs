// A headless Chromium that is driven by lines of JSON.
// usage: node browser.mjs --modules DIR
// DIR is where `npm ci` has put node_modules. A line on standard input,
// {"id":N,"on":HANDLE,"calls":[[METHOD,ARG…],…]}, is calls that follow each other, each on what the one before gave:
// any of Playwright's by name, and those below on a page. A member that is no method is itself what comes next. The
// answer is {"id":N,"value":…} or {"id":N,"error":TEXT}; a context or page is answered as {"handle":NAME}, and
// "browser" is the handle of the first. Arguments are JSON, and {"$locator":[CALL…]}, {"$regexp":TEXT} or
// {"$base64":TEXT} in it is what it says.
// What goes wrong in a page is said at once: {"event":"fault","page":HANDLE,"kind":…,"text":…}.
// It ends with its standard input, and Chromium with it.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

const { values: args } = parseArgs({ options: { modules: { type: "string" } } });
const require = createRequire(join(args.modules, "here.js"));
const { chromium } = require("playwright-core");
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  chromiumSandbox: false, // it has no rights to take away from root in a container
  handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false,
  args: ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

const handles = new Map([["browser", browser]]);
const names = new Map();
function handleOf(object) {
  if (!names.has(object)) {
    names.set(object, `handle${handles.size}`);
    handles.set(names.get(object), object);
  }
  return names.get(object);
}

// ---- what a page does wrong ----

function watch(page) {
  const fault = (kind, text) => say({ event: "fault", page: handleOf(page), kind, text });
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()))
      fault(message.type(), `${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => fault("pageerror", String(error.stack ?? error)));
  page.on("crash", () => fault("crash", page.url()));
  page.on("requestfailed", (request) => {
    const why = request.failure()?.errorText;
    if (why !== "net::ERR_ABORTED") // which the page does itself, to a stream that it lets go of
      fault("requestfailed", `${request.method()} ${request.url()}: ${why}`);
  });
}

// ---- what Playwright has no call for, or none with JSON alone ----

// Where the page's policy does not reach: neither its script-src nor its trusted types.
async function evaluateBeyond(page, expression) {
  const session = await page.context().newCDPSession(page);
  try {
    const said = await session.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (said.exceptionDetails)
      throw new Error(said.exceptionDetails.exception?.description ?? said.exceptionDetails.text);
    return said.result.value;
  } finally {
    await session.detach();
  }
}

const ours = {
  // files: [{name, type, base64}, …] or [{name, type, size}, …] of zeros.
  async drop(page, selector, files) {
    const dataTransfer = await page.evaluateHandle((list) => {
      const transfer = new DataTransfer();
      for (const { name, type, base64, size } of list) {
        const bytes = size === undefined ? Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)) : new Uint8Array(size);
        transfer.items.add(new File([bytes], name, { type }));
      }
      return transfer;
    }, files);
    for (const type of ["dragenter", "dragover", "drop"])
      await page.locator(selector).dispatchEvent(type, { dataTransfer });
  },

  // Requests whose path and query have the pattern are from now on held back (until release), failed, answered in
  // the service's place ({status, headers, body}), or answered by it with members of its JSON replaced. Of several
  // that fit, the newest counts. A held request is said: {"event":"held","page":HANDLE,"url":…}.
  async intercept(page, pattern, { hold, fail, answer, merge }) {
    const fits = new RegExp(pattern);
    await page.route(({ pathname, search }) => fits.test(pathname + search), async (route) => {
      if (hold) {
        page.held = [...(page.held ?? []), route];
        say({ event: "held", page: handleOf(page), url: route.request().url() });
      } else if (fail) await route.abort(fail);
      else if (answer) await route.fulfill(answer);
      else {
        const response = await route.fetch();
        await route.fulfill({ response, json: { ...await response.json(), ...merge } });
      }
    });
  },

  // All that is intercepted goes its way again, held requests too.
  async release(page) {
    const held = page.held ?? [];
    page.held = [];
    for (const route of held) await route.continue();
    await page.unrouteAll({ behavior: "wait" });
  },

  // Seconds of CPU that the page's main thread has used so far, counted from the first time this is asked.
  async busy(page) {
    if (!page.meter) {
      page.meter = await page.context().newCDPSession(page);
      await page.meter.send("Performance.enable", { timeDomain: "threadTicks" });
    }
    const { metrics } = await page.meter.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration").value;
  },

  // What axe finds: [{id, impact, help, nodes: [{target, html, summary}]}].
  async axe(page, options) {
    if (!await evaluateBeyond(page, "'axe' in globalThis")) await evaluateBeyond(page, axeSource);
    const { violations } = await evaluateBeyond(page, `axe.run(document, ${JSON.stringify(options)})`);
    return violations.map(({ id, impact, help, nodes }) => ({
      id, impact, help,
      nodes: nodes.map(({ target, html, failureSummary }) => ({ target, html, summary: failureSummary })),
    }));
  },
};

// ---- the driver ----

function revive(page, value) {
  if (Array.isArray(value)) return value.map((one) => revive(page, one));
  if (value === null || typeof value !== "object") return value;
  if ("$regexp" in value) return new RegExp(value.$regexp);
  if ("$base64" in value) return Buffer.from(value.$base64, "base64");
  if ("$locator" in value)
    return value.$locator.reduce((on, [name, ...rest]) => on[name](...revive(page, rest)), page);
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, revive(page, one)]));
}

function isPlain(value) {
  if (typeof value !== "object" || value === null) return value !== undefined;
  return [Object.prototype, Array.prototype].includes(Object.getPrototypeOf(value));
}

async function follow({ on, calls }) {
  const first = handles.get(on);
  let target = first;
  for (const [name, ...rest] of calls) {
    const given = revive(first, rest);
    if (target === first && name in ours) target = await ours[name](first, ...given);
    else if (typeof target[name] === "function") target = await target[name](...given);
    else if (name in target) target = target[name];
    else throw new Error(`no such call: ${name}`);
  }
  const isPage = typeof target?.mainFrame === "function", isContext = typeof target?.newPage === "function";
  if (isPage && !names.has(target)) watch(target);
  if (isPage || isContext) return { handle: handleOf(target) };
  return isPlain(target) ? target : null;
}

process.stdout.write("ready\n");
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  follow(request).then((value) => say({ id: request.id, value }),
    (error) => say({ id: request.id, error: String(error.message ?? error) }));
}
await browser.close();
