/** Completion scripts of three shells, written from the verbs and their options. Pure. */
import { HELP_OPTION } from "./help.ts";
import type { Option, Options } from "./options.ts";

export type Completed = {
  readonly verb: string;
  readonly summary: string;
  /** First words the verb knows: `list`, `ssh`, `log`. */
  readonly words: readonly string[];
  readonly options: Options;
};

export type Shell = "bash" | "zsh" | "fish";

/** `vm list | ssh NAME | log NAME`: the words in lower case that begin an alternative. */
export const wordsOf = (usage: string): readonly string[] => {
  const [, ...rest] = usage.split(" ");
  return rest
    .join(" ")
    .split("|")
    .map((part) => part.trim().split(" ")[0] ?? "")
    .filter((word) => /^[a-z][a-z-]*$/.test(word));
};

const optionsOf = ({ options }: Completed): readonly (readonly [string, Option])[] => Object.entries({ ...options, ...HELP_OPTION });

/** Options, long and short, as a person types them. */
export const flagsOf = (verb: Completed): readonly string[] =>
  optionsOf(verb).flatMap(([name, { short }]) => [`--${name}`, ...(short === undefined ? [] : [`-${short}`])]);

const takesValue = (verbs: readonly Completed[]): readonly string[] => [
  ...new Set(
    verbs.flatMap((verb) =>
      optionsOf(verb)
        .filter(([, { type }]) => type === "string")
        .flatMap(([name, { short }]) => [`--${name}`, ...(short === undefined ? [] : [`-${short}`])]),
    ),
  ),
];

const bash = (verbs: readonly Completed[]): string => `# bash completion of croft; written by \`croft completion bash\`
_croft() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} words=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${verbs.map(({ verb }) => verb).join(" ")} --help" -- "$current"))
    return
  fi
  case $before in
    ${takesValue(verbs).join(" | ")}) compopt -o default 2>/dev/null; return ;;
  esac
  case \${COMP_WORDS[1]} in
${verbs.map((verb) => `    ${verb.verb}) words="${[...flagsOf(verb)].join(" ")}"; [ "$COMP_CWORD" -ne 2 ] || words="${[...verb.words, ...flagsOf(verb)].join(" ")}" ;;`).join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [ "\${#COMPREPLY[@]}" -gt 0 ] || compopt -o default 2>/dev/null
}
complete -F _croft croft
`;

const zshText = (text: string): string =>
  text.replaceAll("'", "'\\''").replaceAll("[", "\\[").replaceAll("]", "\\]").replaceAll(":", "\\:");

const zshOption = ([name, option]: readonly [string, Option]): readonly string[] => {
  const tail = `[${zshText(option.summary)}]${option.type === "string" ? `:${option.value ?? "VALUE"}:_files` : ""}`;
  const star = option.multiple === true ? "*" : "";
  return [`--${name}`, ...(option.short === undefined ? [] : [`-${option.short}`])].map((flag) => `'${star}${flag}${tail}'`);
};

const zsh = (verbs: readonly Completed[]): string => `#compdef croft
# zsh completion of croft; written by \`croft completion zsh\`
_croft() {
  if (( CURRENT == 2 )); then
    local -a verbs=(${verbs.map(({ verb, summary }) => `\n      '${verb}:${zshText(summary)}'`).join("")}
    )
    _describe command verbs
    return
  fi
  local verb=$words[2]
  shift words
  (( CURRENT-- ))
  case $verb in
${verbs
  .map(
    (verb) =>
      `    ${verb.verb}) _arguments -S ${optionsOf(verb).flatMap(zshOption).join(" ")} ${verb.words.length > 0 ? `'1:word:(${verb.words.join(" ")})' ` : ""}'*:site:_files' ;;`,
  )
  .join("\n")}
  esac
}
if [ "$funcstack[1]" = _croft ]; then _croft "$@"; else compdef _croft croft; fi
`;

const fishText = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

const fishOption = (verb: string, [name, option]: readonly [string, Option]): string =>
  [
    `complete -c croft -n '__fish_seen_subcommand_from ${verb}' -l ${name}`,
    ...(option.short === undefined ? [] : [`-s ${option.short}`]),
    ...(option.type === "string" ? ["-r"] : []),
    `-d ${fishText(option.summary)}`,
  ].join(" ");

const fish = (verbs: readonly Completed[]): string =>
  [
    "# fish completion of croft; written by `croft completion fish`",
    ...verbs.flatMap((verb) => [
      `complete -c croft -n __fish_use_subcommand -f -a ${verb.verb} -d ${fishText(verb.summary)}`,
      ...verb.words.map((word) => `complete -c croft -n '__fish_seen_subcommand_from ${verb.verb}' -f -a ${word}`),
      ...optionsOf(verb).map((option) => fishOption(verb.verb, option)),
    ]),
    "",
  ].join("\n");

export const COMPLETIONS: Readonly<Record<Shell, (verbs: readonly Completed[]) => string>> = { bash, zsh, fish };
