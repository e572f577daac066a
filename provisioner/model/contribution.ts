/** What a domain (a service, the apps) adds to a site: pure data, assembled into machines by `bin/world.ts`. */
import type { Recorded, Resource, ResourceId } from "../plan/resource.ts";
import type { Rotation } from "./rotation.ts";
import type { Model } from "./types.ts";

export type FileEntry = {
  /** Absolute path on the machine. */
  readonly path: string;
  /** Octal, such as `0644`. */
  readonly mode: string;
  /** `user:group`, such as `root:root`. */
  readonly owner: string;
  readonly content: string;
};

export type UnitEntry = {
  readonly name: string;
  /** Started and enabled by the generation; false: only installed (templates, units others start). */
  readonly start: boolean;
  /** What a change of one of `watches` does to a running unit. Its own unit file always counts as watched, with restart. */
  readonly onChange: "restart" | "reload";
  /** Paths of files of the generation. */
  readonly watches: readonly string[];
};

/**
 * A place in a generation whose content is a resource of its own (`slot/MACHINE/NAME`):
 * `/etc/croft/slots/NAME/VERSION/…`, `current` linking to the version in use, two kept.
 */
export type SlotEntry = {
  readonly name: string;
  readonly mode: string;
  readonly owner: string;
  /** Done after the link moved, if the unit is active. `check` must exit 0 first, otherwise the link moves back. */
  readonly onChange?: { readonly unit: string; readonly action: "restart" | "reload"; readonly check?: string };
};

export type Probe = {
  readonly name: string;
  /** POSIX sh run on the machine; exit 0 is healthy. A real round trip, not a port check. */
  readonly command: string;
  readonly timeoutSeconds: number;
  /** Unit whose last log lines explain a failure. */
  readonly unit?: string;
};

export type GenerationPart = {
  readonly machine: string;
  /** Who adds it, unique per machine: `postgres`, `gateway`, `portfolio-api`. */
  readonly name: string;
  readonly directories: readonly { readonly path: string; readonly mode: string; readonly owner: string }[];
  readonly files: readonly FileEntry[];
  /** Started in this order. */
  readonly units: readonly UnitEntry[];
  readonly slots: readonly SlotEntry[];
  readonly probes: readonly Probe[];
  /** Resources that must be in place before the generation is activated: slots with the certificate it needs. */
  readonly needs: readonly ResourceId[];
};

/** Opens one port of a machine's own firewall to one source. */
export type Flow = {
  /** A machine's name, `host` (the machine's host) or `public`. */
  readonly from: string;
  readonly to: string;
  readonly port: number;
  readonly reason: string;
};

/**
 * Text whose secrets are filled in where it is written, never before: `{{secret NAME}}` (or `NAME previous`,
 * `NAME used`), `{{certificate NAME chain}}`, `{{certificate NAME key}}`, `{{authority}}` (the CA's certificates).
 */
export type Template = string;

/** A typed address others bind to; known when planning. */
export type Endpoint = {
  /** The app it belongs to; undefined: the site's. */
  readonly app?: string;
  /** `database.rw`, `gateway`. */
  readonly name: string;
  readonly machine: string;
  readonly port: number;
  readonly protocol: string;
  /** What a binding `${NAME.PROPERTY}` becomes. */
  readonly properties: Readonly<Record<string, Template>>;
  /** Secrets named in `properties`. */
  readonly secrets: readonly string[];
  /** What must be in place before a client starts. */
  readonly needs: readonly ResourceId[];
  /** The gateway shows it to the world. */
  readonly published?: Published;
};

/** A service under a host name of its own: what of it is open, to whom. Everything else is answered with 404. */
export type Published = {
  /** Full host name, such as `auth.portfolio.test`. */
  readonly host: string;
  readonly places: readonly PublishedPlace[];
  readonly bodyMaxBytes: number;
  readonly timeoutSeconds: number;
  /** An S3 store: bytes go out as they are, paths may hold every sign except those that climb, errors are S3's. */
  readonly dialect?: "s3";
};

export type PublishedPlace = {
  /** Path prefix, or the whole path where `exact`. */
  readonly path: string;
  readonly exact: boolean;
  /** Allowed methods; empty means all. */
  readonly methods: readonly string[];
  /** Ranges of addresses that alone may come here; empty: everybody. */
  readonly from: readonly string[];
  /** Parameters without which nothing is answered, whatever their value. */
  readonly demands: readonly string[];
  /** Machines of the site for which neither `methods` nor `demands` hold. */
  readonly free?: readonly string[];
  /** Origins whose pages may read the answers; the service's own word on that is dropped. */
  readonly cors?: readonly string[];
  /** Instead of the host's. */
  readonly bodyMaxBytes?: number;
};

