import type { PeerCertificate, TLSSocket } from "node:tls";

/** `environ["gateway.tls"]`: what the TLS of a connection is, and what it says of the client. */
export interface TlsFacts {
  /** `"TLSv1.3"` */
  readonly version: string;
  /** The standard name of the cipher suite: `"TLS_AES_256_GCM_SHA384"`. */
  readonly cipher: string;
  /** The host name that the client asked for (SNI); `undefined` when it did not. Chosen by the client. */
  readonly serverName: string | undefined;
  /** The client showed a certificate, and one of the authorities that were given vouches for it. */
  readonly isAuthorized: boolean;
  /** The certificate of the client, where one was asked for and shown. Looked at when it is read. */
  readonly clientCertificate: PeerCertificate | undefined;
}

/** The facts of a connection whose handshake is done. */
export function tlsFacts(socket: TLSSocket): TlsFacts {
  let certificate: PeerCertificate | undefined;
  return {
    version: socket.getProtocol() ?? "",
    cipher: socket.getCipher().standardName,
    serverName: serverNameOf(socket),
    isAuthorized: socket.authorized,
    get clientCertificate() {
      certificate ??= socket.getPeerCertificate();
      return Object.keys(certificate).length === 0 ? undefined : certificate;
    },
  };
}

/** Node says `false` for a client that named no server. */
function serverNameOf(socket: TLSSocket): string | undefined {
  const name: unknown = Reflect.get(socket, "servername");
  return typeof name === "string" ? name : undefined;
}
