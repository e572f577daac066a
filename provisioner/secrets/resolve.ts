/** Fills the markers of a template where its text is written, and nowhere before. */
import { CroftError } from "../errors.ts";
import type { Template } from "../model/contribution.ts";
import { SECRET_PARTS } from "../model/rotation.ts";
import { Secret } from "./secret.ts";

export type CertificatePart = "chain" | "key";

export type Readers = {
  /** The value of the version that this run wants, or of `NAME previous`, `NAME used`. */
  readonly secret: (reference: string) => Promise<Secret>;
  readonly certificate: (name: string, part: CertificatePart) => Promise<Secret>;
  /** The CA's certificates, PEM. */
  readonly authority: () => Promise<string>;
};

export type Marker =
  | { readonly kind: "secret"; readonly name: string }
  | { readonly kind: "certificate"; readonly name: string; readonly part: CertificatePart }
  | { readonly kind: "authority" };

type Piece = { readonly text: string } | { readonly marker: Marker };

const NAME = /^[a-z0-9][a-z0-9._/-]*$/;

/** @throws CroftError BUG where it is no marker that croft knows. */
const parseMarker = (inner: string): Marker => {
  const [kind, name = "", part, ...rest] = inner.trim().split(/\s+/);
  if (rest.length === 0 && (name === "" || NAME.test(name))) {
    if (kind === "authority" && name === "") return { kind };
    if (kind === "secret" && name !== "" && part === undefined) return { kind, name };
    if (kind === "secret" && SECRET_PARTS.some((known) => known === part)) return { kind, name: `${name} ${part}` };
    if (kind === "certificate" && (part === "chain" || part === "key")) return { kind, name, part };
  }
  throw new CroftError("BUG", `a template holds the unknown marker {{${inner}}}`);
};

const refuseBraces = (text: string): string => {
  if (!text.includes("{{")) return text;
  throw new CroftError("BUG", "a template holds {{ without its }}");
};

/** Splits at `{{…}}`: every second piece is a marker. */
const toPieces = (template: Template): readonly Piece[] =>
  template
    .split(/\{\{([^{}]*)\}\}/)
    .map((piece, index) => (index % 2 === 0 ? { text: refuseBraces(piece) } : { marker: parseMarker(piece) }));

/** What a template asks for. @throws CroftError BUG on an unknown marker. */
export const markersOf = (template: Template): readonly Marker[] =>
  toPieces(template).flatMap((piece) => ("marker" in piece ? [piece.marker] : []));

const readMarker = async (marker: Marker, readers: Readers): Promise<string> => {
  switch (marker.kind) {
    case "secret":
      return (await readers.secret(marker.name)).reveal();
    case "certificate":
      return (await readers.certificate(marker.name, marker.part)).reveal();
    case "authority":
      return readers.authority();
  }
};

/** A filled-in value is never looked at again, so a value that looks like a marker stays as it is. */
export const resolveTemplate = async (template: Template, readers: Readers): Promise<Secret> => {
  const texts = toPieces(template).map((piece) => ("marker" in piece ? readMarker(piece.marker, readers) : Promise.resolve(piece.text)));
  return new Secret((await Promise.all(texts)).join(""));
};
