/** Small words for the page's elements. */
import { type Html, html } from "./html.ts";

export function find<T extends HTMLElement = HTMLElement>(selector: string, within: ParentNode = document): T {
  const element = within.querySelector<T>(selector);
  if (element === null) throw new Error(`the page has no ${selector}`);
  return element;
}

export function fill(element: Element, content: Html): void {
  element.innerHTML = content.markup;
}

/** A sentence at the edge of the page; what went wrong stays longer. */
export function notify(text: string, kind: "done" | "problem" = "done", action?: { readonly name: string; readonly label: string }): void {
  const note = document.createElement("p");
  note.className = `note note-${kind}`;
  fill(note, html`${text} ${action && html`<button type="button" class="plain" data-action="${action.name}">${action.label}</button>`}`);
  find("#notes").replaceChildren(note);
  setTimeout(() => note.remove(), kind === "done" ? 4_000 : 12_000);
}

/** Asks before something is lost. */
export function confirmRemoval(question: string): Promise<boolean> {
  const dialog = find<HTMLDialogElement>("#question");
  find("p", dialog).textContent = question;
  dialog.returnValue = "no";
  dialog.showModal();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  return promise;
}
