/** The gate on the gateway's machine: its program, its units, its secrets. Pure. */
import { makeSlot, slotId } from "../provisioner/machine/slot-resource.ts";
import type { DesireInput, Endpoint, FileEntry, GenerationPart, Program, SlotEntry, Template } from "../provisioner/model/contribution.ts";
import { workloadName } from "../provisioner/model/names.ts";
import { previousTemplate, splitReference } from "../provisioner/model/rotation.ts";
import type { App } from "../provisioner/model/types.ts";
import type { Resource } from "../provisioner/plan/resource.ts";
import { secretId, secretResource } from "../provisioner/secrets/resource.ts";
import { readerOf, toShown } from "./buckets.ts";
import type { ShownBucket } from "./buckets.ts";
import type { GatePolicy } from "./rules.ts";
import { GATE_SERVICE, GATE_SOCKET } from "./templates/gate-units.ts";

const FOLDER = "/usr/lib/croft/gate";
const CONFIG = "/etc/croft/gate/config.json";
const SOCKET_UNIT = "croft-gate.socket";
const UNIT = "croft-gate.service";
const COOKIE_SECRET = "gateway/gate-cookie";

const SLOT: SlotEntry = { name: "gate", mode: "0600", owner: "root:root", onChange: { unit: UNIT, action: "restart" } };

/** What an app's issuer says of itself, by the endpoint `oidc`. */
const issuerOf = (endpoints: readonly Endpoint[], app: App): Endpoint | undefined =>
  endpoints.find((endpoint) => endpoint.name === "oidc" && endpoint.app === app.name);

const appsOf = (policies: readonly GatePolicy[]): readonly App[] => [...new Map(policies.map(({ app }) => [app.name, app])).values()];

const shownOf = ({ input, buckets }: Pick<GateInput, "input" | "buckets">) => {
  if (buckets.length === 0) return {};
  const shown = buckets.map((one) => {
    const endpoint = readerOf(input.endpoints, one);
    return [one.place, toShown(endpoint, input.address(endpoint.machine), one)] as const;
  });
  return { buckets: Object.fromEntries(shown) };
};

const configOf = (gate: GateInput): string => {
  const { policies } = gate;
  const { endpoints } = gate.input;
  const issuers = appsOf(policies).map((app) => {
    const { issuer = "", audience = "", sessionClient } = issuerOf(endpoints, app)?.properties ?? {};
    const client = sessionClient === undefined ? {} : { client: sessionClient };
    return [app.name, { url: issuer, audience, rolesClaim: app.oidc?.rolesClaim ?? [], ...client }] as const;
  });
  const rules = policies.map(
    ({ name, app, mode, role }) => [name, { mode, issuer: app.name, ...(role === undefined ? {} : { role }) }] as const,
  );
  const config = {
    socket: "/run/croft-gate/gate.sock",
    issuers: Object.fromEntries(issuers),
    policies: Object.fromEntries(rules),
    ...shownOf(gate),
  };
  return `${JSON.stringify(config, null, 2)}\n`;
};

const file = (path: string, content: string): FileEntry => ({ path, mode: "0644", owner: "root:root", content });

const programFiles = (program: Program): readonly FileEntry[] =>
  Object.entries(program).map(([path, content]) => file(`${FOLDER}/${path}`, content));

export type GateInput = {
  readonly input: DesireInput;
  readonly machine: string;
  readonly host: string;
  readonly home: string;
  readonly policies: readonly GatePolicy[];
  readonly buckets: readonly ShownBucket[];
};

const both = (name: string, newest: Template, previous: Template): Readonly<Record<string, Template>> =>
  previous === "" ? { [name]: newest } : { [name]: newest, [`${name}-previous`]: previous };

type Secrets = { readonly file: Readonly<Record<string, Template>>; readonly references: readonly string[] };

/** Key and secret in one file: they change together. */
const bucketKeys = ({ input, buckets }: GateInput): readonly Secrets[] =>
  buckets.map((one) => {
    const { properties, secrets } = readerOf(input.endpoints, one);
    const { accessKey = "", secretKey = "" } = properties;
    return {
      file: { [`bucket-${workloadName(one.app.name, one.target.bucket)}`]: `${accessKey} ${secretKey}\n` },
      references: secrets.map((name) => `${name} used`),
    };
  });

/** Secrets in the slot: the cookie's key, of each issuer's client where it has one, and of buckets that are shown. */
const slotFiles = (
  gate: GateInput,
): { readonly files: Readonly<Record<string, Template>>; readonly secrets: readonly string[]; readonly versions: readonly string[] } => {
  const { input, policies } = gate;
  const clients = appsOf(policies).flatMap((app) => {
    const endpoint = issuerOf(input.endpoints, app);
    const { sessionSecret, sessionSecretPrevious = "" } = endpoint?.properties ?? {};
    if (endpoint === undefined || sessionSecret === undefined) return [];
    return [{ files: both(`client-${app.name}`, sessionSecret, sessionSecretPrevious), secrets: endpoint.secrets }];
  });
  const cookie = both("cookie-key", `{{secret ${COOKIE_SECRET}}}`, previousTemplate(input.versions, COOKIE_SECRET));
  const keys = bucketKeys(gate);
  const secrets = [...new Set([COOKIE_SECRET, ...clients.flatMap((client) => client.secrets)])];
  const shown = [...new Set(keys.flatMap(({ references }) => references))];
  return {
    files: Object.assign({}, cookie, ...clients.map(({ files }) => files), ...keys.map(({ file }) => file)) as Readonly<
      Record<string, Template>
    >,
    secrets: [...secrets, ...shown.map((reference) => splitReference(reference).name)],
    versions: [...secrets, ...shown].map((reference) => input.versions.of("secret", reference)),
  };
};

export const gateResources = (gate: GateInput): readonly Resource[] => {
  const { input, machine, host, home } = gate;
  const { files, secrets, versions } = slotFiles(gate);
  return [
    secretResource({
      name: COOKIE_SECRET,
      form: "password",
      versions: input.versions,
      host: home,
      // Cookies sealed before are in browsers for hours.
      rotates: { kind: "oidc", part: "cookie", keep: true },
    }),
    makeSlot({
      machine,
      host,
      slot: SLOT,
      files,
      versions,
      needs: secrets.map(secretId),
    }),
  ];
};

/** The socket belongs to systemd: while the gate restarts, questions wait and none is lost. */
export const gatePart = (gate: GateInput): GenerationPart => {
  const { input, machine } = gate;
  const files = programFiles(input.programs["gate"] ?? {});
  return {
    machine,
    name: "gate",
    directories: [
      { path: FOLDER, mode: "0755", owner: "root:root" },
      { path: "/etc/croft/gate", mode: "0755", owner: "root:root" },
    ],
    files: [
      ...files,
      file(CONFIG, configOf(gate)),
      file(`/etc/systemd/system/${SOCKET_UNIT}`, GATE_SOCKET),
      file(`/etc/systemd/system/${UNIT}`, GATE_SERVICE),
    ],
    units: [
      { name: SOCKET_UNIT, start: true, onChange: "restart", watches: [] },
      { name: UNIT, start: true, onChange: "restart", watches: [CONFIG, ...files.map(({ path }) => path)] },
    ],
    slots: [SLOT],
    probes: [
      {
        name: "gate-health",
        command: `test "$(curl --silent --show-error --max-time 5 --unix-socket /run/croft-gate/gate.sock --output /dev/null --write-out '%{http_code}' http://gate/health)" = 204`,
        timeoutSeconds: 20,
        unit: UNIT,
      },
    ],
    needs: [slotId(machine, SLOT.name)],
  };
};
