/** Which domains can carry a site and get a certificate. */
import { domainToASCII } from "node:url";
import { findConfusable } from "./characters.ts";
import { flaw, type Flaw, type Rule } from "./flaw.ts";
import { showText, showValue } from "./text.ts";

const REASONS: Readonly<Record<string, string>> = {
  local: "`.local` belongs to multicast DNS",
  localhost: "`localhost` is this computer",
  invalid: "`.invalid` never resolves",
  internal: "`.internal` is for machines among themselves",
  onion: "`.onion` is for Tor",
  arpa: "`.arpa` is for the network itself",
};

const labelFlaw = (label: string, at: number): Flaw | undefined => {
  const say = (message: string, from = 0, length = label.length): Flaw => flaw("E0125", message, at + from, length);
  if (label === "") return say("a label of a domain is empty", 0, 1);
  if (label === "*")
    return flaw("E0125", "no certificate without dns-01 covers `*`", at, 1, { help: "name each host; wildcards need dns-01" });
  const bad = /[^a-z0-9-]/.exec(label);
  if (bad !== null) return say(`a domain may use a-z 0-9 - and dots; \`${showText(bad[0])}\` is not allowed`, bad.index, bad[0].length);
  if (label.length > 63) return say(`a label has 63 characters at most, this one has ${label.length}`, 63, label.length - 63);
  if (label.startsWith("-")) return say("a label cannot start with `-`", 0, 1);
  return label.endsWith("-") ? say("a label cannot end with `-`", label.length - 1, 1) : undefined;
};

const labelsFlaw = (text: string): Flaw | undefined => {
  let at = 0;
  for (const label of text.split(".")) {
    const found = labelFlaw(label, at);
    if (found !== undefined) return found;
    at += label.length + 1;
  }
  return undefined;
};

/** Letters that people write and DNS does not know. */
const spellingFlaw = (text: string): Flaw | undefined => {
  const upper = /[A-Z]/.exec(text);
  if (upper !== null)
    return flaw("E0125", "a domain is written in lower case", upper.index, 1, { hint: `write ${showValue(text).toLowerCase()}` });
  const confusable = findConfusable(text);
  if (confusable !== undefined && /[a-z]/.test(text))
    return flaw("E0110", `${confusable.message}, in a domain`, confusable.at, 1, { hint: "type it again by hand" });
  // eslint-disable-next-line no-control-regex
  const foreign = /[^\u0000-\u007f]+/.exec(text);
  if (foreign === null) return undefined;
  const ascii = domainToASCII(text);
  return flaw(
    "E0125",
    "an international domain is written in its punycode form",
    foreign.index,
    foreign[0].length,
    ascii === "" ? {} : { hint: `write ${ascii}` },
  );
};

const endingFlaw = (text: string): Flaw | undefined => {
  const ending = text.split(".").at(-1) ?? "";
  const at = text.length - ending.length;
  if (/^[0-9.]+$/.test(text) && text.split(".").length === 4)
    return flaw("E0125", "this is an address, and a site needs a domain", 0, text.length, {
      help: "for a first try take a name that ends in .test",
    });
  const reason = Object.hasOwn(REASONS, ending) ? REASONS[ending] : undefined;
  if (reason !== undefined)
    return flaw("E0125", `${reason}: it cannot get a certificate`, at, ending.length, {
      help: "for a site of your own network take a name that ends in .test",
    });
  if (!text.includes("."))
    return flaw("E0125", "a domain has at least two labels", 0, text.length, { hint: `such as ${showValue(text)}.test` });
  return /^[0-9]+$/.test(ending) ? flaw("E0125", "the last label of a domain is not a number", at, ending.length) : undefined;
};

const LONGEST = 200;

export const checkDomain: Rule = (text) => {
  if (/^[a-z]+:\/\//i.test(text))
    return flaw("E0125", "a domain has no scheme", 0, text.indexOf("//") + 2, { hint: "write only the name" });
  if (text.length > LONGEST) return flaw("E0125", `a site's domain has ${LONGEST} characters at most`, LONGEST, text.length - LONGEST);
  return spellingFlaw(text) ?? labelsFlaw(text) ?? endingFlaw(text);
};

/** `@`, or labels before the site's domain. */
export const checkRouteHost: Rule = (text) => (text === "@" ? undefined : (spellingFlaw(text) ?? labelsFlaw(text)));
