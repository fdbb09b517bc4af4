// Judges one call of a webhook by the library of Standard Webhooks: {secret, headers, body} on standard input, the
// verified payload on standard output. A signature that is not right ends it with status 1.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";

const modules = process.argv[process.argv.indexOf("--modules") + 1];
const { Webhook } = createRequire(join(modules, "/"))("standardwebhooks");
const { secret, headers, body } = JSON.parse(readFileSync(0, "utf-8"));
const small = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
process.stdout.write(JSON.stringify(new Webhook(secret).verify(body, small)));
