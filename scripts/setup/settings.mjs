/** Distinguishes settings from the rest of the environment. Tests use their own settings, never those of the person who runs them. */

const NAMES = new Set(["DATABASE_URL", "REDIS_URL", "HOST", "PORT", "TRUST_PROXY", "TLS_CERT_FILE", "TLS_KEY_FILE", "NODE_ENV"]);
/** The settings of the server (all variables that src/config/config.ts reads; a test compares them), and of libraries that read the environment: next-auth, pg. */
const PREFIXES = ["RESTED_", "NEXTAUTH_", "AUTH_", "PG"];

export function isSetting(name) {
  return NAMES.has(name) || PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** The variables of `env` that are not settings. */
export function withoutSettings(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isSetting(name)));
}
