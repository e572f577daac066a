/** The address of another host, as `--on` gets it. Pure. */
import { CroftError } from "../../errors.ts";

export type Address = { readonly user: string; readonly host: string; readonly port: number };

const SSH_PORT = 22;
const EXAMPLE = "--on ssh://root@metal1 or ssh://root@metal1:2222";

const refuse = (text: string, why: string): CroftError => new CroftError("USAGE", `\`${text}\` ${why}`, { hint: EXAMPLE });

const parseUrl = (text: string): URL => {
  const url = URL.parse(text);
  if (url === null || url.hostname === "") throw refuse(text, "is not the address of a host");
  return url;
};

/** `ssh://[USER@]HOST[:PORT]`; root and 22 by default. @throws CroftError USAGE */
export const parseAddress = (text: string): Address => {
  if (!text.startsWith("ssh://")) throw refuse(text, "does not start with ssh://");
  const url = parseUrl(text);
  if (url.password !== "") throw refuse(text.replace(/:[^:@/]*@/, ":…@"), "holds a password; croft logs in with keys only");
  if ((url.pathname !== "" && url.pathname !== "/") || url.search !== "" || url.hash !== "")
    throw refuse(text, "holds more than user, host and port");
  if (url.hostname.startsWith("-")) throw refuse(text, "is not the address of a host");
  return {
    user: url.username === "" ? "root" : decodeURIComponent(url.username),
    host: url.hostname.replace(/^\[(.*)\]$/, "$1").toLowerCase(),
    port: url.port === "" ? SSH_PORT : Number(url.port),
  };
};

/** A host written with or without `ssh://` and user. */
export const parseHost = (text: string): Address => parseAddress(text.includes("://") ? text : `ssh://${text}`);

/** What pins are kept under: keys belong to hosts, not to users. */
export const hostName = ({ host, port }: Address): string =>
  port === SSH_PORT ? host : `${host.includes(":") ? `[${host}]` : host}:${port}`;

export const renderAddress = (address: Address): string =>
  `ssh://${encodeURIComponent(address.user)}@${address.host.includes(":") ? `[${address.host}]` : address.host}${address.port === SSH_PORT ? "" : `:${address.port}`}`;
