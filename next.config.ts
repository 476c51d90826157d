/** How Next builds and serves the dashboard. It must not read the environment: that is src/config's task. */
import type { NextConfig } from "next";

// The content security policy of pages carries a nonce and is set in proxy.ts.
const everywhere = [
  { key: "X-Content-Type-Options", value: "nosniff" },
  { key: "Referrer-Policy", value: "strict-origin-when-cross-origin" },
  { key: "X-Frame-Options", value: "DENY" },
  { key: "Cross-Origin-Opener-Policy", value: "same-origin" },
  { key: "Permissions-Policy", value: "camera=(), geolocation=(), microphone=(), payment=(), usb=()" },
];

/** A file of a record has a policy of its own (core/file-headers.ts), which one from here would replace. */
const API_BUT_FILES = "/api/:path((?!manage/endpoints/[^/]+/files/).*)";

const config: NextConfig = {
  reactStrictMode: true,
  poweredByHeader: false,
  devIndicators: false,
  agentRules: false,
  experimental: { agentUpgrade: false },
  // Types are checked by their own step: TypeScript 7 has no compiler API for Next to call.
  typescript: { ignoreBuildErrors: true },
  serverExternalPackages: ["pg", "@prisma/client", "@prisma/adapter-pg", "@node-rs/argon2", "pino", "ws"],
  headers: async () => [
    { source: "/:path*", headers: everywhere },
    { source: API_BUT_FILES, headers: [{ key: "Content-Security-Policy", value: "default-src 'none'; frame-ancestors 'none'" }] },
    { source: "/api/:path*", headers: [{ key: "Cross-Origin-Resource-Policy", value: "same-origin" }] },
  ],
};

export default config;
