/** Parses the environment variables that server.ts passes to it, and reports every problem with its fix. */
import fs from "node:fs";
import path from "node:path";
import * as z from "zod/mini";
import { isWebOrigin, parseOrigin } from "@/src/shared/http/origins";
import type { QuotaLimits } from "@/src/shared/management/quotas";
import { addressRangesProblem, toList, trustProxyProblem } from "./address-lists";
import { type Layout, toConnectionsDefault, toConnectionsMin, toLayout, workersProblem } from "./layout";
import { type SmtpConfig, type SmtpLimits, smtpFromProblem, smtpPortsProblem, smtpUrlProblem, toSmtpConfig, toSmtpPorts } from "./smtp";

const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
const MODES = ["production", "development", "test"] as const;
const ADMIN_PASSWORD_LENGTH_MIN = 10;
const SECRET_LENGTH_MIN = 32;
/** The minimum number of distinct characters. One of 10 million random secrets of 32 hex digits has fewer. */
const SECRET_DISTINCT_MIN = 8;
/** The minimum length of the text that a secret repeats. */
const SECRET_PERIOD_MIN = 16;
const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** An S3-compatible service. */
export interface S3Config {
  bucket: string;
  region: string;
  /** Absent: the service of Amazon. */
  endpoint?: string;
  accessKeyId: string;
  secretAccessKey: string;
}

export interface WebhooksConfig {
  /** URLs may have the scheme http. */
  allowsHttp: boolean;
  /** The maximum time of a request to a receiver. */
  timeoutMs: number;
  /** The time between the first and the second try of a delivery. It doubles with each further try. */
  retryFirstMs: number;
  /** A node that is killed is replaced after this time. */
  leaseMs: number;
  /** A request that takes longer is slow (H7). */
  slowMs: number;
}

export interface Config extends Layout, SmtpLimits {
  /** The address to listen on. 127.0.0.1 is reachable only from this machine. */
  host: string;
  /** 0 selects a free port. */
  port: number;
  /** The absolute path of the folder with the built-in PostgreSQL, the files and the server's secret. */
  dataDir: string;
  /** Absent: the built-in PostgreSQL. */
  databaseUrl?: string;
  /** The maximum number of connections to the database, of all processes of this server together. */
  databaseConnectionsMax: number;
  /** The origin that clients use, if it is not the address that the server listens on. */
  publicUrl?: string;
  tls?: { certFile: string; keyFile: string };
  /** Proxies whose forwarding headers are trusted: addresses, CIDR ranges, or proxy-addr's names. */
  trustProxy: string[];
  /** Addresses and ranges that are not public and that users may have the server connect to. */
  outboundAllowed: string[];
  webhooks: WebhooksConfig;
  signup: "open" | "closed";
  demo: boolean;
  admin?: { email: string; password: string };
  adminToken?: string;
  /** Absent: the secret is created at the first start and kept in the data folder. */
  secret?: string;
  bodyBytesMax: number;
  /** The time after SIGTERM in which the health check responds with 503 and requests are still served. Then the server stops. */
  drainMs: number;
  /** The time in which the whole body of a request must arrive. */
  bodyTimeoutMs: number;
  headersTimeoutMs: number;
  /** The maximum number of bytes that wait for one subscriber (W7). */
  queueBytesMax: number;
  /** The maximum number of bytes that wait for all subscribers together. */
  queuesBytesMax: number;
  /** The maximum numbers of open streams (W21). 0 means no limit. */
  streams: { total: number; perAccount: number; perKey: number; perAddress: number };
  /** The maximum numbers of open connections, streams included, and of requests in progress. 0 means no limit. */
  connections: { total: number; perAddress: number; requestsPerAddress: number };
  /** The time for which changes can be replayed, and the number of changes of one endpoint that can be replayed (W10). */
  retention: { hours: number; changesMax: number };
  /** The maximum number of requests per minute of each key and address (U8). 0 means no limit. A project may have its own limit. */
  rateLimit: number;
  /** The quotas of projects that have none of their own, and the maximum number of projects of an account (G20). 0 means no limit. */
  quotas: QuotaLimits & { readonly projects: number };
  /** The maximum number of requests per minute of one account at the management API (G23). 0 means no limit. */
  managementRateLimit: number;
  /** The maximum number of registrations per minute of one address at an endpoint (L7). 0 means no limit. */
  registrationsPerMinute: number;
  /** The Redis that servers share for request counts and change notifications. Absent: each server counts requests alone, and polls for changes. */
  redisUrl?: string;
  /** The time for which an access token is valid (L3). */
  accessTokenTtlMs: number;
  /** The time in which the files of one request must arrive (F1). */
  uploadTimeoutMs: number;
  /** The service in which files are stored. Absent: files are stored in the data folder. */
  s3?: S3Config;
  /** The maximum CPU time and memory of one JSONata expression or schema check (R6, R10). */
  sandboxTimeoutMs: number;
  sandboxMemoryBytesMax: number;
  /** The maximum CPU time per minute of the expressions and checks of one key and address. An account may use twice as much. 0 means no limit. */
  sandboxCpuMsPerMinute: number;
  /** The maximum size of a JSONata expression's result (R6). */
  jsonataResultBytesMax: number;
  /** The mail server of the deployment. Absent: only projects with a configuration of their own can send mails. */
  smtp?: SmtpConfig;
  pingIntervalMs: number;
  pongTimeoutMs: number;
  /** The interval at which the change log and the definitions are polled, in case a notification was lost. */
  pollIntervalMs: number;
  logLevel: (typeof LOG_LEVELS)[number];
  mode: (typeof MODES)[number];
}

