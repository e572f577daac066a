/** nginx and the gate as the example's croft.yaml asks for them, an issuer, and upstreams that remember. */
import { chown, readFile } from "node:fs/promises";
import { join } from "node:path";
import { SERVICE_SCHEMAS } from "../../bin/world.ts";
import { Gateway } from "../../nginx/gateway.fixture.ts";
import { startGate } from "../../nginx/gate/gate.fixture.ts";
import type { Gate } from "../../nginx/gate/gate.fixture.ts";
import { Issuer, encode } from "../../nginx/gate/provider.fixture.ts";
import { toHosts } from "../../nginx/routes.ts";
import type { HostRoutes, HostService } from "../../nginx/routes.ts";
import { gatePolicies } from "../../nginx/rules.ts";
import { parseConfig } from "../../provisioner/config/parse.ts";
import { readConfig } from "../../provisioner/config/read.ts";
import type { Model } from "../../provisioner/model/types.ts";
import { Recorder } from "./recorder.ts";
import type { Tokens } from "./requests.ts";

export const KEY = "the-gateway-knows-this-key-alone";
const EXAMPLE = join(import.meta.dirname, "..", "..", "examples", "portfolio", "croft.yaml");

export const readExample = async (): Promise<Model> => {
  const result = parseConfig({ ...(await readConfig(EXAMPLE)), services: SERVICE_SCHEMAS, variables: {} });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.model;
};

const serviceAt = (port: number): HostService => ({
  name: "service-auth",
  address: "127.0.0.1",
  port,
  published: {
    host: "auth.portfolio.test",
    places: [{ path: "/realms/", exact: false, methods: [], from: [], demands: [] }],
    bodyMaxBytes: 1_048_576,
    timeoutSeconds: 5,
  },
});

const ROOTS = new Map(["portfolio-site", "portfolio-cms"].map((name) => [name, `/var/lib/croft/releases/${name}/current`]));

export type Trusted = { readonly url: string; readonly authority: string; readonly audience?: string };

/** The gate with the policies of these routes. */
export const startPolicies = async (gateway: Gateway, hosts: readonly HostRoutes[], issuer: Trusted): Promise<Gate> => {
  const folder = gateway.path("/run/croft-gate");
  const policies = Object.fromEntries(
    gatePolicies(hosts).map(({ name, mode, role }) => [name, { mode, issuer: "portfolio", ...(role === undefined ? {} : { role }) }]),
  );
  const settings = { url: issuer.url, audience: issuer.audience ?? "portfolio-api", rolesClaim: ["realm_access", "roles"] };
  const gate = await startGate({ folder, policies, issuers: { portfolio: settings }, authority: issuer.authority });
  await chown(join(folder, "gate.sock"), 33, 33);
  return gate;
};

export type Rig = {
  readonly gateway: Gateway;
  readonly api: Recorder;
  readonly service: Recorder;
  readonly tokens: Tokens;
  /** Everything that was logged so far. */
  readonly logs: () => Promise<string>;
  readonly stop: () => Promise<void>;
};

export const startGateway = async (root: string, model: Model, port: number, service?: HostService) => {
  const [app] = model.apps;
  if (app === undefined) throw new Error("the example has no app");
  const hosts = toHosts(model, service === undefined ? [] : [service]);
  const gateway = await Gateway.make(root);
  await gateway.install(app, { hosts, roots: ROOTS });
  await gateway.certify("1");
  await gateway.key("1", `proxy_set_header X-Api-Key "${KEY}";\n`);
  await gateway.traffic("1", port);
  for (const name of ROOTS.keys()) await gateway.release(name, "1", { "index.html": `<h1>${name}</h1>` });
  return { gateway, hosts };
};

export const startRig = async (root: string): Promise<Rig> => {
  const [api, service, issuer, model] = await Promise.all([Recorder.start(), Recorder.start(), Issuer.make(), readExample()]);
  const { gateway, hosts } = await startGateway(root, model, api.port, serviceAt(service.port));
  issuer.lifetime = 600;
  const gate = await startPolicies(gateway, hosts, issuer);
  await gateway.start();
  const tokens: Tokens = {
    good: issuer.token(),
    other: issuer.token({ realm_access: { roles: ["ops-viewer"] } }),
    old: issuer.token({ exp: Math.floor(Date.now() / 1000) - 60 }),
    none: `${encode({ alg: "none", typ: "JWT" })}.${encode(issuer.claims())}.`,
  };
  return {
    gateway,
    api,
    service,
    tokens,
    logs: async () => (await readFile(gateway.path("/run/croft-gateway/nginx/access.log"), "latin1")) + gateway.errors + gate.log(),
    stop: async () => {
      await gateway.stop();
      await gate.stop();
      await Promise.all([api.stop(), service.stop(), issuer.stop()]);
    },
  };
};
