/** Reads what a request's headers tell about the client. The server has already normalized the forwarding headers (TRUST_PROXY). */

export interface ClientInfo {
  address: string | null;
  userAgent: string | null;
  /** True if the browser uses HTTPS, so that cookies can be Secure. */
  secure: boolean;
  /** The hosts by which this request can have reached the server. The browser's "same origin" is one of them. */
  hosts: ReadonlySet<string>;
  /** The origin by which this client reaches the server, like `https://data.example.com`. */
  origin: string;
}

/** The origin of RESTED_PUBLIC_URL, or else the one that the client requested. The server has already normalized the forwarding headers (TRUST_PROXY). */
export function toOrigin({ headers, publicUrl }: { headers: Pick<Headers, "get">; publicUrl: string | undefined }): string {
  if (publicUrl !== undefined) return new URL(publicUrl).origin;
  const host = headers.get("x-forwarded-host") ?? headers.get("host") ?? "localhost";
  return `${headers.get("x-forwarded-proto") === "https" ? "https" : "http"}://${host}`;
}

export function readClientInfo({ headers, publicUrl }: { headers: Headers; publicUrl: string | undefined }): ClientInfo {
  const forwardedHost = headers.get("x-forwarded-host");
  const host = headers.get("host");
  const hosts = new Set([host, forwardedHost].filter((name) => name !== null).map((name) => name.toLowerCase()));
  const configured = publicUrl === undefined ? undefined : new URL(publicUrl);
  // A proxy may pass on another Host than the one in the address bar.
  if (configured) hosts.add(configured.host);
  return {
    address: headers.get("x-forwarded-for")?.split(",")[0]?.trim() || null,
    userAgent: headers.get("user-agent"),
    secure: headers.get("x-forwarded-proto") === "https" || configured?.protocol === "https:",
    hosts,
    origin: toOrigin({ headers, publicUrl }),
  };
}
