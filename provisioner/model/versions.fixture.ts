/** Versions of a made-up site, by how often each secret was rotated and what rotates now. */
import type { Versions } from "./contribution.ts";
import { shortHash } from "./names.ts";
import { splitReference, turnOf } from "./rotation.ts";
import type { Rotating, Rotation } from "./rotation.ts";

export const countedVersions = (rotations: Readonly<Record<string, number>>, rotating: Rotating = {}): Versions => {
  const rotation = (name: string): Rotation => ({ turn: rotations[name] ?? 0, phase: rotating[name] });
  return {
    of: (kind, reference) => {
      const { name, part } = splitReference(reference);
      return shortHash(`${kind}/${name}/${turnOf(part, rotation(name)) ?? 0}`, 8);
    },
    rotation,
  };
};
