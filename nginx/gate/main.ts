/** croft-gate: says for nginx who sends a request. `node main.ts CONFIG SECRETS-FOLDER`. */
import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import { endStreams } from "./bucket.ts";
import { makeDrain } from "./drain.ts";
import { makeIssuers } from "./issuers.ts";
import { makeGate } from "./server.ts";
import { makeRenewal } from "./session.ts";
import { readConfig, readSecrets } from "./settings.ts";

/** systemd hands a folder of credentials over as files `secrets_NAME`; by hand any folder will do. */
const [configFile = "/etc/croft/gate/config.json", secretsFolder = join(process.env["CREDENTIALS_DIRECTORY"] ?? "", "secrets_")] =
  process.argv.slice(2);
const config = readConfig(configFile);
const secrets = await readSecrets(secretsFolder, config);
const issuers = makeIssuers(config, secrets);
const gate = makeGate(config, { issuers, secrets, renew: makeRenewal(issuers, secrets) });

/** The first of the sockets that systemd opened for this process. */
const SYSTEMD_SOCKET = 3;

const ready = (): void => console.log(JSON.stringify({ level: "info", message: "the gate answers", socket: config.socket }));

if (process.env["LISTEN_FDS"] === "1") gate.listen({ fd: SYSTEMD_SOCKET }, ready);
else {
  rmSync(config.socket, { force: true });
  gate.listen(config.socket, () => {
    chmodSync(config.socket, 0o660);
    ready();
  });
}

const LAST_MS = 2000;

const drain = makeDrain(gate);
const stop = (): void => {
  drain(() => process.exit(0));
  setTimeout(endStreams, LAST_MS);
};
process.on("SIGTERM", stop);
process.on("SIGINT", stop);