/** An optional variable. `problemOf` returns a sentence that describes valid values, or undefined if the value is valid. */
function text(problemOf: (value: string) => string | undefined = () => undefined) {
  return z.optional(
    z.string().check(
      z.check<string>((context) => {
        const message = problemOf(context.value);
        if (message !== undefined) context.issues.push({ code: "custom", message, input: context.value });
      }),
    ),
  );
}

function oneOf(values: readonly string[]) {
  return text((value) => (values.includes(value) ? undefined : `Use one of: ${values.join(", ")}.`));
}

function wholeNumber(min: number, max: number, unit = "") {
  return text((value) => {
    const isValid = /^\d{1,15}$/.test(value) && Number(value) >= min && Number(value) <= max;
    return isValid ? undefined : `Use a whole number from ${min} to ${max}${unit}.`;
  });
}

/** All variables. A test checks that .env.example explains each. */
const variables = z.object({
  NODE_ENV: oneOf(MODES),
  HOST: text((value) =>
    /^[\w.:%-]+$/.test(value) ? undefined : "Use an address or a host name, such as 127.0.0.1, or 0.0.0.0 for all addresses.",
  ),
  PORT: wholeNumber(0, 65_535),
  DATABASE_URL: text(databaseUrlProblem),
  RESTED_DATABASE_CONNECTIONS_MAX: wholeNumber(10, 1_000, " connections"),
  RESTED_WORKERS: text(workersProblem),
  RESTED_DASHBOARD_PROCESS: oneOf(["1", "0", "true", "false"]),
  RESTED_DATA_DIR: text((value) => (value.includes("\0") ? "Use the path of a folder." : undefined)),
  RESTED_PUBLIC_URL: text(publicUrlProblem),
  TLS_CERT_FILE: text(fileProblem),
  TLS_KEY_FILE: text(fileProblem),
  TRUST_PROXY: text(trustProxyProblem),
  RESTED_OUTBOUND_ALLOWED: text(addressRangesProblem),
  RESTED_WEBHOOK_HTTP: oneOf(["1", "0", "true", "false"]),
  RESTED_SIGNUP: oneOf(["open", "closed"]),
  RESTED_DEMO: oneOf(["1", "0", "true", "false"]),
  RESTED_ADMIN_EMAIL: text((value) =>
    /^[^\s@]+@[^\s@]+$/.test(value) && value.length <= 254 ? undefined : "Use an e-mail address, like name@example.com.",
  ),
  RESTED_ADMIN_PASSWORD: text((value) =>
    value.length >= ADMIN_PASSWORD_LENGTH_MIN ? undefined : `Use ${ADMIN_PASSWORD_LENGTH_MIN} characters or more.`,
  ),
  RESTED_ADMIN_TOKEN: text(secretProblem),
  RESTED_SECRET: text(secretProblem),
  RESTED_BODY_BYTES_MAX: wholeNumber(KIB, 256 * MIB, " bytes"),
  RESTED_DRAIN_MS: wholeNumber(0, 600_000, " milliseconds"),
  RESTED_BODY_TIMEOUT_MS: wholeNumber(100, 3_600_000, " milliseconds"),
  RESTED_QUEUE_BYTES_MAX: wholeNumber(KIB, 256 * MIB, " bytes"),
  RESTED_QUEUES_BYTES_MAX: wholeNumber(16 * MIB, 1_048_576 * MIB, " bytes"),
  RESTED_POLL_INTERVAL_MS: wholeNumber(50, 60_000, " milliseconds"),
  RESTED_STREAMS_MAX: wholeNumber(0, 10_000_000, " streams; 0 for no limit"),
  RESTED_STREAMS_PER_ACCOUNT_MAX: wholeNumber(0, 10_000_000, " streams; 0 for no limit"),
  RESTED_STREAMS_PER_KEY_MAX: wholeNumber(0, 10_000_000, " streams; 0 for no limit"),
  RESTED_STREAMS_PER_ADDRESS_MAX: wholeNumber(0, 10_000_000, " streams; 0 for no limit"),
  RESTED_CONNECTIONS_MAX: wholeNumber(0, 10_000_000, " connections; 0 for no limit"),
  RESTED_CONNECTIONS_PER_ADDRESS_MAX: wholeNumber(0, 10_000_000, " connections; 0 for no limit"),
  RESTED_REQUESTS_PER_ADDRESS_MAX: wholeNumber(0, 10_000_000, " requests; 0 for no limit"),
  RESTED_LOG_HOURS: wholeNumber(1, 87_600, " hours"),
  RESTED_LOG_CHANGES_MAX: wholeNumber(100, 1_000_000_000, " changes"),
  RESTED_RATE_LIMIT: wholeNumber(0, 1_000_000_000, " requests a minute; 0 for no limit"),
  RESTED_QUOTA_RECORDS: wholeNumber(0, Number.MAX_SAFE_INTEGER, " records; 0 for no limit"),
  RESTED_QUOTA_RECORD_BYTES: wholeNumber(0, Number.MAX_SAFE_INTEGER, " bytes; 0 for no limit"),
  RESTED_QUOTA_FILE_BYTES: wholeNumber(0, Number.MAX_SAFE_INTEGER, " bytes; 0 for no limit"),
  RESTED_QUOTA_USERS: wholeNumber(0, Number.MAX_SAFE_INTEGER, " users; 0 for no limit"),
  RESTED_QUOTA_ENDPOINTS: wholeNumber(0, Number.MAX_SAFE_INTEGER, " endpoints; 0 for no limit"),
  RESTED_QUOTA_ANSWER_BYTES: wholeNumber(0, Number.MAX_SAFE_INTEGER, " bytes; 0 for no limit"),
  RESTED_QUOTA_PROJECTS: wholeNumber(0, Number.MAX_SAFE_INTEGER, " projects; 0 for no limit"),
  RESTED_MANAGEMENT_RATE_LIMIT: wholeNumber(0, 1_000_000, " requests a minute; 0 for no limit"),
  RESTED_REGISTRATIONS_PER_MINUTE: wholeNumber(0, 1_000_000, " registrations a minute; 0 for no limit"),
  REDIS_URL: text(redisUrlProblem),
  RESTED_ACCESS_TOKEN_MINUTES: wholeNumber(1, 527_040, " minutes"),
  RESTED_UPLOAD_TIMEOUT_MS: wholeNumber(100, 86_400_000, " milliseconds"),
  RESTED_S3_BUCKET: text((value) => (/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(value) ? undefined : "Use the name of a bucket.")),
  RESTED_S3_REGION: text(),
  RESTED_S3_ENDPOINT: text(s3EndpointProblem),
  RESTED_S3_ACCESS_KEY_ID: text(),
  RESTED_S3_SECRET_ACCESS_KEY: text(),
  RESTED_SMTP_URL: text(smtpUrlProblem),
  RESTED_SMTP_FROM: text(smtpFromProblem),
  RESTED_SMTP_RATE_LIMIT: wholeNumber(0, 1_000_000, " recipients a minute; 0 for no limit"),
  RESTED_SMTP_ACCOUNT_RATE_LIMIT: wholeNumber(0, 1_000_000, " recipients a minute; 0 for no limit"),
  RESTED_SMTP_PORTS: text(smtpPortsProblem),
  RESTED_SANDBOX_TIMEOUT_MS: wholeNumber(10, 60_000, " milliseconds"),
  RESTED_SANDBOX_MEMORY_BYTES_MAX: wholeNumber(8 * MIB, 2048 * MIB, " bytes"),
  RESTED_SANDBOX_CPU_MS_PER_MINUTE: wholeNumber(0, 3_600_000, " milliseconds a minute; 0 for no limit"),
  RESTED_JSONATA_RESULT_BYTES_MAX: wholeNumber(KIB, 64 * MIB, " bytes"),
  RESTED_LOG_LEVEL: oneOf(LOG_LEVELS),
});

