/** Secrets in clear: refused wherever they stand, also in comments, and never shown. */
import { findPasswords, findSecrets } from "../mask.ts";
import type { Finding } from "../problem.ts";

const HELP = "take it out of the file and replace it where it was issued: croft makes and binds secrets itself";

export const checkSecrets = (text: string): readonly Finding[] => [
  ...findSecrets(text).map(({ what, start, end, masked }): Finding => ({
    code: "E0137",
    message: `this looks like ${what}: ${masked}`,
    span: { start, end },
    help: HELP,
  })),
  ...findPasswords(text).map(({ start, end }): Finding => ({
    code: "E0137",
    severity: "warning",
    message: "this URL carries a password in clear",
    span: { start, end },
    help: "bind with ${database.rw.url} instead",
  })),
];
