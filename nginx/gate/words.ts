/** What the gateway says where it answers itself, be it nginx or the gate. */

/** 400 and 414 are missing: nginx gives up on such requests before a location could answer. */
export const ERRORS: Readonly<Record<number, string>> = {
  401: "sign in first",
  403: "forbidden",
  404: "not found",
  405: "this method is not allowed here",
  413: "the request is too large",
  429: "too many requests",
  500: "the gateway failed",
  502: "the service does not answer",
  503: "the service is not available",
  504: "the service took too long",
};

/** Only bucket routes say these, by the gate. */
const CONDITIONS: Readonly<Record<number, string>> = {
  412: "this is another version by now",
  416: "there is no such range",
};

export const errorText = (status: number): string =>
  `{"errors":{"message":["${ERRORS[status] ?? CONDITIONS[status] ?? "the gateway failed"}"]}}\n`;