type Variable = keyof typeof variables.def.shape;

/** The names of all variables, for the test that compares them with .env.example. */
export const VARIABLES = Object.keys(variables.def.shape) as Variable[];

/** Pairs of variables of which both or neither must be set. */
const PAIRS: readonly (readonly [Variable, Variable])[] = [
  ["TLS_CERT_FILE", "TLS_KEY_FILE"],
  ["RESTED_ADMIN_EMAIL", "RESTED_ADMIN_PASSWORD"],
  ["RESTED_S3_BUCKET", "RESTED_S3_ACCESS_KEY_ID"],
  ["RESTED_S3_BUCKET", "RESTED_S3_SECRET_ACCESS_KEY"],
  ["RESTED_SMTP_URL", "RESTED_SMTP_FROM"],
];

/** Returns the configuration. An empty variable counts as unset. Throws an error that lists every problem with its fix, without the values of secrets. */
export function parseConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value?.trim() ? [[name, value]] : [])));
  const parsed = variables.safeParse(given);
  const problems = [
    ...(parsed.error?.issues ?? []).map((issue) => `${issue.path.join(".")}: ${issue.message}`),
    ...PAIRS.flatMap(([a, b]) =>
      Boolean(given[a]) === Boolean(given[b]) ? [] : [`${given[a] ? b : a}: Set this too, because ${given[a] ? a : b} is set.`],
    ),
    ...Object.keys(given).flatMap((name) =>
      name.startsWith("RESTED_") && !isVariable(name) ? [`${name}: This setting does not exist. Check its spelling, or remove it.`] : [],
    ),
  ];
  if (!parsed.success || problems.length > 0) throw createProblemsError(problems);
  const config = toConfig(parsed.data);
  const connectionsMin = toConnectionsMin(config);
  if (config.databaseConnectionsMax < connectionsMin) {
    const problem = `RESTED_DATABASE_CONNECTIONS_MAX: Use ${connectionsMin} or more for ${config.workers} workers, or lower RESTED_WORKERS.`;
    throw createProblemsError([problem]);
  }
  return config;
}

