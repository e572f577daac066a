/** A problem, in two shapes: a finding points into the text by offsets, a problem by lines and columns. */
import type { Code } from "./codes.ts";
import { maskSecrets } from "./mask.ts";
import { showText, type Place, type Span, type Text } from "./text.ts";

export type Finding = {
  readonly code: Code;
  readonly message: string;
  readonly span: Span;
  /** Said beside the carets: what to write instead. */
  readonly hint?: string;
  /** Said below the frame: what is allowed, which command to run. */
  readonly help?: string;
  readonly related?: readonly { readonly span: Span; readonly label: string }[];
  readonly severity?: "warning";
};

export type Problem = {
  readonly code: Code;
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly place: Place;
  readonly hint?: string;
  readonly help?: string;
  readonly related: readonly { readonly place: Place; readonly label: string }[];
};

/** Whatever a message was made of, nothing unseen and no secret leaves here. */
const safe = (text: string): string => showText(maskSecrets(text));

export const toProblem = (finding: Finding, text: Text): Problem => ({
  code: finding.code,
  severity: finding.severity ?? "error",
  message: safe(finding.message),
  place: text.place(finding.span),
  ...(finding.hint === undefined ? {} : { hint: safe(finding.hint) }),
  ...(finding.help === undefined ? {} : { help: safe(finding.help) }),
  related: (finding.related ?? []).map(({ span, label }) => ({ place: text.place(span), label: safe(label) })),
});

/** Where a place is named is no difference: one unknown key is seen by every environment. */
const keyOf = ({ code, message, span }: Finding): string => `${code} ${span.start} ${span.end} ${code === "E0103" ? "" : message}`;

/** Sorted by position, each said once; of two codes at one place the earlier stage's finding stays. */
export const settle = (stages: readonly (readonly Finding[])[]): readonly Finding[] => {
  const kept: Finding[] = [];
  const seen = new Set<string>();
  const places = new Set<string>();
  for (const stage of stages) {
    const before = new Set(places);
    for (const finding of stage) {
      const place = `${finding.span.start} ${finding.span.end}`;
      if (seen.has(keyOf(finding)) || before.has(place)) continue;
      seen.add(keyOf(finding));
      places.add(place);
      kept.push(finding);
    }
  }
  return kept.toSorted((a, b) => a.span.start - b.span.start || a.span.end - b.span.end || (keyOf(a) < keyOf(b) ? -1 : 1));
};
