/** What pages of a host may load: of their own host, and of the stores and providers of the apps they belong to. Pure. */
import type { Endpoint } from "../provisioner/model/contribution.ts";
import { safeOrigin } from "./safe.ts";
import type { Safe } from "./safe.ts";

/** Origins beside a page's own, by app. */
export type Origins = { readonly pictures: readonly string[]; readonly calls: readonly string[] };

export const NO_ORIGINS: Origins = { pictures: [], calls: [] };

const originOf = (url: string | undefined): readonly string[] => (url === undefined || !URL.canParse(url) ? [] : [new URL(url).origin]);

/** An app's pages show objects of its buckets, and sign people in at its provider. */
export const originsOf = (endpoints: readonly Endpoint[], app: string): Origins => {
  const own = endpoints.filter((endpoint) => endpoint.app === app);
  const pictures = own.filter(({ name }) => name.startsWith("buckets.")).flatMap(({ properties }) => originOf(properties["endpoint"]));
  const calls = own.filter(({ name }) => name === "oidc").flatMap(({ properties }) => originOf(properties["issuer"]));
  return { pictures: [...new Set(pictures)], calls: [...new Set(calls)] };
};

const words = (origins: readonly string[]): string =>
  [...new Set(origins)]
    .toSorted()
    .map((origin) => ` ${safeOrigin(origin)}`)
    .join("");

/** The text of a Content-Security-Policy for the pages of these apps. */
export const renderPolicy = (origins: readonly Origins[]): Safe => {
  const pictures = words(origins.flatMap((one) => one.pictures));
  const calls = words(origins.flatMap((one) => [...one.pictures, ...one.calls]));
  const frames = words(origins.flatMap((one) => one.calls));
  const parts = [
    "default-src 'self'",
    `img-src 'self' data:${pictures}`,
    ...(pictures === "" ? [] : [`media-src 'self'${pictures}`]),
    ...(calls === "" ? [] : [`connect-src 'self'${calls}`]),
    ...(frames === "" ? [] : [`frame-src 'self'${frames}`]),
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ];
  return parts.join("; ") as Safe;
};
