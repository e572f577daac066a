/** Cookies as browsers send and keep them. Pure. */

/** The prefix makes browsers refuse the cookie from anywhere but this very host over HTTPS. */
export const SESSION_COOKIE = "__Host-croft-session";
export const LOGIN_COOKIE = "__Host-croft-login";

export const readCookie = (header: string | undefined, name: string): string | undefined =>
  header
    ?.split(";")
    .map((part) => part.trim())
    .find((part) => part.startsWith(`${name}=`))
    ?.slice(name.length + 1);

/** `seconds` 0 takes the cookie away. */
export const writeCookie = (name: string, value: string, seconds: number): string =>
  `${name}=${value}; Path=/; Max-Age=${seconds}; Secure; HttpOnly; SameSite=Lax`;

/** Cookies for the workload: without the gate's own. */
export const withoutOwn = (header: string | undefined): string =>
  (header ?? "")
    .split(";")
    .map((part) => part.trim())
    .filter((part) => part !== "" && ![SESSION_COOKIE, LOGIN_COOKIE].some((name) => part.startsWith(`${name}=`)))
    .join("; ");

/** A place on this host to go back to; anything that a browser could read as another host becomes `/`. */
export const safeReturn = (to: string | null | undefined): string => {
  if (to === null || to === undefined || !/^\/(?![/\\])[\x21-\x7e]{0,2000}$/.test(to) || to.includes("\\") || to.startsWith("/_croft/"))
    return "/";
  return to;
};
