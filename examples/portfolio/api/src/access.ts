import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { HttpError } from "./reply.ts";

export const ADMIN_ROLE = "portfolio-admin";

/** `open`: no key. `public`: a key where keys are set. `admin`: also the role. */
export type Access = "open" | "public" | "admin";

export type Caller = { readonly admin: boolean };

const NOBODY: Caller = { admin: false };

export type Gatekeeper = (access: Access, headers: IncomingHttpHeaders) => Caller;

/** Roles are the gateway's word, and the key is how the gateway is known: no key, no roles. */
export function makeGatekeeper(keys: readonly string[] | undefined): Gatekeeper {
  const digests = keys?.map(digest);
  return (access, headers) => {
    if (access === "open") return NOBODY;
    const caller = digests === undefined ? NOBODY : identify(digests, headers);
    if (access === "admin") requireAdmin(caller);
    return caller;
  };
}

export function requireAdmin(caller: Caller): void {
  if (!caller.admin) throw new HttpError(403, `this needs the role ${ADMIN_ROLE}`);
}

function identify(digests: readonly Buffer[], headers: IncomingHttpHeaders): Caller {
  const offered = headers["x-api-key"];
  if (typeof offered !== "string" || !isKnown(digests, digest(offered))) throw new HttpError(401, "a valid API key is needed");
  const roles = String(headers["x-auth-roles"] ?? "").split(/[\s,]+/);
  return { admin: roles.includes(ADMIN_ROLE) };
}

/** Compares with every key, so the time taken says nothing about which one matched. */
function isKnown(digests: readonly Buffer[], offered: Buffer): boolean {
  return digests.reduce((known, each) => timingSafeEqual(each, offered) || known, false);
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
