/** Ways into the Keycloak of a site: one signed-in administrator for all that look or change in a run. */
import { CroftError } from "../../provisioner/errors.ts";
import type { Driver, ObserveRequest } from "../../provisioner/execute/driver.ts";
import { observeEach } from "../../provisioner/execute/observe-each.ts";
import { hiddenWhenUnreachable } from "../../provisioner/machine/connections.ts";
import type { JsonObject, Observation } from "../../provisioner/plan/resource.ts";
import type { Shell } from "../../provisioner/transport/shell.ts";
import { openAdmin } from "./admin.ts";
import type { Admin, Place } from "./admin.ts";
import { ADMIN_CLIENT, ADMIN_ID, ADMIN_SECRET, PORT } from "./names.ts";
import { textOf } from "./shape.ts";

export type IdentityTools = {
  readonly connect: (machine: string) => Promise<Shell>;
  /** Every version of a secret that is still kept, the one that this run wants first. */
  readonly secrets: (name: string) => Promise<readonly string[]>;
  /** A variable of croft's environment. */
  readonly variable: (name: string) => string | undefined;
  readonly port?: number;
};

export type Entered = {
  readonly admin: Admin;
  /** Whether the wanted version of croft's own secret opened it. */
  readonly current: boolean;
};

export type Entrance = {
  readonly tools: IdentityTools;
  readonly placeOf: (spec: JsonObject) => Promise<Place>;
  /** undefined: no secret that croft keeps is taken. */
  readonly enter: (spec: JsonObject) => Promise<Entered | undefined>;
  readonly forget: () => void;
};

const tryAll = async (place: Place, secrets: readonly string[]): Promise<Entered | undefined> => {
  for (const [index, secret] of secrets.entries()) {
    const admin = await openAdmin(place, ADMIN_CLIENT, secret);
    if (admin !== undefined) return { admin, current: index === 0 };
  }
  return undefined;
};

export const makeEntrance = (tools: IdentityTools): Entrance => {
  const known = new Map<string, Promise<Entered | undefined>>();
  const placeOf: Entrance["placeOf"] = async (spec) => ({
    shell: await tools.connect(textOf(spec["machine"])),
    address: textOf(spec["address"]),
    port: tools.port ?? PORT,
  });
  const enter: Entrance["enter"] = (spec) => {
    const key = `${textOf(spec["machine"])} ${textOf(spec["address"])}`;
    const entering = known.get(key) ?? placeOf(spec).then(async (place) => tryAll(place, await tools.secrets(ADMIN_SECRET)));
    known.set(key, entering);
    const forget = (): void => void known.delete(key);
    entering.then((found) => found ?? forget(), forget);
    return entering;
  };
  return { tools, placeOf, enter, forget: () => known.clear() };
};

/** @throws CroftError IDENTITY */
export const needAdmin = async (entrance: Entrance, spec: JsonObject): Promise<Admin> => {
  const entered = await entrance.enter(spec);
  if (entered !== undefined) return entered.admin;
  throw new CroftError("IDENTITY", `Keycloak takes no secret that croft keeps for its client ${ADMIN_CLIENT}`, {
    hint: "`croft up` makes a new one by way of the machine itself",
  });
};

/** The password of a resource that has one, as this run wants it. @throws CroftError SECRET */
export const needSecret = async (tools: IdentityTools, name: string): Promise<string> => {
  const [value] = await tools.secrets(name);
  if (value !== undefined) return value;
  throw new CroftError("SECRET", `the secret ${name} is not there`);
};

export const specOf = (request: ObserveRequest): JsonObject => (request.resource ?? request.recorded)?.spec ?? {};
export const present = (facts: JsonObject): Observation => ({ status: "present", facts });

/** Absent where `see` finds nothing; hidden where the machine, Keycloak or croft's own client does not let it look. */
export const observeInside = (
  entrance: Entrance,
  see: (admin: Admin, spec: JsonObject, request: ObserveRequest) => Promise<JsonObject | undefined>,
): Driver["observe"] =>
  observeEach((request) => {
    const spec = specOf(request);
    return hiddenWhenUnreachable(textOf(spec["machine"]), async () => {
      const entered = await entrance.enter(spec);
      if (entered === undefined) return { status: "hidden", by: ADMIN_ID };
      const facts = await see(entered.admin, spec, request);
      return facts === undefined ? { status: "absent" } : present({ ...spec, ...facts });
    });
  });
