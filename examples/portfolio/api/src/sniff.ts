/** What a picture is, told by its first bytes: a name or a header of the client proves nothing. */

/** How many bytes decide. */
export const SNIFF_LENGTH = 32;

const startsWith = (head: Buffer, hex: string, at = 0): boolean => head.subarray(at, at + hex.length / 2).toString("hex") === hex;
const textAt = (head: Buffer, at: number, length: number): string => head.toString("latin1", at, at + length);

/** Undefined for everything else, also for SVG: it can hold a script, and storage has an origin of its own. */
export function sniffPicture(head: Buffer): string | undefined {
  if (startsWith(head, "89504e470d0a1a0a")) return "image/png";
  if (startsWith(head, "ffd8ff")) return "image/jpeg";
  if (/^GIF8[79]a$/.test(textAt(head, 0, 6))) return "image/gif";
  if (textAt(head, 0, 4) === "RIFF" && textAt(head, 8, 4) === "WEBP") return "image/webp";
  if (textAt(head, 4, 4) === "ftyp" && /^avi[fs]$/.test(textAt(head, 8, 4))) return "image/avif";
  return undefined;
}
