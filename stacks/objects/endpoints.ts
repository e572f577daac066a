/** What apps bind to, and what the gateway shows of the store. Pure. */
import type { Endpoint, PublishInput, Published, PublishedPlace } from "../../provisioner/model/contribution.ts";
import { internalDomain, resourceId } from "../../provisioner/model/names.ts";
import { usedSeat } from "../../provisioner/model/rotation.ts";
import type { Model } from "../../provisioner/model/types.ts";
import { PORT, REGION, SERVICE, bucketId, keyId, keyName, readerKeyName, storeId } from "./names.ts";
import { bucketsOf, readersOf } from "./section.ts";
import type { AppBucket, Reader, Section } from "./section.ts";

const SMALLEST_BODY = 1;
const TIMEOUT_SECONDS = 60;

const gatewayOf = (model: Model): string | undefined => model.services["gateway"]?.machine;

/** Machines whose workloads belong to the bucket's app. */
const machinesOf = (model: Model, app: string): readonly string[] => [
  ...new Set(
    model.apps
      .filter(({ name }) => name === app)
      .flatMap(({ workloads }) => workloads.flatMap((workload) => (workload.kind === "node" ? [workload.machine] : []))),
  ),
];

/**
 * The world reads, and writes where `upload`, what somebody with the key signed beforehand. The app's own machines may do
 * all that their key allows; the bucket itself (its list) is for them alone.
 */
const placesOf = (model: Model, bucket: AppBucket): readonly PublishedPlace[] => {
  const free = machinesOf(model, bucket.app);
  const common = { from: [], demands: ["X-Amz-Signature"], bodyMaxBytes: bucket.maxObjectBytes, free };
  const methods = bucket.upload ? ["GET", "HEAD", "PUT"] : ["GET", "HEAD"];
  return [
    ...(free.length === 0 ? [] : [{ ...common, path: `/${bucket.full}`, exact: true, methods: ["OPTIONS"] }]),
    { ...common, path: `/${bucket.full}/`, exact: false, methods, cors: bucket.cors },
  ];
};

const publishedOf = (model: Model, section: Section, buckets: readonly AppBucket[]): Published => ({
  host: section.host,
  places: buckets.flatMap((bucket) => placesOf(model, bucket)),
  bodyMaxBytes: SMALLEST_BODY,
  timeoutSeconds: TIMEOUT_SECONDS,
  dialect: "s3",
});

const storeEndpoint = (model: Model, section: Section): Endpoint => {
  const host = `${SERVICE}.${internalDomain}`;
  const edge = gatewayOf(model);
  const buckets = bucketsOf(model);
  return {
    name: SERVICE,
    machine: section.machine,
    port: PORT,
    protocol: "http",
    properties: { url: `http://${host}:${PORT}`, host, program: section.program },
    secrets: [],
    needs: [storeId],
    ...(edge === undefined ? {} : { published: publishedOf(model, section, buckets) }),
  };
};

/** Signatures cover the host, so an app that signs addresses for the world must itself use the public name. */
const bucketEndpoint = ({ model, versions }: PublishInput, section: Section, bucket: AppBucket): Endpoint => {
  const edge = gatewayOf(model);
  const secret = `{{secret ${bucket.secret} used}}`;
  const key = keyName(bucket.full, usedSeat(versions, bucket.secret));
  const place =
    edge === undefined
      ? { machine: section.machine, port: PORT, protocol: "http", url: `http://${SERVICE}.${internalDomain}:${PORT}`, needs: [] }
      : { machine: edge, port: 443, protocol: "https", url: `https://${section.host}`, needs: [resourceId("generation", edge)] };
  return {
    app: bucket.app,
    name: `buckets.${bucket.name}`,
    machine: place.machine,
    port: place.port,
    protocol: place.protocol,
    properties: { name: bucket.full, endpoint: place.url, region: REGION, accessKey: key, secretKey: secret },
    secrets: [bucket.secret],
    needs: [bucketId(bucket.full), ...(section.program === "minio" ? [keyId(key)] : []), ...place.needs],
  };
};

/** For the gateway alone, which reads inside the site. It waits for nothing: until the key is there, nothing is. */
const readerEndpoint = ({ versions }: PublishInput, { machine }: Section, { bucket, secret }: Reader): Endpoint => ({
  app: bucket.app,
  name: `shown.${bucket.name}`,
  machine,
  port: PORT,
  protocol: "http",
  properties: {
    name: bucket.full,
    region: REGION,
    accessKey: readerKeyName(bucket.full, usedSeat(versions, secret)),
    secretKey: `{{secret ${secret} used}}`,
  },
  secrets: [secret],
  needs: [],
});

export const endpointsOf = (input: PublishInput, section: Section): readonly Endpoint[] => [
  storeEndpoint(input.model, section),
  ...bucketsOf(input.model).map((bucket) => bucketEndpoint(input, section, bucket)),
  ...readersOf(input.model).map((reader) => readerEndpoint(input, section, reader)),
];
