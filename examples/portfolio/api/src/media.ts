/**
 * Where the bytes of pictures live. A key that begins with `static:` names a file of the site
 * itself; every other key belongs to object storage, which is one more implementation of `Media`.
 */
import { HttpError, type Reply } from "./reply.ts";
import type { Context } from "./router.ts";

export type Media = {
  /** The address a browser may load now; empty where the object cannot be reached. */
  readonly getUrl: (objectKey: string) => Promise<string>;
  readonly addContents: (context: Context) => Promise<Reply>;
  readonly setProfileImage: (context: Context) => Promise<Reply>;
};

const STATIC = "static:";

export function makeStaticMedia(): Media {
  return {
    getUrl: async (objectKey) => (objectKey.startsWith(STATIC) ? objectKey.slice(STATIC.length) : ""),
    addContents: refuse,
    setProfileImage: refuse,
  };
}

async function refuse(): Promise<Reply> {
  throw new HttpError(501, "uploads need object storage, which this installation does not have");
}
