/** Routes to buckets: their places at the gate, and what the gate is told of each. Pure. */
import type { Endpoint } from "../provisioner/model/contribution.ts";
import { CroftError } from "../provisioner/errors.ts";
import { shortHash, workloadName } from "../provisioner/model/names.ts";
import type { App, BucketTarget, Route } from "../provisioner/model/types.ts";
import type { Shown } from "./gate/settings.ts";
import type { HostRoutes } from "./routes.ts";
import { DEFAULT_TIMEOUT_S } from "./rules.ts";

const timeoutOf = ({ rules }: Route): number => rules?.timeoutSeconds ?? DEFAULT_TIMEOUT_S;

/** One name for all that a route says of its bucket, known to nginx and to the gate. */
export const bucketPlace = (app: App, route: Route, target: BucketTarget): string =>
  `${workloadName(app.name, target.bucket)}-${shortHash(JSON.stringify([target, timeoutOf(route)]), 12)}`;

export type ShownBucket = { readonly place: string; readonly app: App; readonly route: Route; readonly target: BucketTarget };

/** Every bucket that some route shows, once for each way of showing it, by place. */
export const shownBuckets = (hosts: readonly HostRoutes[]): readonly ShownBucket[] => {
  const all = hosts.flatMap(({ locations }) =>
    locations.flatMap(({ target: found }) => {
      if (found?.route.target.kind !== "bucket") return [];
      const { app, route } = found;
      const { target } = found.route;
      return [{ place: bucketPlace(app, route, target), app, route, target }];
    }),
  );
  return [...new Map(all.map((one) => [one.place, one])).values()].toSorted((a, b) => (a.place < b.place ? -1 : 1));
};

/** The key that the object store made for reading, by the endpoint `shown.BUCKET`. */
export const readerOf = (endpoints: readonly Endpoint[], { app, target }: Pick<ShownBucket, "app" | "target">): Endpoint => {
  const found = endpoints.find(({ app: owner, name }) => owner === app.name && name === `shown.${target.bucket}`);
  if (found !== undefined) return found;
  throw new CroftError("CONFIG_INVALID", `a route of ${app.name} leads to the bucket ${target.bucket}, which nothing offers`, {
    hint: "buckets live in the object store: add `objects` under `services`",
  });
};

export const toShown = (endpoint: Endpoint, address: string, { app, route, target }: Omit<ShownBucket, "place">): Shown => {
  const { prefix, index, spa, notFound } = target;
  const { name = "", region = "" } = endpoint.properties;
  return {
    address,
    port: endpoint.port,
    region,
    bucket: name,
    key: workloadName(app.name, target.bucket),
    prefix,
    index,
    spa,
    ...(notFound === undefined ? {} : { notFound }),
    timeoutSeconds: timeoutOf(route),
  };
};
