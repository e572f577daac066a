/** Pictures in object storage: how they come in, and the signed addresses at which browsers get them. */
import { createHash, randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { makeGate } from "./gate.ts";
import { type Media, toStaticUrl } from "./media.ts";
import { readFiles } from "./multipart.ts";
import type { Objects } from "./objects.ts";
import { HttpError } from "./reply.ts";
import type { Context } from "./router.ts";
import { SNIFF_LENGTH, sniffPicture } from "./sniff.ts";
import type { Sweeper } from "./sweeper.ts";
import { LEASE, type Trash, type Uploaded } from "./trash.ts";

/** Bytes of one file. */
export const FILE_LIMIT = 50 * 1024 * 1024;
/** Uploads that run at once; each holds one part in memory, and what the way to storage copies of it. */
const AT_ONCE = 2;

type Parts = { readonly objects: Objects; readonly trash: Trash; readonly sweeper: Pick<Sweeper, "poke"> };

export function makeStoredMedia({ objects, trash, sweeper }: Parts): Media {
  const gate = makeGate(AT_ONCE);
  const upload = makeUpload(objects, trash, sweeper);
  return {
    getUrl: async (objectKey) => toStaticUrl(objectKey) ?? objects.sign(objectKey),
    tidy: sweeper.poke,
    addContents: ({ request, params: { id = "" } }) =>
      gate(() => upload({ request, field: "photo", folder: `projects/${id}` }, (files) => trash.nameAssets(id, files))),
    setProfileImage: ({ request, params: { id = "" } }) =>
      gate(() =>
        upload({ request, field: "file", folder: `about/${id}` }, ([file, ...more]) => {
          if (file === undefined || more.length > 0) throw new HttpError(400, "one picture is needed, and only one");
          return trash.namePhoto(id, file);
        }),
      ),
  };
}

type Form = { readonly request: Context["request"]; readonly field: string; readonly folder: string };
type Name = (files: readonly Uploaded[]) => Promise<boolean>;

/** First the intention, then the bytes, then the name: wherever it ends, the list of trash knows what has none. */
function makeUpload(objects: Objects, trash: Trash, sweeper: Pick<Sweeper, "poke">) {
  return async ({ request, field, folder }: Form, name: Name): Promise<void> => {
    const [keys, files]: [string[], Uploaded[]] = [[], []];
    // A renewal that fails is not an error yet: naming checks the lease.
    const beat = setInterval(() => void trash.renew(keys).catch(() => undefined), (LEASE * 1000) / 4);
    try {
      await readFiles(request, field, async (file, fileName) => {
        const key = `${folder}/${randomUUID()}`;
        const { type, body } = await open(file);
        await trash.intend(key);
        keys.push(key);
        files.push({ key, fileName: clean(fileName), mimeType: type, ...(await send(objects, key, type, body)) });
      });
      if (files.length === 0) throw new HttpError(400, `no file came in the field ${field}`);
      if (!(await name(files))) throw new HttpError(503, "the upload took too long to be kept, please try again");
    } catch (error) {
      if (keys.length > 0) await trash.discard(keys).then(sweeper.poke, () => undefined);
      throw error;
    } finally {
      clearInterval(beat);
    }
  };
}

async function send(objects: Objects, key: string, type: string, body: AsyncIterable<Buffer>): Promise<Pick<Uploaded, "size" | "sha256">> {
  const hash = createHash("sha256");
  let size = 0;
  let refused: unknown;
  const counted = async function* (): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of body) {
        size += chunk.length;
        if (size > FILE_LIMIT) throw new HttpError(413, `a file may hold at most ${FILE_LIMIT / 1024 / 1024} MiB`);
        hash.update(chunk);
        yield chunk;
      }
    } catch (error) {
      refused = error;
      throw error;
    }
  };
  try {
    await objects.put(key, type, Readable.from(counted(), { objectMode: false }));
  } catch (error) {
    throw refused ?? new HttpError(503, "storage does not take files right now, please try again shortly", { cause: error });
  }
  return { size, sha256: hash.digest("hex") };
}

/** Reads as much as tells what it is; the body begins with that again. */
async function open(file: Readable): Promise<{ readonly type: string; readonly body: AsyncIterable<Buffer> }> {
  const chunks = file.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
  let head = Buffer.alloc(0);
  let next = await chunks.next();
  while (next.done !== true) {
    head = Buffer.concat([head, next.value]);
    if (head.length >= SNIFF_LENGTH) break;
    next = await chunks.next();
  }
  const type = sniffPicture(head);
  if (head.length === 0) throw new HttpError(400, "the file is empty");
  if (type === undefined) throw new HttpError(415, "pictures may be PNG, JPEG, GIF, WebP or AVIF");
  const body = async function* (): AsyncGenerator<Buffer> {
    yield head;
    yield* chunks;
  };
  return { type, body: body() };
}

/** The name is for people, and never part of a key. */
function clean(fileName: string): string {
  return (
    fileName
      .replace(/[\p{Cc}\p{Cs}/\\]/gu, "")
      .trim()
      .slice(0, 200) || "picture"
  );
}