/** A program of croft's own that runs on machines: file below its folder to text. */
export type Program = Readonly<Record<string, string>>;

/** A database that an app or a service wants of the postgres service, with its three roles. */
export type DatabaseDemand = {
  /** An app's name, or a service's. */
  readonly owner: string;
  readonly name: string;
  /** Folder of `NNNN_name.up.sql` files, relative to `croft.yaml`. */
  readonly migrations?: string;
};

/**
 * Version ids of things made at random (secrets, certificates): a function of the site's random id, the
 * name and how often it was rotated, so a plan can name a version before its content exists.
 */
export type Versions = {
  /** Of a secret, `NAME previous` and `NAME used` as well (`rotation.ts`); empty where there is none. */
  readonly of: (kind: "secret" | "certificate", name: string) => string;
  /** Without it, nothing was ever rotated. */
  readonly rotation?: (name: string) => Rotation;
};

export type DesireInput = {
  readonly model: Model;
  readonly versions: Versions;
  readonly endpoints: readonly Endpoint[];
  /** Content names of releases built for this run, by `APP-WORKLOAD`. */
  readonly releases: Readonly<Record<string, BuiltRelease>>;
  /** What the last run wrote down. */
  readonly recorded: ReadonlyMap<ResourceId, Recorded>;
  /** Address of a machine, such as `10.91.0.11`. */
  readonly address: (machine: string) => string;
  /** SQL files of an app's migrations, in order. */
  readonly migrations: Readonly<Record<string, readonly Migration[]>>;
  /** Programs of croft's own, by name. */
  readonly programs: Readonly<Record<string, Program>>;
  /** Databases that any domain asks for. */
  readonly databases: readonly DatabaseDemand[];
};

/** What is known before anything is desired. */
export type Facts = {
  /** Whether a program of the catalogue can be had here: pinned, locked or imported. */
  readonly hasArtifact: (name: string) => boolean;
  /** What the last run wrote down. */
  readonly recorded: ReadonlyMap<ResourceId, Recorded>;
};

/** A built workload: a tar in the release cache, named by its content. */
export type BuiltRelease = { readonly id: string; readonly file: string; readonly sizeBytes: number };

export type Migration = { readonly name: string; readonly sql: string; readonly sha256: string };

export type Contribution = {
  readonly parts: readonly GenerationPart[];
  readonly flows: readonly Flow[];
  readonly resources: readonly Resource[];
};

/** What a machine must be able to do: packages of its image. */
export type RoleUse = { readonly machine: string; readonly role: string };

/**
 * What an operator does with a running service, beside what its drivers observe, apply and remove. A service leaves out
 * what it does not offer yet.
 */
export type Operations<Place> = {
  /** A real round trip through the service. */
  readonly health: (place: Place) => Promise<Health>;
  readonly backup?: (place: Place) => Promise<void>;
  readonly restore?: (place: Place, backup: string) => Promise<void>;
  readonly upgrade?: (place: Place, version: string) => Promise<void>;
  readonly rotate?: (place: Place, secret: string) => Promise<void>;
};

export type Health = { readonly ok: boolean; readonly detail: string };

export type PublishInput = Pick<DesireInput, "model" | "versions" | "databases">;

/** A folder's pure half. The section of a service is validated before these are called. */
export type Domain = {
  readonly name: string;
  /** JSON Schema of its section under `services`; undefined: it has none. */
  readonly schema?: Readonly<Record<string, unknown>>;
  /** Ports its machine's workloads cannot have. */
  readonly ports?: readonly number[];
  /** Services that it cannot be without. */
  readonly needs?: readonly string[];
  /** The database that it keeps its own data in: no app's. */
  readonly database?: string;
  /** Memory below which it does not run. */
  readonly leastMemoryBytes?: number;
  /** Decides, before anything is desired, what a section leaves to the host: which of several programs. */
  readonly settle?: (model: Model, facts: Facts) => Model;
  readonly roles: (model: Model) => readonly RoleUse[];
  /** Databases it needs of the postgres service. */
  readonly databases?: (model: Model) => readonly DatabaseDemand[];
  readonly publish: (input: PublishInput) => readonly Endpoint[];
  readonly desire: (input: DesireInput) => Contribution;
};

export const emptyContribution: Contribution = { parts: [], flows: [], resources: [] };
