/** What is true of certificates that are there: names, life, chain. Pure. */
import { X509Certificate, createPrivateKey } from "node:crypto";

const parse = (pem: string): X509Certificate | undefined => {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
};

/** Every certificate of a PEM bundle, as PEM. */
export const splitChain = (pem: string): readonly string[] => pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];

/** DNS names and addresses, sorted; empty where `pem` is no certificate. */
export const namesOf = (pem: string): readonly string[] =>
  (parse(pem)?.subjectAltName ?? "")
    .split(", ")
    .flatMap((entry) => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1] ?? [])
    .toSorted();

export type Life = { readonly notBefore: Date; readonly notAfter: Date };

export const lifeOf = (pem: string): Life | undefined => {
  const found = parse(pem);
  return found && { notBefore: new Date(found.validFrom), notAfter: new Date(found.validTo) };
};

/** From the last third of its life on a certificate is due, and of course when it is not valid at all. */
export const isDue = (pem: string, now: Date): boolean => {
  const life = lifeOf(pem);
  if (life === undefined) return true;
  const length = life.notAfter.getTime() - life.notBefore.getTime();
  return now < life.notBefore || now.getTime() > life.notAfter.getTime() - length / 3;
};

/** True where the private key (PEM) belongs to the certificate. */
export const keyMatches = (pem: string, key: string): boolean => {
  try {
    return parse(pem)?.checkPrivateKey(createPrivateKey(key)) ?? false;
  } catch {
    return false;
  }
};

/** True where each certificate was signed by the next one; the last by itself. */
export const chainVerifies = (chain: readonly string[]): boolean => {
  const certificates = chain.map(parse);
  return (
    certificates.length > 0 &&
    certificates.every((certificate, index) => {
      const issuer = certificates[index + 1] ?? certificate;
      return certificate !== undefined && issuer !== undefined && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
    })
  );
};
