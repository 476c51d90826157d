/** How Next builds and serves the dashboard. Settings from the environment belong in src/config, not here. */

// The content security policy of pages carries a nonce and is set in proxy.ts.
const everywhere = [
  { key: "X-Content-Type-Options", value: "nosniff" },
  { key: "Referrer-Policy", value: "strict-origin-when-cross-origin" },
  { key: "X-Frame-Options", value: "DENY" },
  { key: "Cross-Origin-Opener-Policy", value: "same-origin" },
  { key: "Permissions-Policy", value: "camera=(), geolocation=(), microphone=(), payment=(), usb=()" },
];

/** Files of records are left out: they have a policy of their own (src/core/files/headers.ts), which this one would replace. */
const API_BUT_FILES = "/api/:path((?!manage/endpoints/[^/]+/files/).*)";

/** @type {import("next").NextConfig} */
const config = {
  reactStrictMode: true,
  poweredByHeader: false,
  devIndicators: false,
  agentRules: false,
  experimental: { agentUpgrade: false },
  // A step of its own checks the types: TypeScript 7 has no compiler API that Next could call.
  typescript: { ignoreBuildErrors: true },
  serverExternalPackages: ["pg", "@prisma/client", "@prisma/adapter-pg", "@node-rs/argon2", "pino", "ws"],
  headers: async () => [
    { source: "/:path*", headers: everywhere },
    { source: API_BUT_FILES, headers: [{ key: "Content-Security-Policy", value: "default-src 'none'; frame-ancestors 'none'" }] },
    { source: "/api/:path*", headers: [{ key: "Cross-Origin-Resource-Policy", value: "same-origin" }] },
  ],
};

export default config;
