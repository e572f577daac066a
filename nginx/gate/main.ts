/** croft-gate: says for nginx who sends a request. `node main.ts CONFIG SECRETS-FOLDER`. */
import { chmodSync, rmSync } from "node:fs";
import { makeIssuers } from "./issuers.ts";
import { makeGate } from "./server.ts";
import { makeRenewal } from "./session.ts";
import { readConfig, readSecrets } from "./settings.ts";

const [configFile = "/etc/croft/gate/config.json", secretsFolder = process.env["CREDENTIALS_DIRECTORY"] ?? ""] = process.argv.slice(2);
const config = readConfig(configFile);
const secrets = await readSecrets(secretsFolder, Object.keys(config.issuers));
const issuers = makeIssuers(config, secrets);
const gate = makeGate(config, { issuers, secrets, renew: makeRenewal(issuers, secrets) });

rmSync(config.socket, { force: true });
gate.listen(config.socket, () => {
  // Its folder belongs to the gate and nginx's group alone.
  chmodSync(config.socket, 0o660);
  console.log(JSON.stringify({ level: "info", message: "the gate answers", socket: config.socket }));
});

const stop = (): void => {
  gate.close(() => process.exit(0));
  gate.closeIdleConnections();
};
process.on("SIGTERM", stop);
process.on("SIGINT", stop);
