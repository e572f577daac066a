/** The text field with emphasis and links, on the browser's own editing. */
import { type Delta, fromTree, hasMore, toSafeAddress, type Tree } from "./delta.ts";
import { find, notify } from "./document.ts";

export type Editor = {
  /** What to store: the very same value as before where nothing was written. */
  readonly read: () => unknown;
};

export function attachEditor(form: HTMLElement, stored: unknown, onChange: () => void): Editor {
  const field = find(".text", form);
  let written = false;
  document.execCommand("defaultParagraphSeparator", false, "p");
  field.addEventListener("input", () => {
    if (!written && hasMore(stored))
      notify("This text holds more than this editor knows; saving keeps words, emphasis and links.", "problem");
    written = true;
    onChange();
  });
  field.addEventListener("paste", (event) => {
    event.preventDefault();
    document.execCommand("insertText", false, event.clipboardData?.getData("text/plain") ?? "");
  });
  find(".tools", form).addEventListener("mousedown", (event) => event.preventDefault());
  find(".tools", form).addEventListener("click", (event) => {
    const tool = (event.target as Element).closest<HTMLElement>("[data-tool]")?.dataset.tool;
    if (tool !== undefined) use(tool, field);
  });
  return { read: () => (written ? toDelta(field) : stored) };
}

function use(tool: string, field: HTMLElement): void {
  if (!field.contains(document.getSelection()?.anchorNode ?? null)) field.focus();
  if (tool !== "link") return void document.execCommand(tool);
  const given = prompt("Where should the link lead?", "https://")?.trim();
  if (given === undefined || given === "") return;
  const address = toSafeAddress(given);
  if (address === undefined) notify("A link needs a whole address, such as https://example.com or name@example.com.", "problem");
  else document.execCommand("createLink", false, address);
}

function toDelta(field: HTMLElement): Delta {
  return fromTree([...field.childNodes].flatMap(toTree));
}

function toTree(node: Node): Tree[] {
  if (node instanceof Text) return [{ text: node.data }];
  if (!(node instanceof Element)) return [];
  return [{ name: node.localName, href: node.getAttribute("href"), children: [...node.childNodes].flatMap(toTree) }];
}
