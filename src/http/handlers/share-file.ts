/** POST with `fileToken=true`: creates a temporary URL for the file of one record (F6). */
import type { IncomingMessage } from "node:http";
import type { Grant } from "@/src/core/access/access";
import type { Clock } from "@/src/core/clock";
import type { Files } from "@/src/core/files/files";
import type { FileTokenHolder, FileTokens } from "@/src/core/files/tokens";
import { toHost } from "@/src/http/check-request";
import { type Handler, sendJson } from "@/src/http/exchange";
import { parseUniqueId } from "@/src/http/parameters";
import { AppError } from "@/src/shared/errors";
import { FILE_TOKEN_SECONDS, FILE_TOKEN_SECONDS_MAX, FILE_TOKEN_SECONDS_MIN, toEndpointPath } from "@/src/shared/streams/protocol";

export interface ShareFileOptions {
  files: Pick<Files, "open">;
  fileTokens: Pick<FileTokens, "issue">;
  clock: Clock;
  config: { publicUrl?: string };
}

export function createShareFileHandler({ files, fileTokens, clock, config }: ShareFileOptions): Handler {
  return async ({ exchange, grant, resolved }) => {
    const { request, parameters } = exchange;
    const recordId = parseUniqueId(parameters);
    const expiresAt = toExpiry(grant, clock.now().getTime() + parseSeconds(parameters.get("expiresIn")) * 1000);
    // Throws if there is no such file, or the caller may not read it.
    await files.open({ endpointId: grant.endpoint.id, id: recordId, onlyOwner: grant.onlyOwner, judge: grant.judge });
    const target = { endpointId: grant.endpoint.id, recordId, masterKeyHash: resolved.project.masterKeyHash };
    const fileToken = fileTokens.issue(target, toHolder(grant), expiresAt);
    const query = new URLSearchParams({ key: grant.evidence.key ?? "", uniqueId: recordId, fileToken });
    const url = `${toOwnOrigin(request, config.publicUrl)}${toEndpointPath(grant.endpoint.name)}?${query}`;
    sendJson(exchange, 201, JSON.stringify({ fileToken, expiresAt: expiresAt.toISOString(), url }));
  };
}

/** Not later than the key and the access token that the file token is based on; in whole seconds. */
function toExpiry({ user, keyExpiresAt }: Grant, asked: number): Date {
  const end = Math.min(asked, user?.tokenExpiresAt.getTime() ?? asked, keyExpiresAt?.getTime() ?? asked);
  return new Date(Math.floor(end / 1000) * 1000);
}

function toHolder({ user, master }: Grant): FileTokenHolder {
  if (master) return { kind: "master" };
  return user ? { kind: "user", accessTokenId: user.tokenId } : { kind: "key" };
}

function parseSeconds(value: string | null): number {
  if (value === null) return FILE_TOKEN_SECONDS;
  const seconds = /^\d{1,9}$/.test(value) ? Number(value) : 0;
  if (seconds >= FILE_TOKEN_SECONDS_MIN && seconds <= FILE_TOKEN_SECONDS_MAX) return seconds;
  const detail = `expiresIn must be a number of seconds from ${FILE_TOKEN_SECONDS_MIN} to ${FILE_TOKEN_SECONDS_MAX}.`;
  throw new AppError("parameter_invalid", { detail });
}

/** The public origin, or else the origin by which the client reaches the server. */
function toOwnOrigin({ headers }: IncomingMessage, publicUrl: string | undefined): string {
  if (publicUrl !== undefined) return new URL(publicUrl).origin;
  const forwarded = headers["x-forwarded-proto"];
  const protocol = (typeof forwarded === "string" ? forwarded : forwarded?.[0])?.split(",")[0]?.trim() === "https" ? "https" : "http";
  return `${protocol}://${toHost(headers)}`;
}
