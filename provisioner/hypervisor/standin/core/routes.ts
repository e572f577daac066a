/** From a request to an answer: which methods and bodies each path takes, and the words of its failures. */
import * as devices from "../config/devices.ts";
import * as migrations from "../config/migration.ts";
import * as bodies from "../config/vm.ts";
import type { Kind } from "../json/kinds.ts";
import { JsonError } from "../json/reader.ts";
import { readBody } from "../json/record.ts";
import * as changes from "./changes.ts";
import * as hotplug from "./hotplug.ts";
import { receiveMigration, sendMigration } from "./migration.ts";
import { Failure, notRunning, statusOf } from "./failure.ts";
import { counters, info, ping, toJson } from "./info.ts";
import * as lifecycle from "./lifecycle.ts";
import type { Session } from "./session.ts";
import { restore, snapshot } from "./snapshots.ts";

export type ApiRequest = {
  readonly method: "GET" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly body: Uint8Array | undefined;
};
/** A body of undefined is an answer without content. `last`: the program ends after it. */
export type ApiAnswer = { readonly status: number; readonly body: string | undefined; readonly last?: true };

type Act = (session: Session, body: Uint8Array | undefined) => unknown;
type Route = {
  readonly method: "GET" | "PUT";
  /** Message in front of every failure of this call. */
  readonly doing: string;
  /** True where other methods get an empty 400 instead of a message. */
  readonly action: boolean;
  readonly act: Act;
};

class BadRequest extends Error {}

const plain = (doing: string, run: (session: Session) => unknown): Route => ({
  method: "PUT",
  doing,
  action: true,
  act: (session, body) => {
    if (body !== undefined) throw new BadRequest();
    return run(session);
  },
});

const withBody = <T>(doing: string, kind: Kind<T>, run: (session: Session, value: T) => unknown): Route => ({
  method: "PUT",
  doing,
  action: true,
  act: (session, body) => {
    if (body === undefined) throw new BadRequest();
    return run(session, readBody(kind, body));
  },
});

const nmi = (session: Session): void => {
  if (session.vm === undefined) throw notRunning();
};

const create: Route = {
  method: "PUT",
  doing: "The VM could not be created",
  action: false,
  act: (session, body) => (body === undefined ? EMPTY_BAD_REQUEST : lifecycle.create(session, readBody(bodies.vm, body))),
};

const end: Act = async (session) => {
  await lifecycle.end(session);
  return { status: 200, body: "", last: true } satisfies ApiAnswer;
};

const restoreAnd = async (session: Session, request: ReturnType<typeof bodies.restore.read>): Promise<void> => {
  // Descriptors of network devices cannot come over this socket: none may be expected.
  if ((request.net_fds ?? []).some((net) => net.num_fds > 0)) throw new BadRequest();
  await restore(session, request);
  if (request.resume) await lifecycle.resume(session);
};

const added = <T>(what: string, kind: Kind<T>, add: (session: Session, device: T) => unknown): Route =>
  withBody(`The ${what} could not be added to the VM`, kind, add);

