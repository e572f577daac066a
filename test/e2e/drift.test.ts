/** What somebody changed behind croft's back: the plan names exactly that, and `up` repairs that and nothing else. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT, croft, mustCroft, onMachine, program } from "./croft.ts";
import { smallSite } from "./small-site.ts";

const MACHINES = ["edge", "app", "data"] as const;
let site = "";

type Change = { readonly path: string; readonly from?: unknown; readonly to?: unknown };
type Step = { readonly action: string; readonly id: string; readonly changes: readonly Change[] };

/** Hashes and ids differ between runs. */
const plain = (value: unknown): string =>
  (typeof value === "string" ? value : (JSON.stringify(value) ?? "(none)")).replaceAll(/\b(crb)?[0-9a-f]{10,16}\b/g, "*");

const lines = ({ action, id, changes }: Step): readonly string[] =>
  changes.length === 0
    ? [`${action} ${id}`]
    : changes.map(({ path, from, to }) => `${action} ${id} ${path}: ${plain(from)} -> ${plain(to)}`);

/** Every change of the plan, and nothing else; a creation names all its properties, so only that it is one counts. */
const planned = async (): Promise<readonly string[]> => {
  const { steps } = JSON.parse((await mustCroft("plan", site, "--json")).out) as { readonly steps: readonly Step[] };
  return steps.flatMap((step) => lines(step.action === "create" ? { ...step, changes: [] } : step)).toSorted();
};

const done = (out: string): readonly string[] =>
  [...out.matchAll(/^ {2}(\S+) (created|updated|replaced|verified|removed)\b/gm)].map((match) => match[1] ?? "").toSorted();

/** Shows `expected`, repairs just those resources, and is as croft.yaml says afterwards. */
const expectRepair = async (expected: readonly string[]): Promise<void> => {
  expect(await planned()).toEqual(expected.toSorted());
  const ids = new Set(expected.map((line) => line.split(" ")[1] ?? ""));
  expect(done((await mustCroft("up", site)).out)).toEqual([...ids].toSorted());
  const again = await croft(["plan", site, "--detailed-exitcode"]);
  expect(again.out).toMatch(/^No changes\./);
  expect(again.code).toBe(0);
  expect((await croft(["smoke", site])).code).toBe(0);
};

const sql = (statement: string): Promise<string> =>
  onMachine(site, "data", `psql -h /run/croft-postgres -U postgres -d note -XAtqc "${statement}"`);

const vmJson = (machine: string): { readonly net: readonly { readonly tap: string }[] } =>
  JSON.parse(readFileSync(`${ROOT}/state/drift/default/machines/${machine}/vm.json`, "utf8")) as ReturnType<typeof vmJson>;

/** What a stopped machine hides: to be verified, never to be made again. */
const hidden: Readonly<Record<(typeof MACHINES)[number], readonly string[]>> = {
  edge: ["slot/edge/authority", "slot/edge/gateway-certificate", "slot/edge/traffic-note-api", "static/note-page", "generation/edge"],
  app: ["slot/app/authority", "generation/app", "release/note-api", "retire/note-api"],
  data: [
    "slot/data/authority",
    "slot/data/postgres-certificate",
    "generation/data",
    ...["owner", "rw", "ro"].map((role) => `postgres-role/note_${role}`),
    "postgres-database/note",
    "postgres-grants/note",
  ],
};
const verified = (...machines: readonly (typeof MACHINES)[number][]): readonly string[] =>
  machines.flatMap((machine) => hidden[machine].map((id) => `verify ${id}`));

beforeAll(async () => {
  site = smallSite("drift");
  await croft(["destroy", "--purge", site]);
  await mustCroft("up", site);
});

afterAll(async () => {
  await mustCroft("destroy", "--purge", site);
});

test("nothing drifts by itself", async () => {
  expect(await planned()).toEqual([]);
});

test("managed files: content, mode, owner; a rule in croft's table on the host", async () => {
  await Promise.all([
    onMachine(site, "edge", "echo '# by hand' >> /etc/hosts"),
    onMachine(site, "app", "chmod 0666 /etc/hosts"),
    onMachine(site, "data", "chown www-data /etc/croft/postgres/pg_hba.conf; chmod 0777 /etc/croft/postgres"),
  ]);
  const table = (await program("nft list tables")).match(/croft_[0-9a-f]+/)?.[0] ?? "";
  await program(`nft insert rule inet ${table} forward accept`);
  await expectRepair([
    "update generation/edge files./etc/hosts: changed -> *",
    "update generation/app files./etc/hosts: 0666:root:root -> *",
    "update generation/data files./etc/croft/postgres/pg_hba.conf: 0644:www-data:root -> *",
    "update generation/data directories./etc/croft/postgres: 0777 root:root -> 0755 root:root",
    "update network/local firewall: changed (*) -> *",
  ]);
});

