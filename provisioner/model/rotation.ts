/** A secret replaced while it is in use: for a while two of its versions are good, and a reference says which one is meant. Pure. */
/**
 * `added`: whoever checks takes both versions, whoever shows one still shows the old. `switched`: the new one is shown, the old
 * one still taken. `kept`: as `switched`, until the next rotation. A secret without a phase has one version.
 */
export type Phase = "added" | "switched" | "kept";

/** Secret to phase: part of a site's state. */
export type Rotating = Readonly<Record<string, Phase>>;

export type Rotation = {
  /** How often it was rotated. What can hold one value only (a login, a key) has two names that take turns by this. */
  readonly turn: number;
  readonly phase: Phase | undefined;
};

/** `NAME` is the newest version, `NAME previous` the one before, `NAME used` the one that is shown at the moment. */
export const SECRET_PARTS = ["previous", "used"] as const;
export type SecretPart = (typeof SECRET_PARTS)[number];

export const splitReference = (reference: string): { readonly name: string; readonly part: SecretPart | undefined } => {
  const [name = "", word] = reference.split(" ");
  return { name, part: SECRET_PARTS.find((part) => part === word) };
};

type Rotates = { readonly rotation?: (name: string) => Rotation };

const STILL: Rotation = { turn: 0, phase: undefined };
export const rotationOf = (versions: Rotates, name: string): Rotation => versions.rotation?.(name) ?? STILL;

export const hasPrevious = ({ phase }: Rotation): boolean => phase !== undefined;

/** The turn of the version that is shown at the moment. */
export const usedTurn = ({ turn, phase }: Rotation): number => (phase === "added" ? turn - 1 : turn);

/** The turn that a reference means; undefined where there is no such version. */
export const turnOf = (part: SecretPart | undefined, rotation: Rotation): number | undefined => {
  if (part === "used") return usedTurn(rotation);
  if (part === "previous") return hasPrevious(rotation) ? rotation.turn - 1 : undefined;
  return rotation.turn;
};

/** What can hold one value only has two names that take turns: `home` and, after every odd turn, `twin`. */
export type Seat = "home" | "twin";
export const seatOf = (turn: number): Seat => (turn % 2 === 0 ? "home" : "twin");

/** Which reference each name holds at the moment: one of them, during a rotation both. */
export const seatsOf = (versions: Rotates, name: string): { readonly [seat in Seat]?: string } => {
  const rotation = rotationOf(versions, name);
  const newest = { [seatOf(rotation.turn)]: name };
  return hasPrevious(rotation) ? { ...newest, [seatOf(rotation.turn - 1)]: `${name} previous` } : newest;
};

/** The name that is used at the moment. */
export const usedSeat = (versions: Rotates, name: string): Seat => seatOf(usedTurn(rotationOf(versions, name)));

/** The template of the version before, or nothing. */
export const previousTemplate = (versions: Rotates, name: string): string =>
  hasPrevious(rotationOf(versions, name)) ? `{{secret ${name} previous}}` : "";

/** References of one secret that stand in a text. */
export const referencesIn = (text: string, name: string): readonly string[] =>
  [name, ...SECRET_PARTS.map((part) => `${name} ${part}`)].filter((reference) => text.includes(`{{secret ${reference}}}`));

type Counted = { readonly rotations: Readonly<Record<string, number>>; readonly rotating?: Rotating };

export const rotationIn = ({ rotations, rotating }: Counted, name: string): Rotation => ({
  turn: rotations[`secret/${name}`] ?? 0,
  phase: rotating?.[name],
});

/** Rotations that a run has to bring further. */
export const pendingRotations = ({ rotating = {} }: Pick<Counted, "rotating">): readonly string[] =>
  Object.entries(rotating).flatMap(([name, phase]) => (phase === "kept" ? [] : [name]));

/** One more version of a secret. `keep`: the one before is good until the next rotation, and there are no further phases. */
export const beginRotation = <T extends Counted>(state: T, name: string, keep: boolean): T => ({
  ...state,
  rotations: { ...state.rotations, [`secret/${name}`]: rotationIn(state, name).turn + 1 },
  rotating: { ...state.rotating, [name]: keep ? "kept" : "added" },
});

const NEXT: Readonly<Record<Phase, Phase | undefined>> = { added: "switched", switched: undefined, kept: "kept" };

/** Every rotation in its next phase: right only where the phase before left nothing to do. */
export const advanceRotations = <T extends Counted>(state: T): T => ({
  ...state,
  rotating: Object.fromEntries(
    Object.entries(state.rotating ?? {}).flatMap(([name, phase]) => (NEXT[phase] === undefined ? [] : [[name, NEXT[phase]]])),
  ),
});

/** Only the rotations of these secrets go on. */
export const keepRotations = <T extends Counted>(state: T, isKnown: (name: string) => boolean): T =>
  Object.keys(state.rotating ?? {}).every(isKnown)
    ? state
    : { ...state, rotating: Object.fromEntries(Object.entries(state.rotating ?? {}).filter(([name]) => isKnown(name))) };

const WORDS: Readonly<Record<Phase, string>> = {
  added: "phase 1 of 3: the new value is taken beside the old one, which is still in use",
  switched: "phase 2 of 3: the new value comes into use, the old one is still taken",
  kept: "the value before is taken until the next rotation",
};

/** One line for each rotation that a plan is part of. */
export const describeRotations = (state: Pick<Counted, "rotating">): readonly string[] =>
  pendingRotations(state).map((name) => `rotation of ${name}, ${WORDS[state.rotating?.[name] ?? "added"]}`);
