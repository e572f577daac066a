/** What a rule says about a text: the place is counted inside it. */
import type { Code } from "./codes.ts";

export type Flaw = {
  readonly code: Code;
  readonly message: string;
  readonly at: number;
  readonly length: number;
  readonly hint?: string;
  readonly help?: string;
};

/** Undefined: nothing is wrong. */
export type Rule = (text: string) => Flaw | undefined;

export const flaw = (
  code: Code,
  message: string,
  at: number,
  length: number,
  more: { readonly hint?: string; readonly help?: string } = {},
): Flaw => ({ code, message, at, length: Math.max(length, 1), ...more });
