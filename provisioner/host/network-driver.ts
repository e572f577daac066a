/** Effects of a host's network: one script ensures it, one read sees it, one command removes it. */
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ApplyRequest, Driver, ObserveRequest, RemoveRequest } from "../execute/driver.ts";
import { observeEach } from "../execute/observe-each.ts";
import { CroftError } from "../errors.ts";
import { shortHash } from "../model/names.ts";
import type { JsonObject, Observation } from "../plan/resource.ts";
import { sh } from "../transport/sh.ts";
import { must } from "../transport/shell.ts";
import type { Shell } from "../transport/shell.ts";
import { ownerMark } from "./network.ts";
import type { NetworkPayload } from "./network.ts";
import { claimForwarding, releaseForwarding } from "./forwarding.ts";
import type { ForwardingTools } from "./forwarding.ts";
import { replaceFile } from "./files.ts";

export type NetworkTools = {
  readonly shell: Shell;
  readonly siteId: string;
  /** Folder of the network's script and rules, one per host. */
  readonly folder: (host: string) => string;
  readonly forwarding: Pick<ForwardingTools, "folder" | "switchFile">;
};

export const networkFiles = (folder: string) => ({ script: join(folder, "up"), rules: join(folder, "rules.nft") }) as const;

type Seen = {
  readonly link: string;
  readonly addresses: string;
  readonly routes: string;
  readonly rules: string;
  readonly forwarding: string;
};

const SEPARATOR = "--croft--";

const look = async (tools: NetworkTools, bridge: string, table: string): Promise<Seen> => {
  const mark = sh`echo ${SEPARATOR}`;
  const text = await must(
    tools.shell,
    "reading the network",
    sh`cat /sys/class/net/${bridge}/ifalias 2>/dev/null; ${mark}; ip -4 -o address show dev ${bridge} 2>/dev/null; ${mark}; ip route show type blackhole; ${mark}; nft -s list table inet ${table} 2>/dev/null; ${mark}; cat /proc/sys/net/ipv4/ip_forward`,
  );
  const [link = "", addresses = "", routes = "", rules = "", forwarding = ""] = text.split(`${SEPARATOR}\n`);
  return { link: link.trim(), addresses, routes, rules, forwarding: forwarding.trim() };
};

const bridgeExists = async (bridge: string): Promise<boolean> =>
  readFile(`/sys/class/net/${bridge}/ifindex`).then(
    () => true,
    () => false,
  );

const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** A table counts as unchanged when its listing is the one its last application left. */
const firewallFact = (seen: Seen, request: ObserveRequest): string => {
  const listing = shortHash(seen.rules, 16);
  if (seen.rules === "") return "absent";
  return listing === request.recorded?.output["listing"] ? text(request.recorded.spec["firewall"]) : `changed (${listing})`;
};

const scriptFact = async (tools: NetworkTools, host: string): Promise<string> =>
  readFile(networkFiles(tools.folder(host)).script, "utf8").then(
    (script) => shortHash(script, 16),
    () => "absent",
  );

const observeOne = async (tools: NetworkTools, request: ObserveRequest): Promise<Observation> => {
  const spec = (request.resource ?? request.recorded)?.spec ?? {};
  const host = (request.resource ?? request.recorded)?.host ?? "";
  const bridge = text(spec["bridge"]);
  const table = text(spec["table"]);
  const seen = await look(tools, bridge, table);
  const there = await bridgeExists(bridge);
  const script = await scriptFact(tools, host);
  if (!there && seen.rules === "" && script === "absent") return { status: "absent" };
  if (there && seen.link !== "" && seen.link !== ownerMark(tools.siteId)) refuseForeign(bridge, seen.link);
  const facts: JsonObject = {
    ...(there ? { bridge } : {}),
    address: seen.addresses.includes(`inet ${text(spec["address"])} `) ? text(spec["address"]) : "absent",
    blackhole: seen.routes.includes(`blackhole ${text(spec["blackhole"])} `) ? text(spec["blackhole"]) : "absent",
    table,
    published: request.recorded?.spec["published"] ?? {},
    firewall: firewallFact(seen, request),
    forwarding: seen.forwarding === "1",
    script,
  };
  return { status: "present", facts };
};

const tablesOf = async (shell: Shell): Promise<readonly string[]> =>
  (await must(shell, "listing firewall tables", sh`nft list tables`)).split("\n").map((line) => line.split(" ")[2] ?? "");

const forwardingTools = (tools: NetworkTools): ForwardingTools => ({ ...tools.forwarding, tables: () => tablesOf(tools.shell) });

const refuseForeign = (bridge: string, alias: string): never => {
  throw new CroftError("FOREIGN", `the bridge ${bridge} is there but is not this site's (it is marked \`${alias}\`)`, {
    hint: "remove it by hand if nothing uses it; croft never takes over what it did not make",
  });
};

const refuseUnmarked = async (tools: NetworkTools, request: ApplyRequest, payload: NetworkPayload): Promise<void> => {
  if (request.recorded !== undefined || !(await bridgeExists(payload.input.bridge))) return;
  const folder = tools.folder(request.step.host);
  const intended = await readFile(networkFiles(folder).script).then(
    () => true,
    () => false,
  );
  const { link } = await look(tools, payload.input.bridge, payload.input.table);
  if (link === ownerMark(tools.siteId) || (link === "" && intended)) return;
  refuseForeign(payload.input.bridge, link === "" ? "nothing" : link);
};

const apply = async (tools: NetworkTools, request: ApplyRequest): Promise<JsonObject> => {
  const payload = request.resource.payload as NetworkPayload;
  const folder = tools.folder(request.step.host);
  const files = networkFiles(folder);
  await refuseUnmarked(tools, request, payload);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await replaceFile(files.rules, payload.rules, 0o600);
  await replaceFile(files.script, payload.script, 0o700);
  await claimForwarding(forwardingTools(tools), { table: payload.input.table, siteFolder: folder });
  await must(tools.shell, "setting up the network", sh`sh ${files.script}`);
  const { rules } = await look(tools, payload.input.bridge, payload.input.table);
  return { listing: shortHash(rules, 16) };
};

const remove = async (tools: NetworkTools, request: RemoveRequest): Promise<void> => {
  const bridge = text(request.recorded.spec["bridge"]);
  const subnet = text(request.recorded.spec["blackhole"]);
  const table = text(request.recorded.spec["table"]);
  await must(
    tools.shell,
    "removing the network",
    sh`ip link delete ${bridge} 2>/dev/null; ip route delete blackhole ${subnet} metric 4294967295 2>/dev/null; nft delete table inet ${table} 2>/dev/null; true`,
  );
  await rm(tools.folder(request.recorded.host), { recursive: true, force: true });
  await releaseForwarding(forwardingTools(tools), { table, siteFolder: tools.folder(request.recorded.host) });
};

export const makeNetworkDriver = (tools: NetworkTools): Driver => ({
  kind: "network",
  observe: observeEach((request) => observeOne(tools, request)),
  apply: (request) => apply(tools, request),
  remove: (request) => remove(tools, request),
});
