/** The one door of `fastest-levenshtein`: what somebody most likely meant. */
import { distance } from "fastest-levenshtein";

const FARTHEST = 2;
const LONGEST = 64;

/** The nearest of the candidates, at most two edits away and never a wholly different word. */
export const closest = (word: string, candidates: readonly string[]): string | undefined => {
  if (word.length > LONGEST) return undefined;
  const lower = word.toLowerCase();
  const ranked = candidates
    .filter((candidate) => Math.abs(candidate.length - word.length) <= FARTHEST)
    .map((candidate) => ({ candidate, edits: distance(lower, candidate.toLowerCase()) }))
    .filter(({ candidate, edits }) => edits <= FARTHEST && edits < Math.min(candidate.length, word.length))
    .toSorted((a, b) => a.edits - b.edits || (a.candidate < b.candidate ? -1 : 1));
  return ranked[0]?.candidate;
};
