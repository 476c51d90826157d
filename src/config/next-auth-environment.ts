/** Sets the environment variables that next-auth reads. Nothing else writes the environment. */
import type { Config } from "./config";

/**
 * Must be called before Next.js starts. Without a public URL, next-auth uses the host of the request. NEXTAUTH_URL is deleted then, because it would redirect
 * sign-ins.
 */
export function setNextAuthEnvironment({ publicUrl }: Pick<Config, "publicUrl">): void {
  process.env.AUTH_TRUST_HOST = "1";
  if (publicUrl === undefined) delete process.env.NEXTAUTH_URL;
  else process.env.NEXTAUTH_URL = publicUrl;
}
