/** Makes the access tokens of logins (L2, L3). */
import { createHash, randomBytes } from "node:crypto";
import type { Clock } from "@/src/core/clock";
import type { NewAccessToken } from "@/src/core/users/ports";

/** An issued token. It is returned only once, because only its hash is stored. */
export interface IssuedToken {
  token: string;
  expiresAt: Date;
}

export interface AccessTokenIssuer {
  /** `stored`: to be stored with the user. */
  create(login: { projectId: string; address: string | null; userAgent: string | null }): { token: string; stored: NewAccessToken };
  /** Call it after tokens of the project were revoked. A promise resolves when the other workers of this server have dropped them too. */
  ended(projectId: string): Promise<void> | undefined;
}

const TOKEN_BYTES = 32;
/** One more login revokes the oldest token. */
const LIVE_TOKENS_MAX = 100;
const USER_AGENT_LENGTH_MAX = 400;
const ADDRESS_LENGTH_MAX = 64;

/** `ttlMs`: from login to expiry. */
export function createAccessTokenIssuer({
  clock,
  ttlMs,
  invalidate,
}: {
  clock: Clock;
  ttlMs: number;
  invalidate: (projectId: string) => Promise<void> | undefined;
}): AccessTokenIssuer {
  return {
    create: ({ projectId, address, userAgent }) => {
      const token = randomBytes(TOKEN_BYTES).toString("base64url");
      const stored: NewAccessToken = {
        projectId,
        hash: createHash("sha256").update(token).digest(),
        userAgent: userAgent?.slice(0, USER_AGENT_LENGTH_MAX) ?? null,
        address: address?.slice(0, ADDRESS_LENGTH_MAX) ?? null,
        expiresAt: new Date(clock.now().getTime() + ttlMs),
        liveMax: LIVE_TOKENS_MAX,
      };
      return { token, stored };
    },
    ended: invalidate,
  };
}
