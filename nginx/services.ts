/** Services that the gateway shows under a host of their own: Keycloak, an object store. Pure. */
import type { Endpoint, PublishedPlace } from "../provisioner/model/contribution.ts";
import { makeTemplate } from "./handlebars.ts";
import type { Values } from "./handlebars.ts";
import { withSlash } from "./routes.ts";
import type { HostService } from "./routes.ts";
import { safeMethod, safeName, safeNumber, safePath, safeQueryName, safeRange } from "./safe.ts";
import type { Safe } from "./safe.ts";
import { SERVICE } from "./templates/services.ts";

const template = makeTemplate(SERVICE);

/** What endpoints ask the gateway to show. */
export const servicesOf = (endpoints: readonly Endpoint[], address: (machine: string) => string): readonly HostService[] =>
  endpoints.flatMap(({ name, machine, port, published }) =>
    published === undefined ? [] : [{ name: `service-${name.replaceAll(".", "-")}`, address: address(machine), port, published }],
  );

const patternOf = (methods: readonly string[]): Safe => {
  const all = methods.includes("GET") ? [...new Set(["GET", "HEAD", ...methods])] : methods;
  return all.map(safeMethod).join("|") as Safe;
};

const renderPlace = ({ name, published }: HostService, place: PublishedPlace): Safe =>
  template({
    name: safeName(name),
    limited: place.methods.length > 0,
    pattern: patternOf(place.methods),
    demands: place.demands.map(safeQueryName),
    from: place.from.map(safeRange),
    bytes: safeNumber(published.bodyMaxBytes),
    seconds: safeNumber(published.timeoutSeconds),
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
