/** The object store as resources: the service on its machine, a bucket and a key for each that an app asks for. Pure. */
import { makeSlot } from "../../provisioner/machine/slot-resource.ts";
import { emptyContribution } from "../../provisioner/model/contribution.ts";
import type { Contribution, DesireInput, Domain } from "../../provisioner/model/contribution.ts";
import { diskSerial, resourceId } from "../../provisioner/model/names.ts";
import { seatsOf } from "../../provisioner/model/rotation.ts";
import type { Seat } from "../../provisioner/model/rotation.ts";
import type { Machine } from "../../provisioner/model/types.ts";
import type { Resource } from "../../provisioner/plan/resource.ts";
import { secretId, secretResource } from "../../provisioner/secrets/resource.ts";
import { endpointsOf } from "./endpoints.ts";
import { ADMIN_SECRET, PORT, SERVICE, bucketId, keyId, keyName, readerKeyName, storeId } from "./names.ts";
import { IDENTITY, partOf } from "./part.ts";
import { policyOf, policyText, readerPolicyOf } from "./policy.ts";
import { SEAWEED_PORTS, renderIdentity } from "./render.ts";
import { PROGRAMS, bucketsOf, machineOf, readersOf, sectionOf, settleObjects } from "./section.ts";
import type { AppBucket, Reader, Section } from "./section.ts";

type Place = {
  readonly input: DesireInput;
  readonly section: Section;
  readonly machine: Machine;
  readonly buckets: readonly AppBucket[];
  readonly readers: readonly Reader[];
};

/** What all resources inside the store share: they live on its disk and are seen through its machine. */
const inside = ({ section, machine }: Place) => {
  const disk = resourceId("disk", `${section.machine}-${section.disk}`);
  return { host: machine.host, lostWith: [disk], keptWith: [disk] };
};

const secretsOf = (place: Place): readonly Resource[] => {
  const { versions, model } = place.input;
  const host = model.hosts[0]?.name ?? "local";
  const { keptWith } = inside(place);
  // SeaweedFS reads its keys when it starts: a rotation would interrupt it.
  const rotated = place.section.program === "minio";
  const owned = [
    ...place.buckets.map(({ secret, app, name }) => ({ secret, app, part: name })),
    ...place.readers.map(({ secret, bucket: { app, name } }) => ({ secret, app, part: `${name}/reader` })),
  ];
  const ofBucket = ({ secret, app, part }: (typeof owned)[number]): Resource => ({
    ...secretResource({
      name: secret,
      form: "password",
      versions,
      host,
      ...(rotated ? { rotates: { kind: "s3" as const, app, part } } : {}),
    }),
    keptWith,
  });
  return [{ ...secretResource({ name: ADMIN_SECRET, form: "password", versions, host }), keptWith }, ...owned.map(ofBucket)];
};

/** SeaweedFS reads every key from its file; MinIO only croft's own. */
const slotOf = ({ input, section, machine, buckets, readers }: Place): Resource => {
  const secrets = section.program === "minio" ? [ADMIN_SECRET] : [ADMIN_SECRET, ...[...buckets, ...readers].map(({ secret }) => secret)];
  return makeSlot({
    machine: section.machine,
    host: machine.host,
    slot: IDENTITY,
    files: renderIdentity(section.program, buckets, readers),
    versions: secrets.map((name) => input.versions.of("secret", name)),
    needs: secrets.map(secretId),
  });
};

const ARCHIVED = "the object store is MinIO, whose authors archived the project in 2026: it gets no further fixes";

const storeOf = (place: Place): Resource => {
  const { section, input } = place;
  return {
    ...inside(place),
    id: storeId,
    kind: "object-store",
    spec: { machine: section.machine, address: input.address(section.machine), port: PORT, program: section.program, anonymous: "refused" },
    needs: [resourceId("generation", section.machine)],
    ...(section.program === "minio" ? { warnings: [`${ARCHIVED} (${section.reason})`] } : {}),
  };
};

type Key = {
  readonly bucket: AppBucket;
  readonly secret: string;
  readonly nameOf: (full: string, seat: Seat) => string;
  readonly policy: unknown;
};