function createProblemsError(problems: readonly string[]): Error {
  return new Error(
    `The configuration has ${problems.length === 1 ? "a problem" : `${problems.length} problems`}:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`,
  );
}

function toConfig(env: Readonly<Partial<Record<Variable, string | undefined>>>): Config {
  const number = (name: Variable, fallback: number): number => (env[name] === undefined ? fallback : Number(env[name]));
  const streams = {
    total: number("RESTED_STREAMS_MAX", 50_000),
    perAccount: number("RESTED_STREAMS_PER_ACCOUNT_MAX", 40_000),
    perKey: number("RESTED_STREAMS_PER_KEY_MAX", 20_000),
    perAddress: number("RESTED_STREAMS_PER_ADDRESS_MAX", 2_000),
  };
  const layout = toLayout(env);
  return {
    host: env.HOST ?? "127.0.0.1",
    port: number("PORT", 3000),
    dataDir: path.resolve(env.RESTED_DATA_DIR ?? "data"),
    ...(env.DATABASE_URL === undefined ? {} : { databaseUrl: env.DATABASE_URL }),
    ...(env.RESTED_PUBLIC_URL === undefined ? {} : { publicUrl: new URL(env.RESTED_PUBLIC_URL).origin }),
    ...(env.TLS_CERT_FILE === undefined || env.TLS_KEY_FILE === undefined
      ? {}
      : { tls: { certFile: env.TLS_CERT_FILE, keyFile: env.TLS_KEY_FILE } }),
    ...layout,
    databaseConnectionsMax: number("RESTED_DATABASE_CONNECTIONS_MAX", toConnectionsDefault(layout)),
    trustProxy: toList(env.TRUST_PROXY),
    outboundAllowed: toList(env.RESTED_OUTBOUND_ALLOWED),
    webhooks: {
      allowsHttp: env.RESTED_WEBHOOK_HTTP === "1" || env.RESTED_WEBHOOK_HTTP === "true",
      timeoutMs: 15_000,
      retryFirstMs: 5_000,
      leaseMs: 6_000,
      slowMs: 5_000,
    },
    signup: env.RESTED_SIGNUP === "open" ? "open" : "closed",
    demo: env.RESTED_DEMO === "1" || env.RESTED_DEMO === "true",
    ...(env.RESTED_ADMIN_EMAIL === undefined || env.RESTED_ADMIN_PASSWORD === undefined
      ? {}
      : { admin: { email: env.RESTED_ADMIN_EMAIL, password: env.RESTED_ADMIN_PASSWORD } }),
    ...(env.RESTED_ADMIN_TOKEN === undefined ? {} : { adminToken: env.RESTED_ADMIN_TOKEN }),
    ...(env.RESTED_SECRET === undefined ? {} : { secret: env.RESTED_SECRET }),
    bodyBytesMax: number("RESTED_BODY_BYTES_MAX", MIB),
    drainMs: number("RESTED_DRAIN_MS", 0),
    bodyTimeoutMs: number("RESTED_BODY_TIMEOUT_MS", 30_000),
    headersTimeoutMs: 15_000,
    queueBytesMax: number("RESTED_QUEUE_BYTES_MAX", MIB),
    queuesBytesMax: number("RESTED_QUEUES_BYTES_MAX", 512 * MIB),
    streams,
    connections: {
      // Leaves connections for requests when the maximum of streams is open.
      total: number("RESTED_CONNECTIONS_MAX", streams.total === 0 ? 0 : streams.total + 10_000),
      perAddress: number("RESTED_CONNECTIONS_PER_ADDRESS_MAX", streams.perAddress === 0 ? 0 : streams.perAddress + 2_000),
      requestsPerAddress: number("RESTED_REQUESTS_PER_ADDRESS_MAX", 1_000),
    },
    retention: { hours: number("RESTED_LOG_HOURS", 24), changesMax: number("RESTED_LOG_CHANGES_MAX", 100_000) },
    rateLimit: number("RESTED_RATE_LIMIT", 12_000),
    quotas: {
      records: number("RESTED_QUOTA_RECORDS", 10_000_000),
      recordBytes: number("RESTED_QUOTA_RECORD_BYTES", 50 * GIB),
      fileBytes: number("RESTED_QUOTA_FILE_BYTES", 100 * GIB),
      users: number("RESTED_QUOTA_USERS", 1_000_000),
      endpoints: number("RESTED_QUOTA_ENDPOINTS", 1_000),
      answerBytes: number("RESTED_QUOTA_ANSWER_BYTES", GIB),
      projects: number("RESTED_QUOTA_PROJECTS", 1_000),
    },
    managementRateLimit: number("RESTED_MANAGEMENT_RATE_LIMIT", 1_200),
    registrationsPerMinute: number("RESTED_REGISTRATIONS_PER_MINUTE", 20),
    ...(env.REDIS_URL === undefined ? {} : { redisUrl: env.REDIS_URL }),
    accessTokenTtlMs: number("RESTED_ACCESS_TOKEN_MINUTES", 7 * 24 * 60) * 60_000,
    uploadTimeoutMs: number("RESTED_UPLOAD_TIMEOUT_MS", 600_000),
    ...toS3(env),
    ...toSmtpConfig(env.RESTED_SMTP_URL, env.RESTED_SMTP_FROM),
    smtpRates: { total: number("RESTED_SMTP_RATE_LIMIT", 600), perAccount: number("RESTED_SMTP_ACCOUNT_RATE_LIMIT", 60) },
    smtpPorts: toSmtpPorts(env.RESTED_SMTP_PORTS),
    sandboxTimeoutMs: number("RESTED_SANDBOX_TIMEOUT_MS", 1000),
    sandboxMemoryBytesMax: number("RESTED_SANDBOX_MEMORY_BYTES_MAX", 128 * MIB),
    sandboxCpuMsPerMinute: number("RESTED_SANDBOX_CPU_MS_PER_MINUTE", 15_000),
    jsonataResultBytesMax: number("RESTED_JSONATA_RESULT_BYTES_MAX", 2 * MIB),
    pingIntervalMs: 25_000,
    pongTimeoutMs: 10_000,
    pollIntervalMs: number("RESTED_POLL_INTERVAL_MS", 1000),
    logLevel: LOG_LEVELS.find((level) => level === env.RESTED_LOG_LEVEL) ?? "info",
    mode: MODES.find((mode) => mode === env.NODE_ENV) ?? "production",
  };
}

