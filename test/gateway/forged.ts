/** Nobody outside knows the gateway's key: this is what a client makes up. */
export const FORGED = "forged-by-the-client";
