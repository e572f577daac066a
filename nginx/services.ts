/** Services that the gateway shows under a host of their own: Keycloak, an object store. Pure. */
import type { Endpoint, Published, PublishedPlace } from "../provisioner/model/contribution.ts";
import { shortHash } from "../provisioner/model/names.ts";
import { makeTemplate } from "./handlebars.ts";
import type { Values } from "./handlebars.ts";
import { withSlash } from "./routes.ts";
import type { HostRoutes, HostService } from "./routes.ts";
import { safeHash, safeMethod, safeName, safeNumber, safeOrigin, safePath, safeQueryName, safeRange } from "./safe.ts";
import type { Safe } from "./safe.ts";
import { SERVICE } from "./templates/services.ts";

const template = makeTemplate(SERVICE);

type AddressOf = (machine: string) => string;

/** Machines become ranges of one address. */
const resolve = (published: Published, address: AddressOf): Published => ({
  ...published,
  places: published.places.map((place) =>
    place.free === undefined ? place : { ...place, free: place.free.map((machine) => `${address(machine)}/32`).toSorted() },
  ),
});

/** What endpoints ask the gateway to show. */
export const servicesOf = (endpoints: readonly Endpoint[], address: AddressOf): readonly HostService[] =>
  endpoints.flatMap(({ name, machine, port, published }) =>
    published === undefined
      ? []
      : [{ name: `service-${name.replaceAll(".", "-")}`, address: address(machine), port, published: resolve(published, address) }],
  );

const patternOf = (methods: readonly string[]): Safe => {
  const all = methods.includes("GET") ? [...new Set(["GET", "HEAD", ...methods])] : methods;
  return all.map(safeMethod).join("|") as Safe;
};

const hashOf = (values: readonly string[]): Safe => safeHash(shortHash(JSON.stringify(values), 12));
const freeOf = ({ free = [] }: PublishedPlace): readonly string[] => free;
const corsOf = ({ cors = [], methods }: PublishedPlace): readonly string[] => [...cors, patternOf(methods)];

const renderPlace = ({ name, published }: HostService, place: PublishedPlace): Safe =>
  template({
    name: safeName(name),
    limited: place.methods.length > 0,
    pattern: patternOf(place.methods),
    demands: place.demands.map(safeQueryName),
    demanding: place.demands.length > 0,
    from: place.from.map(safeRange),
    free: freeOf(place).length > 0,
    inside: hashOf(freeOf(place)),
    shared: (place.cors ?? []).length > 0,
    origins: hashOf(corsOf(place)),
    s3: published.dialect === "s3",
    bytes: safeNumber(place.bodyMaxBytes ?? published.bodyMaxBytes),
    seconds: safeNumber(published.timeoutSeconds),
  });

const placesOf = (hosts: readonly HostRoutes[]): readonly PublishedPlace[] =>
  hosts.flatMap(({ service }) => service?.published.places ?? []);
const once = (values: readonly (Values & { readonly name: Safe })[]): readonly Values[] => [
  ...new Map(values.map((value) => [String(value.name), value])).values(),
];

/** Who is inside and whose pages may read, for all places of all services: what nginx keeps beside its servers. */
export const servicesInMain = (
  hosts: readonly HostRoutes[],
): { readonly inside: readonly Values[]; readonly origins: readonly Values[] } => ({
  inside: once(
    placesOf(hosts)
      .filter((place) => freeOf(place).length > 0)
      .map((place) => ({ name: hashOf(freeOf(place)), ranges: freeOf(place).map(safeRange) })),
  ),
  origins: once(
    placesOf(hosts)
      .filter(({ cors = [] }) => cors.length > 0)
      .map((place) => ({
        name: hashOf(corsOf(place)),
        origins: (place.cors ?? []).map(safeOrigin),
        methods: patternOf(place.methods).replaceAll("|", ", ") as Safe,
      })),
  ),
});

type Rendered = { readonly exact: boolean; readonly path: Safe; readonly body: Safe };
const NOTHING_THERE = "        return 404;\n" as Safe;

/** The places that are open; all else of the host is not there. */
export const renderPlaces = (service: HostService): readonly Values[] => {
  const places = service.published.places.map((place): Rendered => ({
    exact: place.exact,
    path: safePath(place.exact ? place.path : withSlash(place.path)),
    body: renderPlace(service, place),
  }));
  const open = places.some(({ exact, path }) => !exact && path === "/");
  return open ? places : [...places, { exact: false, path: safePath("/"), body: NOTHING_THERE }];
};
