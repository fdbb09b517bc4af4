// An EventSource, as a browser has it, that says what it is told.
// usage: node event_source.mjs --modules DIR --url URL [--token TEXT] TYPE...
// DIR is where `npm ci` has put node_modules. Prints a line of JSON each: {"open":true} whenever it is connected,
// {"id","type","data"} for an event of these types, {"closed":true} when it will not come back; then it ends.
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const { values: args, positionals: types } = parseArgs({
  options: { modules: { type: "string" }, url: { type: "string" }, token: { type: "string" } },
  allowPositionals: true,
});
const require = createRequire(join(args.modules, "here.js"));
const { EventSource } = await import(pathToFileURL(require.resolve("eventsource")).href);
const authorization = args.token ? { Authorization: `Bearer ${args.token}` } : {};
const source = new EventSource(args.url, {
  fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, ...authorization } }),
});

const say = (what) => console.log(JSON.stringify(what));
source.onopen = () => say({ open: true });
source.onerror = () => {
  if (source.readyState !== EventSource.CLOSED) return;
  say({ closed: true });
  process.exit(0);
};
for (const type of types)
  source.addEventListener(type, (event) => say({ id: Number(event.lastEventId), type, data: JSON.parse(event.data) }));
