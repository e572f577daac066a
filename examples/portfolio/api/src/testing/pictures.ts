/** Real pictures of every size, made here. */
import { crc32, deflateSync } from "node:zlib";

/** A PNG of one colour. */
export function makePng(width = 8, height = 8, [red, green, blue]: readonly [number, number, number] = [184, 58, 31]): Buffer {
  const row = Buffer.concat([Buffer.from([0]), ...Array.from({ length: width }, () => Buffer.from([red, green, blue]))]);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const rows = deflateSync(Buffer.concat(Array.from({ length: height }, () => row)));
  return Buffer.concat([
    Buffer.from("89504e470d0a1a0a", "hex"),
    chunk("IHDR", header),
    chunk("IDAT", rows),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** The same picture as a file of `size` bytes: programs that show it pass over what follows the end. */
export function padPng(size: number): Buffer {
  const picture = makePng();
  return Buffer.concat([picture, Buffer.alloc(size - picture.length, "filling ")]);
}

function chunk(type: string, data: Buffer): Buffer {
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  const body = Buffer.concat([Buffer.from(type), data]);
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
