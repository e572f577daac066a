/**
 * Where the bytes of pictures live. A key that begins with `static:` names a file of the site
 * itself; every other key belongs to object storage, which is one more implementation of `Media`.
 */
import { HttpError } from "./reply.ts";
import type { Context } from "./router.ts";

/** Uploads of `Media` throw HttpError and leave nothing behind where they do. */
export type Media = {
  /** The address a browser may load now; empty where the object cannot be reached. */
  readonly getUrl: (objectKey: string) => Promise<string>;
  /** Any number of pictures to the project `id`; they come after those it has. */
  readonly addContents: (context: Context) => Promise<void>;
  readonly setProfileImage: (context: Context) => Promise<void>;
  /** Something may have become nobody's. */
  readonly tidy: () => void;
};

const STATIC = "static:";

export function makeStaticMedia(): Media {
  return {
    getUrl: async (objectKey) => toStaticUrl(objectKey) ?? "",
    addContents: refuse,
    setProfileImage: refuse,
    tidy: () => undefined,
  };
}

/** Undefined for keys of object storage. */
export function toStaticUrl(objectKey: string): string | undefined {
  return objectKey.startsWith(STATIC) ? objectKey.slice(STATIC.length) : undefined;
}

async function refuse(): Promise<never> {
  throw new HttpError(501, "uploads need object storage, which this installation does not have");
}
