/**
 * The REST API of Cloud Hypervisor v53.0 over its UNIX socket. One connection and one request at a
 * time, as the program itself works; `Content-Length` always, because it does not read chunks.
 */
import type { Agent } from "node:http";
import { CroftError } from "../errors.ts";
import { http } from "../transport/http.ts";
import type { CountersAnswer, DiskConfig, InfoAnswer, NetConfig, PciDeviceAnswer, PingAnswer, ResizeRequest, VmConfig } from "./types.ts";

const SECOND = 1000;
/** Milliseconds a call may take. A slow call is no proof of death: everything waits in one queue. */
const TIMEOUTS: Readonly<Record<string, number>> = {
  "vm.boot": 120 * SECOND,
  "vm.reboot": 120 * SECOND,
  "vm.snapshot": 600 * SECOND,
  "vm.restore": 600 * SECOND,
  "vm.shutdown": 60 * SECOND,
  "vm.delete": 60 * SECOND,
  "vmm.shutdown": 60 * SECOND,
};
const STANDARD_TIMEOUT = 30 * SECOND;

export type HypervisorClient = {
  readonly ping: () => Promise<PingAnswer>;
  /** @throws HypervisorError with status 404 where no VM was created. */
  readonly info: () => Promise<InfoAnswer>;
  readonly counters: () => Promise<CountersAnswer>;
  /** Only stores the configuration; `boot` is what checks it. */
  readonly create: (config: VmConfig) => Promise<void>;
  readonly boot: () => Promise<void>;
  /** Pulls the plug and keeps the configuration. */
  readonly shutdown: () => Promise<void>;
  readonly reboot: () => Promise<void>;
  /** Succeeds also where no VM is. */
  readonly delete: () => Promise<void>;
  /** Asks the guest; says nothing of its answer. */
  readonly powerButton: () => Promise<void>;
  readonly nmi: () => Promise<void>;
  readonly pause: () => Promise<void>;
  readonly resume: () => Promise<void>;
  readonly resize: (sizes: ResizeRequest) => Promise<void>;
  readonly resizeDisk: (id: string, bytes: number) => Promise<void>;
  /** The PCI address, or undefined while the VM is not booted. */
  readonly addDisk: (disk: DiskConfig) => Promise<PciDeviceAnswer | undefined>;
  readonly addNet: (net: NetConfig) => Promise<PciDeviceAnswer | undefined>;
  /** Only asks the guest: wait for the event `device-removed`. */
  readonly removeDevice: (id: string) => Promise<void>;
  /** Into an existing empty folder; the VM must be paused. */
  readonly snapshot: (folder: string) => Promise<void>;
  readonly restore: (folder: string, resume?: boolean) => Promise<void>;
  readonly vmmShutdown: () => Promise<void>;
  readonly close: () => void;
};

type Answer = { readonly status: number; readonly text: string };

/** A refusal of the API, with its HTTP status and its chain of messages, outermost first. */
export class HypervisorError extends CroftError {
  readonly status: number;
  readonly messages: readonly string[];
  constructor(call: string, status: number, messages: readonly string[]) {
    super("HYPERVISOR", `the hypervisor refused ${call} (${status}): ${messages.join(": ")}`);
    this.status = status;
    this.messages = messages;
  }
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Error bodies are an array of strings, an object, or text that only looks like an object. */
export const parseMessages = (text: string): readonly string[] => {
  const body = parseJson(text);
  if (Array.isArray(body)) return body.map(String);
  if (typeof body === "object" && body !== null && "error" in body) return [String(body.error)];
  return text.trim() === "" ? ["no reason given"] : [text.trim()];
};

const transportError = (socketPath: string, call: string, cause: Error): CroftError =>
  new CroftError("HYPERVISOR", `the hypervisor at ${socketPath} did not answer ${call}: ${cause.message}`, { cause, transient: true });

const send = (agent: Agent, socketPath: string, method: string, call: string, body: string | undefined): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const fail = (cause: Error): void => reject(transportError(socketPath, call, cause));
    const timeoutMs = TIMEOUTS[call] ?? STANDARD_TIMEOUT;
    const timer = setTimeout(() => outgoing.destroy(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
    const outgoing = http.request({
      agent,
      socketPath,
      method,
      path: `/api/v1/${call}`,
      headers: { Accept: "application/json", "Content-Length": Buffer.byteLength(body ?? "") },
    });
    outgoing.once("close", () => clearTimeout(timer));
    outgoing.once("error", fail);
    outgoing.once("response", (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.once("error", fail);
      incoming.once("end", () => resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }));
    });
    outgoing.end(body ?? "");
  });

/** Counters start at values that mean "none yet"; those and all above 2^53 are dropped. */
const NONE_YET = 1_844_674_407_370_955;
const cleanCounters = (counters: CountersAnswer): CountersAnswer =>
  Object.fromEntries(
    Object.entries(counters).map(([id, values]) => [
      id,
      Object.fromEntries(Object.entries(values).filter(([, value]) => Number.isSafeInteger(value) && value !== NONE_YET)),
    ]),
  );

/** A client of the hypervisor behind this socket. Every method throws CroftError HYPERVISOR. */
export const makeClient = (socketPath: string): HypervisorClient => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const call = async (method: "GET" | "PUT", name: string, body?: unknown): Promise<string> => {
    const answer = await send(agent, socketPath, method, name, body === undefined ? undefined : JSON.stringify(body));
    if (answer.status >= 200 && answer.status < 300) return answer.text;
    throw new HypervisorError(name, answer.status, parseMessages(answer.text));
  };
  const get = async <T>(name: string): Promise<T> => JSON.parse(await call("GET", name)) as T;
  const put = async (name: string, body?: unknown): Promise<void> => void (await call("PUT", name, body));
  const add = async (name: string, body: unknown): Promise<PciDeviceAnswer | undefined> => {
    const text = await call("PUT", name, body);
    return text === "" ? undefined : (JSON.parse(text) as PciDeviceAnswer);
  };
  return {
    ping: () => get("vmm.ping"),
    info: () => get("vm.info"),
    counters: async () => cleanCounters(await get("vm.counters")),
    create: (config) => put("vm.create", config),
    boot: () => put("vm.boot"),
    shutdown: () => put("vm.shutdown"),
    reboot: () => put("vm.reboot"),
    delete: () => put("vm.delete"),
    powerButton: () => put("vm.power-button"),
    nmi: () => put("vm.nmi"),
    pause: () => put("vm.pause"),
    resume: () => put("vm.resume"),
    resize: (sizes) => put("vm.resize", sizes),
    resizeDisk: (id, bytes) => put("vm.resize-disk", { id, desired_size: bytes }),
    addDisk: (disk) => add("vm.add-disk", disk),
    addNet: (net) => add("vm.add-net", net),
    removeDevice: (id) => put("vm.remove-device", { id }),
    snapshot: (folder) => put("vm.snapshot", { destination_url: `file://${folder}` }),
    restore: (folder, resume = false) => put("vm.restore", { source_url: `file://${folder}`, resume }),
    vmmShutdown: () => put("vmm.shutdown"),
    close: () => agent.destroy(),
  };
};
