/** Secrets that somebody wrote in clear: found by their shape, never shown. */

export type FoundSecret = { readonly what: string; readonly start: number; readonly end: number; readonly masked: string };

type Shape = { readonly what: string; readonly pattern: RegExp; readonly keep: number };

/** `keep`: how many leading characters may be shown, none of them secret. */
const SHAPES: readonly Shape[] = [
  { what: "a private key", pattern: /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[^]*?(?:-----END [A-Z0-9 ]{0,40}-----|$)/g, keep: 10 },
  { what: "an age secret key", pattern: /AGE-SECRET-KEY-1[0-9A-Za-z]{8,}/g, keep: 16 },
  { what: "an AWS access key", pattern: /(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{12,}/g, keep: 4 },
  { what: "a GitHub token", pattern: /(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})/g, keep: 4 },
  { what: "a Slack token", pattern: /(?<![A-Za-z0-9])xox[abprs]-[A-Za-z0-9-]{10,}/g, keep: 4 },
  { what: "a Stripe key", pattern: /(?<![A-Za-z0-9])[sr]k_live_[A-Za-z0-9]{10,}/g, keep: 8 },
];

/** The password of `scheme://user:password@host`; bindings and variables are none. */
const URL_PASSWORD = /(?<=:\/\/[^\s:@/"'{}]{0,100}:)(?![${])[^\s@/"'{}]{1,200}(?=@)/g;

const findShape = (text: string, { what, pattern, keep }: Shape): readonly FoundSecret[] =>
  [...text.matchAll(pattern)].map((match) => ({
    what,
    start: match.index,
    end: match.index + match[0].length,
    masked: `${match[0].slice(0, keep)}****`,
  }));

/** Secrets in a text, by position. */
export const findSecrets = (text: string): readonly FoundSecret[] =>
  SHAPES.flatMap((shape) => findShape(text, shape)).toSorted((a, b) => a.start - b.start);

export const findPasswords = (text: string): readonly FoundSecret[] =>
  findShape(text, { what: "a password", pattern: URL_PASSWORD, keep: 0 });

/** For messages: `AKIA****`. */
export const maskSecrets = (text: string): string => {
  const masked = SHAPES.reduce((result, { pattern, keep }) => result.replaceAll(pattern, (found) => `${found.slice(0, keep)}****`), text);
  return masked.replaceAll(URL_PASSWORD, "****");
};

/** For code frames: the same length, so that columns still fit; line ends stay. */
export const maskInPlace = (text: string): string => {
  const stars = (found: string, keep: number): string => found.slice(0, keep) + found.slice(keep).replaceAll(/[^\n]/g, "*");
  const masked = SHAPES.reduce((result, { pattern, keep }) => result.replaceAll(pattern, (found) => stars(found, keep)), text);
  return masked.replaceAll(URL_PASSWORD, (found) => stars(found, 0));
};