function toS3(env: Readonly<Partial<Record<Variable, string | undefined>>>): { s3?: S3Config } {
  const { RESTED_S3_BUCKET: bucket, RESTED_S3_ACCESS_KEY_ID: accessKeyId, RESTED_S3_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (bucket === undefined || accessKeyId === undefined || secretAccessKey === undefined) return {};
  const endpoint = env.RESTED_S3_ENDPOINT;
  const region = env.RESTED_S3_REGION ?? "us-east-1";
  return { s3: { bucket, region, ...(endpoint === undefined ? {} : { endpoint }), accessKeyId, secretAccessKey } };
}

function isVariable(name: string): name is Variable {
  return Object.hasOwn(variables.def.shape, name);
}

function databaseUrlProblem(value: string): string | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url && /^postgres(ql)?:$/.test(url.protocol) && url.pathname.length > 1) return undefined;
  return "Use postgresql://user:password@host:5432/database, with special characters in the password percent-encoded; or remove this setting to use the built-in PostgreSQL.";
}

function redisUrlProblem(value: string): string | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  return url && /^rediss?:$/.test(url.protocol) && url.hostname !== ""
    ? undefined
    : "Use redis://user:password@host:6379/0, or rediss:// for TLS.";
}

function s3EndpointProblem(value: string): string | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  return url && /^https?:$/.test(url.protocol) ? undefined : "Use the address of the store, like https://s3.example.com.";
}

