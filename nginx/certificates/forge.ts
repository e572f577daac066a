/** The one door of node-forge: X.509 certificates in, PEM out. No clock, no randomness. */
import forge from "node-forge";

const { asn1, pki } = forge;

export type Extension =
  | { readonly kind: "authority"; readonly pathLength: number }
  | { readonly kind: "server" }
  | { readonly kind: "names"; readonly dns: readonly string[]; readonly addresses: readonly string[] }
  | { readonly kind: "constraints"; readonly dns: readonly string[]; readonly networks: readonly Network[] };

/** An address and its mask, each four numbers: `10.91.0.0/16` is `[10,91,0,0]`, `[255,255,0,0]`. */
export type Network = { readonly address: readonly number[]; readonly mask: readonly number[] };

export type CertificateOrder = {
  readonly subject: string;
  readonly organisation: string;
  /** Hex, first byte between 01 and 7f. */
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** PEM of the public key that is certified. */
  readonly publicKey: string;
  /** PEM; undefined: signed by itself. */
  readonly issuer?: string;
  /** PEM of the key that signs. */
  readonly signingKey: string;
  readonly extensions: readonly Extension[];
};

type Asn1 = ReturnType<typeof asn1.create>;

const IP_TYPE = 7;
const DNS_TYPE = 2;
const bytes = (numbers: readonly number[]): string => String.fromCharCode(...numbers);
const sequence = (parts: Asn1[]): Asn1 => asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, parts);
/** GeneralSubtree: the base alone, minimum 0 and no maximum are the default. */
const subtree = (type: number, value: string): Asn1 =>
  sequence([asn1.create(asn1.Class.CONTEXT_SPECIFIC, type as forge.asn1.Type, false, value)]);

/** NameConstraints with permitted subtrees only (RFC 5280, 4.2.1.10). */
const toConstraints = (extension: Extract<Extension, { kind: "constraints" }>): Asn1 => {
  const permitted = [
    ...extension.dns.map((name) => subtree(DNS_TYPE, name)),
    ...extension.networks.map(({ address, mask }) => subtree(IP_TYPE, bytes([...address, ...mask]))),
  ];
  return sequence([asn1.create(asn1.Class.CONTEXT_SPECIFIC, 0 as forge.asn1.Type, true, permitted)]);
};

const toForge = (extension: Extension): readonly object[] => {
  switch (extension.kind) {
    case "authority":
      return [
        { name: "basicConstraints", critical: true, cA: true, pathLenConstraint: extension.pathLength },
        { name: "keyUsage", critical: true, keyCertSign: true, cRLSign: true },
      ];
    case "server":
      return [
        { name: "basicConstraints", critical: true, cA: false },
        { name: "keyUsage", critical: true, digitalSignature: true, keyEncipherment: true },
        { name: "extKeyUsage", serverAuth: true },
      ];
    case "names":
      return [
        {
          name: "subjectAltName",
          altNames: [
            ...extension.dns.map((value) => ({ type: DNS_TYPE, value })),
            ...extension.addresses.map((ip) => ({ type: IP_TYPE, ip })),
          ],
        },
      ];
    case "constraints":
      return [{ id: "2.5.29.30", critical: true, value: toConstraints(extension) }];
  }
};

const subjectOf = (order: CertificateOrder) => [
  { name: "organizationName", value: order.organisation },
  { name: "commonName", value: order.subject },
];

export const signCertificate = (order: CertificateOrder): string => {
  const certificate = pki.createCertificate();
  const issuer = order.issuer === undefined ? undefined : pki.certificateFromPem(order.issuer);
  certificate.publicKey = pki.publicKeyFromPem(order.publicKey);
  certificate.serialNumber = order.serial;
  certificate.validity.notBefore = order.notBefore;
  certificate.validity.notAfter = order.notAfter;
  certificate.setSubject(subjectOf(order));
  certificate.setIssuer(issuer?.subject.attributes ?? subjectOf(order));
  const signer = issuer ?? certificate;
  certificate.setExtensions([
    ...order.extensions.flatMap(toForge),
    { name: "subjectKeyIdentifier" },
    { name: "authorityKeyIdentifier", keyIdentifier: signer.generateSubjectKeyIdentifier().getBytes() },
  ]);
  certificate.sign(pki.privateKeyFromPem(order.signingKey), forge.md.sha256.create());
  return pki.certificateToPem(certificate).replaceAll("\r\n", "\n");
};
