/** Names of the object store and of what an app gets from it. Pure. */
import { resourceId, shortHash } from "../../provisioner/model/names.ts";
import type { Seat } from "../../provisioner/model/rotation.ts";
import type { ResourceId } from "../../provisioner/plan/resource.ts";

export const SERVICE = "objects";
export const PORT = 9000;
export const REGION = "us-east-1";
export const UNIT = "croft-objects.service";
/** Where the disk is mounted, and how the service sees it: systemd gives it to whoever the unit runs as. */
export const DATA_MOUNT = "/var/lib/private/objects";
export const STATE_FOLDER = "objects";
export const MOUNT_UNIT = "var-lib-private-objects.mount";
export const IDENTITY_SLOT = "objects-identity";
export const IDENTITY_FOLDER = `/etc/croft/slots/${IDENTITY_SLOT}/current`;
/** Croft's own key: may do everything, and is used only over SSH and by probes on the machine. */
export const ADMIN_KEY = "croft";
export const ADMIN_SECRET = "objects/admin";
export const PROBE_BUCKET = "croft-probe";

const LONGEST_BUCKET = 63;
const HASH = 8;

/** `portfolio-media`: buckets share one space of names, so each carries its app's. */
export const bucketName = (app: string, bucket: string): string => {
  const full = `${app}-${bucket}`;
  return full.length <= LONGEST_BUCKET ? full : `${full.slice(0, LONGEST_BUCKET - HASH - 1)}-${shortHash(full, HASH)}`;
};

/** A key is called as its bucket; while it is rotated there is a second one, by a name that no bucket can have. */
export const keyName = (full: string, seat: Seat): string => (seat === "home" ? full : `${full}_b`);

export const keySecret = (app: string, bucket: string): string => `objects/${app}/${bucket}`;

/** The gateway's own key for a bucket that a route shows: it reads and does nothing else. No bucket can have its name. */
export const readerKeyName = (full: string, seat: Seat): string => `${full}_${seat === "home" ? "r" : "rb"}`;

export const readerSecret = (app: string, bucket: string): string => `${keySecret(app, bucket)}/reader`;

export const storeId: ResourceId = resourceId("object-store", SERVICE);
export const bucketId = (name: string): ResourceId => resourceId("bucket", name);
export const keyId = (name: string): ResourceId => resourceId("bucket-key", name);
