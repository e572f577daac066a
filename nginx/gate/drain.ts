/** Stops a server whose client keeps its connections, and never stops asking over them. */
import type { Server, ServerResponse } from "node:http";

/**
 * To be called once, before the first request. The result stops the server: nobody new is taken, every answer that has not begun says
 * that its connection ends with it, and one that has is followed by the end of its connection. Without that a busy connection
 * would go on being answered, and hold up everybody who waits for the next server.
 */
export const makeDrain = (server: Server): ((ended: () => void) => void) => {
  const open = new Set<ServerResponse>();
  let stopping = false;
  server.prependListener("request", (_request, response) => {
    open.add(response);
    if (stopping) response.shouldKeepAlive = false;
    response.once("close", () => {
      open.delete(response);
      if (stopping) setImmediate(() => server.closeIdleConnections());
    });
  });
  return (ended) => {
    stopping = true;
    for (const response of open) response.shouldKeepAlive = false;
    // Ends idle connections, too.
    server.close(ended);
  };
};
