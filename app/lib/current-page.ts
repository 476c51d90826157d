/** Tells server components which page they are part of; proxy.ts notes it. */
import { headers } from "next/headers";
import { type ClientInfo, readClientInfo, toOrigin } from "./manage/client-info";

/** Path and query, as the reader sees them; `/projects` where proxy.ts did not run (prefetches). */
export async function getCurrentPage(): Promise<string> {
  return (await headers()).get("x-page") ?? "/projects";
}

/** What the request's headers tell about the reader's client. */
export async function getClientInfo(publicUrl: string | undefined): Promise<ClientInfo> {
  return readClientInfo({ headers: await headers(), publicUrl });
}

/** The origin by which the reader reaches this server, like `https://example.com`. `publicUrl`: the configured one, which wins. */
export async function getOrigin(publicUrl: string | undefined): Promise<string> {
  return toOrigin({ headers: await headers(), publicUrl });
}
