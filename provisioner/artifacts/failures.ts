/** What can go wrong between an address and a file, each in words of its own. Pure. */
import { CroftError } from "../errors.ts";

const STATUS: Readonly<Record<number, readonly [string, string]>> = {
  401: ["wants a login", "croft sends none: import the file, or use a mirror"],
  403: ["refuses this file (HTTP 403)", "a refusal is final: import the file, or use a mirror"],
  404: ["has no such file (HTTP 404)", "check the address; a mirror keeps files as sha256/DIGEST"],
  407: ["is behind a proxy that wants a login (HTTP 407)", "import the file, or use a mirror"],
  410: ["no longer has this file (HTTP 410): it was taken away for good", "import the file, or use a mirror"],
};

const isPassing = (status: number): boolean => status === 408 || status === 425 || status === 429 || status >= 500;

export const statusError = (url: string, status: number): CroftError => {
  const [text, hint] = STATUS[status] ?? [`answered HTTP ${status}`, undefined];
  return new CroftError("ARTIFACT", `${url} ${text}`, { transient: isPassing(status), ...(hint === undefined ? {} : { hint }) });
};

export const downgradeError = (url: string, target: string): CroftError =>
  new CroftError("ARTIFACT", `${url} redirects to ${target}, which is not encrypted`, { hint: "nothing was read from there" });

export const redirectError = (url: string): CroftError => new CroftError("ARTIFACT", `${url} redirects too often`);

export const pageError = (url: string): CroftError =>
  new CroftError("ARTIFACT", `${url} answered with a web page, not with the file`, {
    hint: "a proxy or a login page may stand in between: open the address in a browser",
  });

export const shortError = (url: string, received: number, total: number | undefined): CroftError =>
  new CroftError("ARTIFACT", `${url} ended early: ${received} of ${total ?? "unknown"} bytes came`, { transient: true });

export const largeError = (url: string, limit: number): CroftError =>
  new CroftError("ARTIFACT", `${url} sends more than ${limit} bytes; that is not the file`);

export const digestError = (what: string, wanted: string, got: string): CroftError =>
  new CroftError("ARTIFACT", `${what} is not the pinned file`, {
    tail: `wanted ${wanted}\ngot    ${got}`,
    hint: "nothing was kept; do not use that file before you know why it differs",
  });

export const fullError = (folder: string, cause: unknown): CroftError =>
  new CroftError("ARTIFACT", `the disk of ${folder} is full`, { cause, hint: "free some space, then run the same command again" });

const UNREACHABLE = new Set([
  "ENOTFOUND",
  "EAI_AGAIN",
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT",
]);
const BROKEN = new Set(["ECONNRESET", "EPIPE", "UND_ERR_SOCKET", "UND_ERR_BODY_TIMEOUT", "UND_ERR_HEADERS_TIMEOUT"]);

/** The system's code of an error or of what caused it; croft's own codes are not meant. */
export const systemCode = (error: unknown): string | undefined => {
  if (!(error instanceof Error)) return undefined;
  const code: unknown = !(error instanceof CroftError) && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : systemCode(error.cause);
};

/** An error that names its system code and may be tried again where that can help. */
export const networkError = (url: string, cause: unknown): CroftError => {
  if (cause instanceof CroftError) return cause;
  const code = systemCode(cause);
  const { host } = new URL(url);
  if (code !== undefined && UNREACHABLE.has(code)) {
    return new CroftError("ARTIFACT", `${host} cannot be reached (${code})`, {
      hint: "check the network; a host without internet uses `croft up --bundle FILE` or CROFT_MIRROR",
    });
  }
  if (code !== undefined && /CERT|SELF_SIGNED|UNABLE_TO/.test(code)) {
    return new CroftError("ARTIFACT", `the certificate of ${host} is not trusted here (${code})`, {
      hint: "a company's own CA is made known with NODE_EXTRA_CA_CERTS=FILE",
    });
  }
  const broken = code !== undefined && BROKEN.has(code);
  return new CroftError("ARTIFACT", `the connection to ${host} broke${broken ? ` (${code})` : ""}`, { cause, transient: true });
};
