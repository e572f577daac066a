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
  /** A key that the gateway adds to each request and the workloads demand; `header` carries it. */
  readonly apiKey?: { readonly header: string };
  readonly oidc?: AppOidc;
  readonly buckets?: readonly Bucket[];
  readonly smoke?: AppSmoke;
};

/** The app's own proof that it works. */
export type AppSmoke = {
  /** File relative to `croft.yaml`. */
  readonly module: string;
  /** The test user who logs in; undefined: nobody does, and nothing is written. */
  readonly user?: string;
  /** Full host names by the names under which the module gets their origins. */
  readonly origins: Readonly<Record<string, string>>;
};

/** A bucket of its own in the object store. */
export type Bucket = {
  readonly name: string;
  /** Origins whose pages may read and, where `upload`, write objects. */
  readonly cors: readonly string[];
  readonly maxObjectBytes: number;
  /** Presigned PUT through the public name is allowed. */
  readonly upload: boolean;
};

/** Who may use the app: a realm of the identity service, or an issuer elsewhere. */
export type AppOidc = {
  readonly realm: string;
  /** An OpenID provider elsewhere; undefined: the identity service. */
  readonly issuer?: string;
  /** What tokens for this app say in `aud`. */
  readonly audience: string;
  /** Where roles stand in a token, such as `["realm_access", "roles"]`. */
  readonly rolesClaim: readonly string[];
  readonly roles: readonly string[];
  readonly clients: readonly OidcClient[];
  /** The client by which the gateway signs people in, at an issuer elsewhere. */
  readonly sessionClient?: string;
  /** Made only where the site's mode is `development`. */
  readonly testUsers: readonly { readonly name: string; readonly roles: readonly string[] }[];
};

export type OidcClient = {
  readonly id: string;
  /** Exact addresses to go back to; a trailing `*` stands for the rest of the path. */
  readonly redirects: readonly string[];
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
  /** Written into the release as `/config.json`, readable by everybody. Values may hold bindings that are no secrets. */
  readonly config?: Readonly<Record<string, string>>;
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

/** What a route demands of a request and says with its answer; what is missing is not limited beyond the gateway's own limits. */
export type RouteRules = {
  /** `jwt`: a bearer token. `session`: somebody who signed in with the browser. `role`: one of theirs. */
  readonly auth?: { readonly mode: "jwt" | "session"; readonly role?: string };
  readonly bodyMaxBytes?: number;
  /** How long the workload may take to say something. */
  readonly timeoutSeconds?: number;
  /** Of one client. */
  readonly rate?: { readonly requests: number; readonly per: "s" | "m" };
  /** At one time, of one client. */
  readonly connections?: number;
  /** What caches between gateway and browser may keep: nothing, a minute, for ever. */
  readonly cache?: "off" | "short" | "immutable";
  /** Origins whose pages may read the answers. */
  readonly cors?: readonly string[];
};

/** Objects of one of the app's buckets, shown by the gateway to whoever the route lets pass. */
export type BucketTarget = {
  readonly kind: "bucket";
  readonly bucket: string;
  /** What stands before every key: empty, or ending in a slash. */
  readonly prefix: string;
  /** The object that answers for a path ending in a slash. */
  readonly index: string;
  /** What has no extension and is not there gets the index, too. */
  readonly spa: boolean;
  /** The object shown with status 404. */
  readonly notFound?: string;
};

export type Route = {
  /** Full host name, such as `www.portfolio.test`. */
  readonly host: string;
  /** Path prefix, or the whole path where `exact`. */
  readonly path: string;
  readonly exact: boolean;
  readonly target:
    | { readonly kind: "workload"; readonly workload: string }
    | { readonly kind: "deny"; readonly status: 403 | 404 }
    | { readonly kind: "redirect"; readonly to: string }
    | BucketTarget;
  /** Allowed methods; empty means all. HEAD is allowed wherever GET is. */
  readonly methods: readonly string[];
  /** Query parameters that must have exactly this value, otherwise 404. */
  readonly query: Readonly<Record<string, string>>;
  readonly rules?: RouteRules;
};
