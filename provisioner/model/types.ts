/** The Model: one `croft.yaml`, parsed, complete and readonly. Sizes are bytes, times seconds. */

export type Model = {
  readonly site: string;
  readonly domain: string;
  /** `default`, or the name given by `--env`. */
  readonly environment: string;
  /** `development` machines may hold test users and print more. */
  readonly mode: "development" | "production";
  /** The site's /16, such as `10.91.0.0/16`. */
  readonly network: string;
  readonly hosts: readonly Host[];
  readonly machines: readonly Machine[];
  /** Sections of `services`, by service name, validated by the service's own schema. */
  readonly services: Readonly<Record<string, ServiceSection>>;
  readonly apps: readonly App[];
  /** Age recipient that alone can read the CA's root key; undefined: croft generates one. */
  readonly operator?: string;
  /** Folder that holds croft.yaml; every relative path starts here. */
  readonly folder: string;
};

/** Hosts keep their order: the first is the home host, host n owns the n-th /24. */
export type Host = { readonly name: string };

export type Machine = {
  readonly name: string;
  readonly host: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly rootDiskBytes: number;
  readonly disks: readonly { readonly name: string; readonly sizeBytes: number }[];
};

/** Every service runs on one machine; the rest of its section belongs to the service. */
export type ServiceSection = { readonly machine: string } & Readonly<Record<string, unknown>>;

export type App = {
  readonly name: string;
  readonly database?: AppDatabase;
  readonly workloads: readonly Workload[];
  readonly routes: readonly Route[];
};

export type AppDatabase = {
  readonly name: string;
  /** Folder of `NNNN_name.up.sql` files, relative to `croft.yaml`. */
  readonly migrations?: string;
};

type WorkloadBase = {
  readonly name: string;
  /** Folder with the source, relative to `croft.yaml`. */
  readonly source: string;
  /** Shell command run in `source`; undefined: the source is the release. */
  readonly build?: string;
  /** Folder below `source` that becomes the release. */
  readonly output: string;
};

/** Served by the gateway from its own machine. */
export type StaticWorkload = WorkloadBase & {
  readonly kind: "static";
  /** Unknown paths without an extension answer with `index.html`. */
  readonly spa: boolean;
};

export type NodeWorkload = WorkloadBase & {
  readonly kind: "node";
  readonly machine: string;
  /** Entry file below `output`. */
  readonly start: string;
  /** The first of two ports; the second is `port + 1`. Releases alternate between them. */
  readonly port: number;
  /** The first of two metrics ports. */
  readonly metricsPort?: number;
  readonly memoryBytes: number;
  /** Values may hold `${database.rw.url}`-like bindings. */
  readonly environment: Readonly<Record<string, string>>;
  readonly health: { readonly live: string; readonly ready: string };
  readonly stopSignal: "SIGTERM" | "SIGINT";
  readonly stopTimeoutSeconds: number;
};

export type Workload = StaticWorkload | NodeWorkload;

export type Route = {
  /** Full host name, such as `www.portfolio.test`. */
  readonly host: string;
  /** Path prefix, or the whole path where `exact`. */
  readonly path: string;
  readonly exact: boolean;
  readonly target:
    | { readonly kind: "workload"; readonly workload: string }
    | { readonly kind: "deny"; readonly status: 403 | 404 }
    | { readonly kind: "redirect"; readonly to: string };
  /** Allowed methods; empty means all. HEAD is allowed wherever GET is. */
  readonly methods: readonly string[];
  /** Query parameters that must have exactly this value, otherwise 404. */
  readonly query: Readonly<Record<string, string>>;
};
