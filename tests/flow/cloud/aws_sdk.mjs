// AWS's own SDK, as it is, driven by lines: {"service":"iot"|"data"|"sts","command":"CreateThing","input":{…},
// "config"?:{…}} on standard input; {"output":{…}} or {"error":{"name","message","status","typed","attempts"}} on
// standard output. typed: it is of the class that the SDK has for this error. bytes are told and given as text.
// usage: node aws_sdk.mjs --modules DIR '{"iot":{config},"data":{config},"sts":{config}}'
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";

const modules = process.argv[process.argv.indexOf("--modules") + 1];
const require = createRequire(join(modules, "/"));
const packages = {
  iot: require("@aws-sdk/client-iot"),
  data: require("@aws-sdk/client-iot-data-plane"),
  sts: require("@aws-sdk/client-sts"),
};
const classes = { iot: "IoTClient", data: "IoTDataPlaneClient", sts: "STSClient" };
const configs = JSON.parse(process.argv.at(-1));
const clients = new Map();

// One for each configuration, as a program would have it: it keeps its connections.
function client(service, config) {
  const key = JSON.stringify([service, config]);
  if (!clients.has(key)) clients.set(key, new packages[service][classes[service]]({ ...configs[service], ...config }));
  return clients.get(key);
}

async function run({ service, command, input, config }) {
  const Command = packages[service][`${command}Command`];
  try {
    const { $metadata: _, ...output } = await client(service, config).send(new Command(input ?? {}));
    return { output };
  } catch (error) {
    const { name, message, $metadata, $fault, ...more } = error;
    const Class = packages[service][name];
    return {
      error: { name, message, status: $metadata?.httpStatusCode, attempts: $metadata?.attempts,
               typed: Boolean(Class && error instanceof Class), ...more },
    };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await run(JSON.parse(line))));
}