test("units stopped, masked, disabled; another document root", async () => {
  await Promise.all([
    onMachine(site, "edge", "systemctl stop croft-gateway"),
    onMachine(site, "edge", "cd /var/lib/croft/releases/note-page && mkdir other && ln -sfn other current"),
    onMachine(site, "app", "systemctl mask nftables 2>/dev/null"),
    onMachine(site, "data", "systemctl disable croft-postgres 2>/dev/null"),
  ]);
  await expectRepair([
    "update generation/edge units.croft-gateway.service: inactive -> active",
    "update static/note-page release: other -> *",
    "update generation/app units.nftables.service: active, masked -> active",
    "update generation/data units.croft-postgres.service: active, not enabled -> active",
  ]);
});

test("files of Debian packages; rules in force inside a machine; a certificate", async () => {
  await Promise.all([
    onMachine(
      site,
      "edge",
      "cp -p /usr/sbin/nginx /root/nginx && printf x >> /root/nginx && mv /root/nginx /usr/sbin/nginx; echo >> /etc/croft/slots/gateway-certificate/current/chain.pem",
    ),
    onMachine(site, "app", "nft insert rule inet croft input tcp dport 9999 accept"),
    onMachine(site, "data", "rm /usr/lib/postgresql/17/bin/pg_dump"),
  ]);
  await expectRepair([
    "update generation/edge packages: /usr/sbin/nginx changed -> intact",
    "update slot/edge/gateway-certificate version: *, changed by hand -> *",
    "update generation/app firewall: changed by hand -> intact",
    "update generation/data packages: /usr/lib/postgresql/17/bin/pg_dump missing -> intact",
  ]);
  expect(await onMachine(site, "edge", "readlink /proc/$(systemctl show -p MainPID --value croft-gateway)/exe")).toBe("/usr/sbin/nginx\n");
  expect(await onMachine(site, "data", "stat -c '%a %U' /usr/lib/postgresql/17/bin/pg_dump")).toBe("755 root\n");
});

test("grants, default privileges; a release's unit; an override of a unit; a key others may read", async () => {
  await Promise.all([
    sql(
      "create role stranger; grant connect on database note to stranger; alter default privileges for role note_owner revoke select on tables from note_ro",
    ),
    onMachine(site, "app", "systemctl disable --now $(systemctl list-units --plain --no-legend 'note-api@*' | cut -d' ' -f1) 2>/dev/null"),
    onMachine(
      site,
      "edge",
      "mkdir /etc/systemd/system/croft-gateway.service.d && printf '[Service]\\nNice=5\\n' > /etc/systemd/system/croft-gateway.service.d/by-hand.conf && systemctl daemon-reload; chmod 0644 /etc/croft/slots/gateway-certificate/current/key.pem",
    ),
  ]);
  await expectRepair([
    "update postgres-grants/note connect.stranger: c -> (none)",
    "update postgres-grants/note tables.note_ro: (none) -> r",
    "update release/note-api healthy: false -> true",
    'update retire/note-api running: [] -> ["*"]',
    "update generation/edge units.croft-gateway.service: active, overridden -> active",
    "update slot/edge/gateway-certificate mode: 0600, 0644 -> 0600",
  ]);
});

test("a role dropped; a hypervisor killed", async () => {
  await sql("drop owned by note_ro; drop role note_ro");
  await program(`kill -9 $(cut -d' ' -f1 ${ROOT}/run/drift/default/app/vmm.pid)`);
  await expectRepair([
    "create postgres-role/note_ro",
    "update postgres-grants/note connect.note_ro: (none) -> c",
    "update postgres-grants/note schema.note_ro: (none) -> U",
    "update postgres-grants/note tables.note_ro: (none) -> r",
    "update postgres-grants/note sequences.note_ro: (none) -> r",
    "update postgres-grants/note functions.note_ro: (none) -> X",
    "update machine/app state: stopped -> running",
    ...verified("app"),
  ]);
});

test("a tap removed; a machine powered off", async () => {
  await onMachine(site, "data", "systemctl poweroff");
  await program(`ip link delete ${vmJson("edge").net[0]?.tap}`);
  const pid = `${ROOT}/run/drift/default/data/vmm.pid`;
  await program(`for try in $(seq 300); do kill -0 $(cut -d' ' -f1 ${pid}) 2>/dev/null || exit 0; sleep 0.1; done; exit 1`);
  await expectRepair([
    "update machine/edge network: cut -> connected",
    "update machine/data state: stopped -> running",
    ...verified("data"),
  ]);
});

test("the bridge removed", async () => {
  await program("ip link delete $(ip -o link | grep -oE 'crb[0-9a-f]{10}' | head -n 1)");
  await expectRepair([
    "update network/local bridge: (none) -> *",
    "update network/local address: absent -> 10.91.0.1/24",
    ...MACHINES.map((machine) => `update machine/${machine} network: cut -> connected`),
    ...verified(...MACHINES),
  ]);
});
