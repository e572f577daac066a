import type { Sender } from "./api.ts";

/** XMLHttpRequest, because it alone tells how much has been sent. */
export const sendForm: Sender = (method, address, token, form, progress, signal) => {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const request = new XMLHttpRequest();
  request.open(method, address);
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("Authorization", `Bearer ${token}`);
  request.upload.addEventListener("progress", ({ loaded, total }) => progress(loaded, total));
  request.addEventListener("load", () => resolve({ status: request.status, text: request.responseText }));
  request.addEventListener("error", () => reject(new TypeError("the connection broke")));
  request.addEventListener("abort", () => reject(new DOMException("cancelled", "AbortError")));
  signal.addEventListener("abort", () => request.abort(), { once: true });
  request.send(form);
  return promise;
};
