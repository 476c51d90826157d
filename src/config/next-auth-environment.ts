/** Sets the environment variables that next-auth reads. Nothing else writes the environment. */
import type { Config } from "./config";

/**
 * Call it before Next.js starts. Deletes a stray NEXTAUTH_URL, which would redirect sign-ins: without a public URL, next-auth uses the host of the
 * request.
 */
export function setNextAuthEnvironment({ publicUrl }: Pick<Config, "publicUrl">): void {
  process.env.AUTH_TRUST_HOST = "1";
  if (publicUrl === undefined) delete process.env.NEXTAUTH_URL;
  else process.env.NEXTAUTH_URL = publicUrl;
}
