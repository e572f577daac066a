/** A multipart body, file by file, never held whole: the sender is read only as fast as the files are taken. */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { Busboy, type BusboyInstance } from "@fastify/busboy";
import { HttpError } from "./reply.ts";

export type Receive = (file: Readable, name: string) => Promise<void>;

const LIMITS = { fieldNameSize: 100, fieldSize: 1024, fields: 20, headerPairs: 20, headerSize: 8 * 1024 };

/** What a sender may still send after the answer is known, so that it comes to read it: bytes and milliseconds. */
const DRAIN_BYTES = 128 * 1024 * 1024;
const DRAIN_TIME = 20_000;

/** Gives every file of `field` to `receive`, one after another. Throws HttpError 400 or 415, or what `receive` threw. */
export async function readFiles(request: IncomingMessage, field: string, receive: Receive): Promise<void> {
  const parser = openParser(request);
  const open = new Set<Readable>();
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => undefined);
  let [earlier, last] = [Promise.resolve(), Promise.resolve()];
  parser.on("file", (name, file, fileName) => {
    open.add(file.on("error", failure.reject));
    earlier = last;
    last = earlier.then(async () => {
      if (name !== field) throw new HttpError(400, `files belong into the field ${field}`);
      await receive(file, fileName ?? "");
      open.delete(file);
    });
    last.catch(failure.reject);
  });
  parser.on("error", (error) => failure.reject(malformed(error)));
  try {
    await feed(request, parser, () => Promise.race([failure.promise, earlier]), failure.promise);
    await last;
  } catch (error) {
    for (const file of open) file.destroy(malformed(error));
    await last.catch(() => undefined);
    await drain(request);
    throw error;
  }
}

function openParser(request: IncomingMessage): BusboyInstance {
  const type = request.headers["content-type"] ?? "";
  if (!/^multipart\/form-data\s*;/i.test(type)) throw new HttpError(415, "the body must be multipart/form-data");
  try {
    return new Busboy({ headers: { ...request.headers, "content-type": type }, limits: LIMITS });
  } catch (error) {
    throw malformed(error);
  }
}

/** Many small files of one chunk wait in memory, but never those of a second one. */
async function feed(request: IncomingMessage, parser: BusboyInstance, settle: () => Promise<void>, failure: Promise<never>): Promise<void> {
  const finished = once(parser, "finish");
  finished.catch(() => undefined);
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      if (!parser.write(chunk)) await Promise.race([once(parser, "drain"), failure]);
      await settle();
    }
  } catch (error) {
    throw error instanceof HttpError || !request.destroyed ? error : malformed(error);
  }
  parser.end();
  await Promise.race([finished, failure]);
}

/** Lets the sender finish, within limits: who is still sending does not read an answer. */
async function drain(request: IncomingMessage): Promise<void> {
  if (request.destroyed || request.readableEnded) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  let left = DRAIN_BYTES;
  const timer = setTimeout(resolve, DRAIN_TIME);
  request.on("data", (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) resolve();
  });
  for (const event of ["end", "close", "error"]) request.once(event, () => resolve());
  request.resume();
  await promise;
  clearTimeout(timer);
}

function malformed(cause: unknown): HttpError {
  return cause instanceof HttpError ? cause : new HttpError(400, "the form is damaged or ended early", { cause });
}
