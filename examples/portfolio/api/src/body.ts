import type { IncomingMessage } from "node:http";
import { HttpError } from "./reply.ts";

/** Bytes of a JSON body. */
export const BODY_LIMIT = 1024 * 1024;

/** Reads a JSON body of at most BODY_LIMIT bytes. Throws HttpError 400, 413 or 415. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const type = (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") throw new HttpError(415, "the body must be application/json");
  if (Number(request.headers["content-length"] ?? 0) > BODY_LIMIT) throw tooLarge();
  return parseJson(await readBytes(request));
}

async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // Leaving the loop early must not destroy the socket: the answer still has to go out.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      size += (chunk as Buffer).length;
      if (size > BODY_LIMIT) throw tooLarge();
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new HttpError(400, "the body ended early", { cause: error });
  }
  return Buffer.concat(chunks);
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new HttpError(400, "the body is not valid JSON", { cause: error });
  }
}

/** The rest of the body is not worth reading, so the connection ends with the answer. */
function tooLarge(): HttpError {
  return new HttpError(413, `the body may hold at most ${BODY_LIMIT} bytes`, { headers: { Connection: "close" } });
}
