/** Worker: reads a text as a configuration, says how it went. Ended from outside where it takes too long or too much. */
import { parentPort } from "node:worker_threads";
import { renderProblems } from "../../provisioner/config/diagnostics.ts";
import { parseConfig } from "../../provisioner/config/parse.ts";
import { EXAMPLE_SERVICES } from "../../provisioner/config/services.fixture.ts";
import { answerJobs } from "./child.ts";

export type ParseJob = { readonly file: string; readonly text: string };
export type ParseAnswer = { readonly ok: boolean; readonly codes: readonly string[]; readonly shown: string };

const MOST_SHOWN = 100_000;

answerJobs<ParseJob, ParseAnswer>(parentPort, ({ file, text }) => {
  const bytes = new TextEncoder().encode(text);
  const result = parseConfig({ file, folder: "/srv", bytes, services: EXAMPLE_SERVICES, variables: {} });
  if (result.ok) return { ok: true, codes: [], shown: "" };
  const shown = renderProblems(result.problems, { [file]: text });
  return { ok: false, codes: [...new Set(result.problems.map(({ code }) => code))], shown: shown.slice(0, MOST_SHOWN) };
});
