/** Hands next-auth the settings that it reads from the environment by itself. Nothing else may write the environment. */
import type { Config } from "./config";

/** Call it before Next starts. A stray NEXTAUTH_URL must not redirect sign-ins: without a public URL next-auth follows the request's host. */
export function setNextAuthEnvironment({ publicUrl }: Pick<Config, "publicUrl">): void {
  process.env.AUTH_TRUST_HOST = "1";
  if (publicUrl === undefined) delete process.env.NEXTAUTH_URL;
  else process.env.NEXTAUTH_URL = publicUrl;
}