const INFO = "The VM info is not available";
const ROUTES: Readonly<Record<string, Route>> = {
  "vmm.ping": { method: "GET", doing: "", action: false, act: () => ping(process.pid) },
  "vmm.shutdown": { method: "PUT", doing: "The VMM could not shutdown", action: false, act: end },
  "vm.info": { method: "GET", doing: INFO, action: false, act: info },
  "vm.counters": { method: "GET", doing: INFO, action: true, act: counters },
  "vm.create": create,
  "vm.boot": plain("The VM could not boot", lifecycle.boot),
  "vm.delete": plain("The VM could not be deleted", lifecycle.remove),
  "vm.shutdown": plain("The VM could not shutdown", lifecycle.shutdown),
  "vm.reboot": plain("The VM could not reboot", lifecycle.reboot),
  "vm.pause": plain("The VM could not be paused", lifecycle.pause),
  "vm.resume": plain("The VM could not resume", lifecycle.resume),
  "vm.power-button": plain("Error triggering power button", lifecycle.powerButton),
  "vm.nmi": plain("Error triggering NMI", nmi),
  "vm.resize": withBody("The VM could not be resized", bodies.resize, changes.resize),
  "vm.resize-disk": withBody("The disk could not be resized", bodies.resizeDisk, (session, body) =>
    changes.resizeDisk(session, body.id, body.desired_size),
  ),
  "vm.resize-zone": withBody("The memory zone could not be resized", bodies.resizeZone, (session, body) =>
    changes.resizeZone(session, body.id, body.desired_ram),
  ),
  "vm.add-disk": added("disk", devices.disk, hotplug.addDisk),
  "vm.add-net": added("network device", devices.net, hotplug.addNet),
  "vm.add-fs": added("fs", devices.fs, (session, device) => hotplug.addServed(session, "fs", device)),
  "vm.add-pmem": added("pmem device", devices.pmem, hotplug.addPmem),
  "vm.add-vdpa": added("vDPA device", devices.vdpa, (session, device) => hotplug.addServed(session, "vdpa", device)),
  "vm.add-vsock": added("vsock device", devices.vsock, hotplug.addVsock),
  "vm.add-device": added("device", devices.device, (session, { fd: _fd, ...device }) =>
    hotplug.addServed(session, "devices", device as ReturnType<typeof devices.device.read>),
  ),
  "vm.add-user-device": added("user device", devices.userDevice, (session, device) => hotplug.addServed(session, "user_devices", device)),
  "vm.add-generic-vhost-user": added("generic vhost-user device", devices.genericVhostUser, (session, device) =>
    hotplug.addServed(session, "generic_vhost_user", device),
  ),
  "vm.remove-device": withBody("The device could not be removed from the VM", bodies.removeDevice, (session, body) =>
    changes.removeDevice(session, body.id),
  ),
  "vm.snapshot": withBody("The VM could not be snapshotted", bodies.snapshot, (session, body) => snapshot(session, body.destination_url)),
  "vm.send-migration": withBody("Error dispatching the migration worker", migrations.sendMigration, sendMigration),
  "vm.receive-migration": withBody("Error receiving migration", migrations.receiveMigration, receiveMigration),
  "vm.restore": withBody("The VM could not be restored", bodies.restore, restoreAnd),
};

const refusal = (status: number, ...messages: readonly string[]): ApiAnswer => ({ status, body: JSON.stringify(messages) });
const EMPTY_BAD_REQUEST: ApiAnswer = { status: 400, body: "" };

const isAnswer = (value: unknown): value is ApiAnswer =>
  typeof value === "object" && value !== null && "status" in value && "body" in value;

const toAnswer = (value: unknown): ApiAnswer => {
  if (value === undefined) return { status: 204, body: undefined };
  return isAnswer(value) ? value : { status: 200, body: toJson(value) };
};

const toRefusal = (route: Route, error: unknown): ApiAnswer => {
  if (error instanceof BadRequest) return refusal(400, "Bad Request");
  if (error instanceof JsonError) return refusal(400, "Failed to deserialize JSON", error.message);
  if (!(error instanceof Failure)) throw error;
  if (error.chain[0] === "Too Many Requests") return refusal(429, "Too Many Requests");
  const failure = new Failure(route.doing, ...error.chain);
  return refusal(statusOf(failure), "Error from API", ...failure.chain);
};

/** Answers one request; requests of one session must not overlap. */
export const answerRequest = async (session: Session, request: ApiRequest): Promise<ApiAnswer> => {
  const prefix = "/api/v1/";
  const route = request.path.startsWith(prefix) ? ROUTES[request.path.slice(prefix.length)] : undefined;
  if (route === undefined) return refusal(404, "Not Found");
  if (request.method !== route.method) {
    const emptyAnswer = route.action && request.method !== "GET" && request.method !== "PUT";
    return emptyAnswer ? EMPTY_BAD_REQUEST : refusal(400, "Bad Request");
  }
  try {
    return toAnswer(await route.act(session, request.body));
  } catch (error) {
    return toRefusal(route, error);
  }
};