/** One key, or while its secret is rotated two. */
const keyResources = (place: Place, { bucket, secret, nameOf, policy }: Key): readonly Resource[] => {
  const { section, input } = place;
  const at = { machine: section.machine, address: input.address(section.machine), port: PORT };
  return Object.entries(seatsOf(input.versions, secret)).map(([seat, reference]): Resource => {
    const key = nameOf(bucket.full, seat as Seat);
    return {
      ...inside(place),
      id: keyId(key),
      kind: "bucket-key",
      spec: {
        ...at,
        key,
        enabled: true,
        groups: [],
        policies: [key],
        policy: policyText(policy),
        secret: input.versions.of("secret", reference),
      },
      payload: { secret: reference, bucket: bucket.full } satisfies KeyPayload,
      needs: [storeId, secretId(secret), secretId(ADMIN_SECRET)],
    };
  });
};

const bucketResources = (place: Place, bucket: AppBucket): readonly Resource[] => {
  const { section, input } = place;
  const at = { machine: section.machine, address: input.address(section.machine), port: PORT };
  const own: Resource = {
    ...inside(place),
    id: bucketId(bucket.full),
    kind: "bucket",
    spec: { ...at, name: bucket.full, policy: "none" },
    needs: [storeId, secretId(ADMIN_SECRET)],
    data: true,
  };
  if (section.program !== "minio") return [own];
  const reader = place.readers.find((one) => one.bucket.full === bucket.full);
  const keys = [
    ...keyResources(place, { bucket, secret: bucket.secret, nameOf: keyName, policy: policyOf(bucket.full) }),
    ...(reader === undefined
      ? []
      : keyResources(place, { ...reader, nameOf: readerKeyName, policy: readerPolicyOf(bucket.full, reader.prefixes) })),
  ];
  return [own, ...keys];
};

/** Which secret is behind the key, and where to try it. */
export type KeyPayload = { readonly secret: string; readonly bucket: string };

const desire = (input: DesireInput): Contribution => {
  const { model } = input;
  const section = sectionOf(model);
  if (section === undefined) return emptyContribution;
  const machine = machineOf(model, section);
  const place: Place = { input, section, machine, buckets: bucketsOf(model), readers: readersOf(model) };
  const serial = diskSerial({ site: model.site, environment: model.environment }, `${section.machine}-${section.disk}`);
  const settings = {
    program: section.program,
    address: input.address(section.machine),
    memoryBytes: machine.memoryBytes,
    device: `/dev/disk/by-id/virtio-${serial}`,
  };
  return {
    parts: [partOf(section, settings)],
    flows: [],
    resources: [...secretsOf(place), slotOf(place), storeOf(place), ...place.buckets.flatMap((bucket) => bucketResources(place, bucket))],
  };
};

export const objectsDomain: Domain = {
  name: SERVICE,
  // Which program it is, is decided later: those of both.
  ports: [PORT, ...Object.values(SEAWEED_PORTS).flatMap((port) => [port, port + 10_000])],
  leastMemoryBytes: 128 * 1024 ** 2,
  schema: {
    type: "object",
    description: "An S3 object store on one machine, its data on one of the machine's disks.",
    required: ["disk"],
    properties: {
      disk: {
        type: "string",
        format: "disk-name",
        description: "The data disk of the machine that holds the objects.",
        examples: ["objects"],
      },
      program: {
        type: "array",
        uniqueItems: true,
        minItems: 1,
        default: [...PROGRAMS],
        description: "Programs in order of preference: the first that can be had here is used, and stays.",
        examples: [["seaweedfs", "minio"]],
        items: { type: "string", enum: [...PROGRAMS], description: "A program.", examples: ["minio"] },
      },
      host: {
        type: "string",
        format: "name",
        default: "s3",
        description: "Its public host, below the site's domain.",
        examples: ["s3"],
      },
    },
  },
  settle: settleObjects,
  roles: (model) => {
    const section = sectionOf(model);
    return section === undefined ? [] : [{ machine: section.machine, role: section.program }];
  },
  publish: (input) => {
    const section = sectionOf(input.model);
    return section === undefined ? [] : endpointsOf(input, section);
  },
  desire,
};
