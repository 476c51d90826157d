import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isSetting, withoutSettings } from "@/scripts/setup/settings.mjs";
import { parseConfig, VARIABLES } from "@/src/config/config";

let folder: string;
let pem: string;

beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "rested-config-"));
  pem = path.join(folder, "file.pem");
  fs.writeFileSync(pem, "PEM");
});

afterAll(() => fs.rmSync(folder, { recursive: true }));

function problemsOf(env: Record<string, string>): string {
  try {
    parseConfig(env);
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
  return "";
}

test("no variable is required: by default the server is local, on port 3000, with the built-in PostgreSQL in ./data and closed sign-up", () => {
  expect(parseConfig({ PATH: "/bin", TERM: "xterm" })).toEqual({
    host: "127.0.0.1",
    port: 3000,
    dataDir: path.resolve("data"),
    trustProxy: [],
    outboundAllowed: [],
    smtpRates: { total: 600, perAccount: 60 },
    smtpPorts: [25, 465, 587, 2525],
    webhooks: { allowsHttp: false, timeoutMs: 15_000, retryFirstMs: 5_000, leaseMs: 6_000, slowMs: 5_000 },
    signup: "closed",
    demo: false,
    bodyBytesMax: 1_048_576,
    drainMs: 0,
    bodyTimeoutMs: 30_000,
    headersTimeoutMs: 15_000,
    workers: 1,
    hasDashboardProcess: false,
    databaseConnectionsMax: 24,
    queueBytesMax: 1_048_576,
    queuesBytesMax: 536_870_912,
    streams: { total: 50_000, perAccount: 40_000, perKey: 20_000, perAddress: 2_000 },
    connections: { total: 60_000, perAddress: 4_000, requestsPerAddress: 1_000 },
    retention: { hours: 24, changesMax: 100_000 },
    rateLimit: 12_000,
    quotas: {
      records: 10_000_000,
      recordBytes: 53_687_091_200,
      fileBytes: 107_374_182_400,
      users: 1_000_000,
      endpoints: 1_000,
      answerBytes: 1_073_741_824,
      projects: 1_000,
    },
    managementRateLimit: 1_200,
    registrationsPerMinute: 20,
    accessTokenTtlMs: 604_800_000,
    uploadTimeoutMs: 600_000,
    sandboxTimeoutMs: 1000,
    sandboxMemoryBytesMax: 134_217_728,
    sandboxCpuMsPerMinute: 15_000,
    jsonataResultBytesMax: 2_097_152,
    pingIntervalMs: 25_000,
    pongTimeoutMs: 10_000,
    pollIntervalMs: 1000,
    logLevel: "info",
    mode: "production",
  });
});

test("every variable is read", () => {
  expect(
    parseConfig({
      NODE_ENV: "development",
      HOST: "::1",
      PORT: "0",
      DATABASE_URL: "postgres://u:p%40@db.example:6432/rested?sslmode=require",
      RESTED_DATABASE_CONNECTIONS_MAX: "40",
      RESTED_DATA_DIR: "/srv/rested",
      RESTED_PUBLIC_URL: "https://Rested.example.com/",
      TLS_CERT_FILE: pem,
      TLS_KEY_FILE: pem,
      TRUST_PROXY: "loopback, 10.0.0.0/8,2001:db8::/32 192.0.2.1",
      RESTED_OUTBOUND_ALLOWED: "10.1.0.0/16, fd00::1",
      RESTED_WEBHOOK_HTTP: "1",
      RESTED_SIGNUP: "open",
      RESTED_DEMO: "1",
      RESTED_ADMIN_EMAIL: "root@example.com",
      RESTED_ADMIN_PASSWORD: "correct horse",
      RESTED_ADMIN_TOKEN: "5f2d0c9e7b1a4836d0e9f1c27a6b3548",
      RESTED_SECRET: "vQn0x4Jm8Lr2Tz6Wy1Kb5Hd9Fg3Sp7Xc",
      RESTED_BODY_BYTES_MAX: "2048",
      RESTED_DRAIN_MS: "15000",
      RESTED_BODY_TIMEOUT_MS: "1000",
      RESTED_QUEUE_BYTES_MAX: "4096",
      RESTED_QUEUES_BYTES_MAX: "16777216",
      RESTED_POLL_INTERVAL_MS: "100",
      RESTED_STREAMS_MAX: "0",
      RESTED_STREAMS_PER_ACCOUNT_MAX: "20",
      RESTED_STREAMS_PER_KEY_MAX: "10",
      RESTED_STREAMS_PER_ADDRESS_MAX: "5",
      RESTED_CONNECTIONS_MAX: "100",
      RESTED_CONNECTIONS_PER_ADDRESS_MAX: "20",
      RESTED_REQUESTS_PER_ADDRESS_MAX: "0",
      RESTED_LOG_HOURS: "1",
      RESTED_LOG_CHANGES_MAX: "500",
      RESTED_RATE_LIMIT: "0",
      RESTED_QUOTA_RECORDS: "1",
      RESTED_QUOTA_RECORD_BYTES: "2",
      RESTED_QUOTA_FILE_BYTES: "3",
      RESTED_QUOTA_USERS: "4",
      RESTED_QUOTA_ENDPOINTS: "5",
      RESTED_QUOTA_ANSWER_BYTES: "6",
      RESTED_QUOTA_PROJECTS: "0",
      RESTED_MANAGEMENT_RATE_LIMIT: "60",
      RESTED_REGISTRATIONS_PER_MINUTE: "0",
      REDIS_URL: "rediss://u:p@redis.example:6380/1",
      RESTED_ACCESS_TOKEN_MINUTES: "60",
      RESTED_UPLOAD_TIMEOUT_MS: "1000",
      RESTED_S3_BUCKET: "files",
      RESTED_S3_REGION: "eu-central-1",
      RESTED_S3_ENDPOINT: "http://localhost:9000",
      RESTED_S3_ACCESS_KEY_ID: "id",
      RESTED_S3_SECRET_ACCESS_KEY: "secret",
      RESTED_SMTP_URL: "smtps://u:p@mail.example.com",
      RESTED_SMTP_FROM: "noreply@example.com",
      RESTED_SMTP_RATE_LIMIT: "1000",
      RESTED_SMTP_ACCOUNT_RATE_LIMIT: "100",
      RESTED_SMTP_PORTS: "587, 8025",
      RESTED_SANDBOX_TIMEOUT_MS: "50",
      RESTED_SANDBOX_MEMORY_BYTES_MAX: "16777216",
      RESTED_SANDBOX_CPU_MS_PER_MINUTE: "3000",
      RESTED_JSONATA_RESULT_BYTES_MAX: "1024",
      RESTED_LOG_LEVEL: "debug",
      RESTED_WORKERS: "3",
      RESTED_DASHBOARD_PROCESS: "true",
    }),
  ).toEqual({
    host: "::1",
    port: 0,
    dataDir: "/srv/rested",
    databaseUrl: "postgres://u:p%40@db.example:6432/rested?sslmode=require",
    // In development, one process serves everything.
    workers: 1,
    hasDashboardProcess: false,
    databaseConnectionsMax: 40,
    publicUrl: "https://rested.example.com",
    tls: { certFile: pem, keyFile: pem },
    trustProxy: ["loopback", "10.0.0.0/8", "2001:db8::/32", "192.0.2.1"],
    outboundAllowed: ["10.1.0.0/16", "fd00::1"],
    smtpRates: { total: 1_000, perAccount: 100 },
    smtpPorts: [587, 8025],
    webhooks: { allowsHttp: true, timeoutMs: 15_000, retryFirstMs: 5_000, leaseMs: 6_000, slowMs: 5_000 },
    signup: "open",
    demo: true,
    admin: { email: "root@example.com", password: "correct horse" },
    adminToken: "5f2d0c9e7b1a4836d0e9f1c27a6b3548",
    secret: "vQn0x4Jm8Lr2Tz6Wy1Kb5Hd9Fg3Sp7Xc",
    bodyBytesMax: 2048,
    drainMs: 15_000,
    bodyTimeoutMs: 1000,
    headersTimeoutMs: 15_000,
    queueBytesMax: 4096,
    queuesBytesMax: 16_777_216,
    streams: { total: 0, perAccount: 20, perKey: 10, perAddress: 5 },
    connections: { total: 100, perAddress: 20, requestsPerAddress: 0 },
    retention: { hours: 1, changesMax: 500 },
    rateLimit: 0,
    quotas: { records: 1, recordBytes: 2, fileBytes: 3, users: 4, endpoints: 5, answerBytes: 6, projects: 0 },
    managementRateLimit: 60,
    registrationsPerMinute: 0,
    redisUrl: "rediss://u:p@redis.example:6380/1",
    accessTokenTtlMs: 3_600_000,
    uploadTimeoutMs: 1000,
    s3: { bucket: "files", region: "eu-central-1", endpoint: "http://localhost:9000", accessKeyId: "id", secretAccessKey: "secret" },
    smtp: { host: "mail.example.com", port: 465, secure: true, user: "u", password: "p", from: "noreply@example.com" },
    sandboxTimeoutMs: 50,
    sandboxMemoryBytesMax: 16_777_216,
    sandboxCpuMsPerMinute: 3_000,
    jsonataResultBytesMax: 1_024,
    pingIntervalMs: 25_000,
    pongTimeoutMs: 10_000,
    pollIntervalMs: 100,
    logLevel: "debug",
    mode: "development",
  });
});

test("an empty variable counts as unset", () => {
  const config = parseConfig({ DATABASE_URL: "", PORT: " ", RESTED_SECRET: "" });
  expect(config.port).toBe(3000);
  expect("databaseUrl" in config || "secret" in config).toBe(false);
});

test("all problems are reported together, each with its fix", () => {
  const message = problemsOf({ PORT: "http", RESTED_SIGNUP: "maybe", DATABASE_URL: "mysql://x", TLS_CERT_FILE: pem, RESTED_DATADIR: "x" });
  expect(message.split("\n")).toEqual([
    "The configuration has 5 problems:",
    "  - PORT: Use a whole number from 0 to 65535.",
    expect.stringMatching(/^ {2}- DATABASE_URL: Use postgresql:\/\/.*remove this setting to use the built-in PostgreSQL\.$/),
    "  - RESTED_SIGNUP: Use one of: open, closed.",
    "  - TLS_KEY_FILE: Set this too, because TLS_CERT_FILE is set.",
    "  - RESTED_DATADIR: This setting does not exist. Check its spelling, or remove it.",
  ]);
});

describe("invalid values", () => {
  test.each([
    ["NODE_ENV", "staging", "production, development, test"],
    ["HOST", "http://localhost", "Use an address or a host name"],
    ["PORT", "65536", "from 0 to 65535"],
    ["PORT", "-1", "from 0 to 65535"],
    ["PORT", "80.5", "from 0 to 65535"],
    ["DATABASE_URL", "postgres://host", "Use postgresql://"],
    ["DATABASE_URL", "localhost:5432/x", "Use postgresql://"],
    ["RESTED_PUBLIC_URL", "https://example.com/rested", "without a path"],
    ["RESTED_PUBLIC_URL", "example.com", "without a path"],
    ["TLS_CERT_FILE", "/no/such/file.pem", "cannot be read (ENOENT)"],
    ["TLS_KEY_FILE", "/", "/ is not a file"],
    ["TRUST_PROXY", "true", "Not valid: true."],
    ["RESTED_OUTBOUND_ALLOWED", "loopback, 10.0.0.0/33, fe80::1%eth0", "Not valid: loopback, 10.0.0.0/33, fe80::1%eth0."],
    ["TRUST_PROXY", "10.0.0.0/33, ::1/129, 10.0.0.1/", "Not valid: 10.0.0.0/33, ::1/129, 10.0.0.1/."],
    ["REDIS_URL", "localhost:6379", "Use redis://"],
    ["RESTED_LOG_HOURS", "0", "from 1 to 87600 hours"],
    ["RESTED_LOG_CHANGES_MAX", "99", "from 100 to 1000000000 changes"],
    ["RESTED_RATE_LIMIT", "-1", "from 0 to 1000000000 requests a minute"],
    ["RESTED_MANAGEMENT_RATE_LIMIT", "-1", "from 0 to 1000000 requests a minute"],
    ["RESTED_REGISTRATIONS_PER_MINUTE", "many", "from 0 to 1000000 registrations a minute"],
    ["RESTED_S3_BUCKET", "No Bucket", "name of a bucket"],
    ["RESTED_S3_ENDPOINT", "s3.example.com", "Use the address of the store"],
    ["RESTED_DEMO", "yes", "1, 0, true, false"],
    ["RESTED_ADMIN_EMAIL", "admin", "like name@example.com"],
    ["RESTED_ADMIN_PASSWORD", "short", "10 characters or more"],
    ["RESTED_ADMIN_TOKEN", "short", "at least 32 random characters"],
    ["RESTED_ADMIN_TOKEN", "a".repeat(48), "can be guessed, because it repeats a few characters. Create one with: openssl rand"],
    ["RESTED_ADMIN_TOKEN", "password123".repeat(5), "can be guessed"],
    ["RESTED_SECRET", "0123456789".repeat(4), "can be guessed"],
    ["RESTED_SECRET", "short", "at least 32 random characters"],
    ["RESTED_BODY_BYTES_MAX", "1 MB", "from 1024 to 268435456 bytes"],
    ["RESTED_DRAIN_MS", "-1", "from 0 to 600000 milliseconds"],
    ["RESTED_BODY_TIMEOUT_MS", "0", "from 100 to 3600000 milliseconds"],
    ["RESTED_DATABASE_CONNECTIONS_MAX", "9", "from 10 to"],
    ["RESTED_QUEUE_BYTES_MAX", "12", "from 1024 to"],
    ["RESTED_QUEUES_BYTES_MAX", "1048576", "from 16777216 to"],
    ["RESTED_POLL_INTERVAL_MS", "1e3", "from 50 to 60000"],
    ["RESTED_LOG_LEVEL", "verbose", "fatal, error, warn"],
  ])("%s=%s", (name, value, fix) => {
    const line = problemsOf({ [name]: value })
      .split("\n")
      .find((candidate) => candidate.startsWith(`  - ${name}: `));
    expect(line).toContain(fix);
  });
});

test("a problem with a secret does not show its value", () => {
  const message = problemsOf({
    RESTED_SECRET: "hunter2",
    RESTED_ADMIN_PASSWORD: "hunter3",
    RESTED_ADMIN_TOKEN: "hunter4",
    DATABASE_URL: "pg://u:hunter5@h/d",
  });
  expect(message).toContain("5 problems");
  expect(message).not.toContain("hunter");
});

test(".env.example has every variable, once, and no other", () => {
  const example = fs.readFileSync(".env.example", "utf8");
  const names = [...example.matchAll(/^# ([A-Z][A-Z0-9_]*)=/gm)].map((match) => match[1]);
  expect(names.toSorted()).toEqual(VARIABLES.toSorted());
});

test("the defaults in .env.example are the actual ones", () => {
  const example = fs.readFileSync(".env.example", "utf8");
  const shown = [...example.matchAll(/^# ([A-Z][A-Z0-9_]*)=(.+)$/gm)].flatMap(([, name = "", value = ""]) =>
    /DATABASE_URL|REDIS_URL|PUBLIC_URL|SMTP_URL|SMTP_FROM|TLS_|TRUST_PROXY|OUTBOUND|ADMIN/.test(name) ? [] : [[name, value]],
  );
  expect(shown.length).toBeGreaterThan(8);
  expect(parseConfig(Object.fromEntries(shown))).toEqual(parseConfig({}));
});

test("settings of the developer who runs the tests do not reach the servers that tests start", () => {
  expect(VARIABLES.filter((name) => !isSetting(name))).toEqual([]);
  const others = { PATH: "/bin", HOME: "/root", TMPDIR: "/tmp", CHROMIUM_PATH: "/usr/bin/chromium" };
  expect(withoutSettings({ ...others, REDIS_URL: "redis://mine", PGOPTIONS: "-c x=1", NEXTAUTH_URL: "https://mine" })).toEqual(others);
});

test("the default limit of connections is above the limit of streams; if streams have no limit, connections have none", () => {
  const env = { RESTED_STREAMS_MAX: "100", RESTED_STREAMS_PER_ADDRESS_MAX: "0" };
  expect(parseConfig(env).connections).toEqual({ total: 10_100, perAddress: 0, requestsPerAddress: 1_000 });
});
