/** What croft and the child that runs an app's transaction say to each other, and what the module gets and gives. */

export type Mode = "run" | "read-only" | "describe";

/** On the child's standard input, as JSON. */
export type Task = {
  readonly mode: Mode;
  /** `file:` URL. */
  readonly module: string;
  readonly address: string;
  /** Certificates to trust, PEM; nothing else is. */
  readonly authority: string;
  /** Names that the address answers to. */
  readonly hosts: readonly string[];
  readonly origins: Readonly<Record<string, string>>;
  readonly username?: string;
  readonly password?: string;
};

export type StepResult = { readonly step: string; readonly ok: boolean; readonly detail: string; readonly durationMs: number };

/** A request for people: `{NAME}` in its texts stands for what an earlier one kept. */
export type Call = {
  readonly step: string;
  readonly method?: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  /** Sent as a form's only field. */
  readonly file?: { readonly field: string; readonly name: string; readonly type: string; readonly base64: string };
  /** Statuses that are right. */
  readonly wants: readonly number[];
  /** Names to places in the JSON answer, such as `{ picture: "contents[0].url" }`. */
  readonly keep?: Readonly<Record<string, string>>;
};
/** A login by authorization code with PKCE through the provider's own form. `keep` names the access token. */
export type LoginCall = {
  readonly step: string;
  readonly login: { readonly issuer: string; readonly clientId: string; readonly redirect: string; readonly username: string };
  readonly keep: string;
};

/** On the child's descriptor 3, as JSON. */
export type Answer =
  | { readonly kind: "results"; readonly results: readonly StepResult[] }
  | { readonly kind: "calls"; readonly calls: readonly (Call | LoginCall)[] }
  /** The module has no function for this mode. */
  | { readonly kind: "nothing" }
  | { readonly kind: "error"; readonly message: string };

/** Of the module, by mode. */
export const FUNCTIONS: Readonly<Record<Mode, string>> = {
  run: "runTransaction",
  "read-only": "runReadOnly",
  describe: "describeTransaction",
};