function publicUrlProblem(value: string): string | undefined {
  const origin = parseOrigin(value.replace(/\/$/, ""));
  return origin.ok && isWebOrigin(origin.origin)
    ? undefined
    : "Use the server's public address, without a path, like https://rested.example.com.";
}

function fileProblem(value: string): string | undefined {
  try {
    fs.accessSync(value, fs.constants.R_OK);
    return fs.statSync(value).isFile() ? undefined : `${value} is not a file. Use the path of a PEM file.`;
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    return `${value} cannot be read (${reason}). Use the path of a PEM file that this process's user can read.`;
  }
}

function secretProblem(value: string): string | undefined {
  const make = "Create one with: openssl rand -base64 32";
  if (value.length < SECRET_LENGTH_MIN) return `Use at least ${SECRET_LENGTH_MIN} random characters. ${make}`;
  if (new Set(value).size >= SECRET_DISTINCT_MIN && findPeriod(value) >= SECRET_PERIOD_MIN) return undefined;
  return `This value can be guessed, because it repeats a few characters. ${make}`;
}

/** Returns the length of the shortest text that `value` repeats. The last repetition can be incomplete. */
function findPeriod(value: string): number {
  for (let period = 1; period < value.length; period++) if (value.startsWith(value.slice(period))) return period;
  return value.length;
}
