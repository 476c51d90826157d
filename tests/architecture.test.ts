import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { parseImports, resolveImport, withoutComments } from "@/tests/support/source-imports";

const LINES_MAX = 400;
const TEST_LINES_MAX = 600;
const SERVER_LINES_MAX = 80;
const FOLDER_FILES_MAX = 15;

/** The parts that each part may import, at run time and as types only. A part may always import itself. */
interface Rule {
  imports: readonly Part[];
  types?: readonly Part[];
}

const PARTS = [
  "shared",
  "config",
  "core",
  "db",
  "realtime",
  "http",
  "management",
  "sandbox",
  "storage",
  "limits",
  "outbound",
  "runtime",
  "registry",
  "ui",
  "app",
  "server",
] as const;
type Part = (typeof PARTS)[number];

const SERVER_SIDE = [
  "shared",
  "config",
  "core",
  "db",
  "realtime",
  "http",
  "management",
  "sandbox",
  "storage",
  "limits",
  "outbound",
  "runtime",
] as const;

const RULES: Readonly<Record<Part, Rule>> = {
  shared: { imports: [] },
  config: { imports: ["shared"] },
  core: { imports: ["shared"] },
  db: { imports: ["core", "shared"] },
  realtime: { imports: ["core", "shared"] },
  http: { imports: ["core", "shared"] },
  management: { imports: ["core", "shared"], types: ["db"] },
  sandbox: { imports: ["core", "shared"] },
  storage: { imports: ["core", "shared"] },
  limits: { imports: ["core", "shared"] },
  outbound: { imports: ["core", "shared"] },
  runtime: { imports: [...SERVER_SIDE, "registry"] },
  registry: { imports: [], types: SERVER_SIDE },
  ui: { imports: ["shared"] },
  app: { imports: ["ui", "management", "shared", "registry"] },
  server: { imports: ["config", "runtime", "registry"] },
};

/**
 * The rooms of each part, and which other rooms of it each one may import at run time. Files directly in the part are its entry points or its base:
 * every room may import them, and they may import every room.
 */
const ROOMS: Partial<Record<Part, Readonly<Record<string, readonly string[]>>>> = {
  core: {
    access: ["json", "rules"],
    "access-functions": ["access", "json"],
    files: ["http", "json", "limits", "records"],
    http: [],
    json: [],
    limits: ["access"],
    mail: ["access", "files", "limits", "records", "secrets"],
    records: ["json"],
    rules: ["json"],
    secrets: [],
    streams: [],
    traffic: ["access"],
    users: ["access", "json", "limits", "records"],
    webhooks: ["records", "streams"],
  },
  db: { embedded: [], prisma: ["records"], reads: [], records: ["reads"], stores: ["reads", "records"], traffic: [] },
  http: { body: [], handlers: ["body", "reply"], reply: [], server: ["handlers", "reply"] },
  management: {
    access: ["changes", "records"],
    accounts: ["keys"],
    "app-users": ["records"],
    changes: ["app-users", "connections", "search"],
    connections: ["keys"],
    email: [],
    endpoints: ["access"],
    export: ["records"],
    files: [],
    import: ["export"],
    keys: [],
    openapi: ["import"],
    projects: ["access", "endpoints", "keys", "openapi"],
    records: ["changes", "search"],
    search: [],
    setup: ["accounts", "keys"],
    traffic: [],
    webhooks: [],
  },
  realtime: {
    cluster: [],
    filters: ["log", "wire"],
    hub: ["cluster", "filters", "log", "transports", "wire"],
    log: ["wire"],
    transports: ["wire"],
    webhooks: ["filters", "log"],
    wire: [],
  },
  sandbox: { worker: [] },
  shared: {
    filters: ["streams", "text"],
    http: [],
    management: ["http", "rules", "streams", "text"],
    rules: ["streams"],
    streams: [],
    text: [],
  },
};

/** Packages that access sockets, files or the database. Rules and browser code must not import them. */
const OUTSIDE = /^(node:(fs|net|http|https|tls|child_process|worker_threads|dgram)(\/.*)?|pg|ws|next(\/.*)?|pino|@prisma\/.*)$/;
const PACKAGE_RULES: Partial<Record<Part, RegExp>> = {
  shared: /^node:|^(pg|ws|next|pino|react)(\/.*)?$|^@prisma\//,
  core: OUTSIDE,
  ui: /^node:|^(pg|ws|pino)$|^@prisma\//,
};

const ROOTS = ["app", "src", "scripts", "tests", "e2e", "bench", "server.ts", "proxy.ts"];
const files = ROOTS.flatMap(list);
/** Shipped code: neither tests nor tools. */
const shipped = files.filter((file) => /^(app|src)\/|^(server|proxy)\.ts$/.test(file) && !isTest(file));

function list(place: string): string[] {
  const stat = fs.statSync(place, { throwIfNoEntry: false });
  if (!stat || place === "src/db/prisma/generated") return [];
  if (!stat.isDirectory()) return /\.(tsx?|mjs|mts)$/.test(place) ? [place] : [];
  return fs.readdirSync(place).flatMap((name) => list(path.posix.join(place, name)));
}

function isTest(file: string): boolean {
  return /\.(test|spec)\.tsx?$/.test(file);
}

function read(file: string): string {
  return fs.readFileSync(file, "utf8");
}

function toPart(file: string): Part | undefined {
  if (/^src\/runtime\/registry(\.ts)?$/.test(file)) return "registry";
  if (/^server(\.ts)?$/.test(file)) return "server";
  // Next's hook that runs before pages. It belongs to the dashboard.
  if (/^proxy(\.ts)?$/.test(file) || file.startsWith("app/")) return "app";
  const folder = /^src\/([^/]+)\//.exec(file)?.[1];
  return PARTS.find((part) => part === folder);
}

/** Returns "file: problem" for each import that the table does not allow. */
function findForbiddenImports(file: string, source: string): string[] {
  const part = toPart(file);
  if (!part) return [`${file}: belongs to no part of the table`];
  const { imports, types = [] } = RULES[part];
  return parseImports(source).flatMap(({ specifier, isTypeOnly }) => {
    const target = resolveImport(file, specifier);
    if (target === undefined)
      return PACKAGE_RULES[part]?.test(specifier) && !isTypeOnly ? [`${file}: ${part} must not import ${specifier}`] : [];
    if (/\.(css|json|woff2?|svg|png)$/.test(target)) return [];
    const other = toPart(target);
    if (other === part || (other && imports.includes(other)) || (other && isTypeOnly && types.includes(other))) return [];
    return [`${file}: ${part} must not import ${isTypeOnly ? "types of " : ""}${target}`];
  });
}

describe("imports", () => {
  test("each part imports only what the table allows", () => {
    expect(shipped.length).toBeGreaterThan(50);
    expect(shipped.flatMap((file) => findForbiddenImports(file, read(file)))).toEqual([]);
  });

  test("the check finds every form of import", () => {
    const source = `
      import a from "@/src/db/client"; // import z from "@/src/db/zzz"
      import type { B } from "@/src/db/types";
      import { type C, type D } from "@/src/db/inline-types";
      import { type E, f } from "@/src/db/mixed";
      import * as g from "../db/star";
      import "@/src/db/effect";
      export { h } from "@/src/db/re-export";
      export type { I } from "@/src/db/type-re-export";
      import {
        j,
      } from "@/src/db/lines";
      import type from "@/src/db/named-type";
      /* import k from "@/src/db/comment"; */
      const url = "https://example.com/'"; await import("@/src/db/dynamic");
      type L = typeof import("@/src/db/type-of");
    `;
    expect(
      parseImports(source).map(({ specifier, isTypeOnly }) => `${resolveImport("src/core/x.ts", specifier)}${isTypeOnly ? " (type)" : ""}`),
    ).toEqual([
      "src/db/client",
      "src/db/types (type)",
      "src/db/inline-types (type)",
      "src/db/mixed",
      "src/db/star",
      "src/db/re-export",
      "src/db/type-re-export (type)",
      "src/db/lines",
      "src/db/named-type",
      "src/db/effect",
      "src/db/dynamic",
      "src/db/type-of (type)",
    ]);
    expect(findForbiddenImports("src/core/x.ts", 'import type { B } from "../db/b";\nimport fs from "node:fs";')).toEqual([
      "src/core/x.ts: core must not import types of src/db/b",
      "src/core/x.ts: core must not import node:fs",
    ]);
    expect(findForbiddenImports("src/management/x.ts", 'import type { B } from "../db/b";\nimport { b } from "../db/b";')).toEqual([
      "src/management/x.ts: management must not import src/db/b",
    ]);
  });
});

/** The features of the dashboard, and which others each one may import. Everything else in src/ui is shared by all of them. */
const FEATURES: Readonly<Record<string, readonly string[]>> = {
  account: [],
  auth: [],
  connections: [],
  // The details of a change show the request that wrote it.
  console: ["traffic"],
  // The pages of an endpoint include its API documentation, and lists of endpoints their requests over time.
  endpoints: ["docs", "traffic"],
  docs: [],
  keys: [],
  // The overview of a project lists its endpoints, and shows its traffic and its recent errors.
  projects: ["endpoints", "traffic"],
  records: [],
  shell: [],
  traffic: [],
  // Users are records: their data is shown and edited as such.
  users: ["records"],
  webhooks: [],
};

function toRoom(file: string): string | undefined {
  return /^src\/ui\/([^/]+)\//.exec(file)?.[1];
}

describe("rooms", () => {
  test("features of the dashboard share code only through shared rooms", () => {
    const isFeature = (room: string | undefined): room is string => room !== undefined && Object.hasOwn(FEATURES, room);
    const found = shipped.flatMap((file) =>
      parseImports(read(file)).flatMap(({ specifier }) => {
        const [from, to] = [toRoom(file), toRoom(resolveImport(file, specifier) ?? "")];
        if (from === undefined || !isFeature(to) || from === to || FEATURES[from]?.includes(to)) return [];
        return [`${file}: ${from} must not import ${to}`];
      }),
    );
    expect(found).toEqual([]);
  });

  test("each room imports only the rooms that the table allows, and every folder is in the table", () => {
    const findRoom = (file: string): readonly [Part, string] | undefined => {
      const [, part, room] = /^src\/([^/]+)\/([^/]+)\//.exec(file) ?? [];
      const known = PARTS.find((each) => each === part);
      return known && room !== undefined && ROOMS[known] ? [known, room] : undefined;
    };
    const found = shipped.flatMap((file) => {
      const [part, room] = findRoom(file) ?? [];
      if (part === undefined || room === undefined) return [];
      const allowed = ROOMS[part]?.[room];
      if (!allowed) return [`${file}: the table has no room ${part}/${room}`];
      return parseImports(read(file)).flatMap(({ specifier, isTypeOnly }) => {
        const [otherPart, other] = findRoom(resolveImport(file, specifier) ?? "") ?? [];
        if (isTypeOnly || otherPart !== part || other === undefined || other === room || allowed.includes(other)) return [];
        return [`${file}: ${part}/${room} must not import ${part}/${other}`];
      });
    });
    expect(found).toEqual([]);
  });

  test("a folder contains at most 15 files, not counting tests beside the code", () => {
    const count = new Map<string, number>();
    const inTests = /^(tests|e2e)\//;
    for (const file of files) {
      if ((isTest(file) && !inTests.test(file)) || /\.d\.m?ts$/.test(file)) continue;
      const folder = path.posix.dirname(file);
      count.set(folder, (count.get(folder) ?? 0) + 1);
    }
    expect([...count].filter(([, size]) => size > FOLDER_FILES_MAX).map(([folder, size]) => `${folder}: ${size}`)).toEqual([]);
  });

  test("files do not import each other in a circle, including types in the interface, at run time elsewhere", () => {
    const names = new Set(shipped);
    const resolve = (target: string) =>
      ["", ".ts", ".tsx", ".mts", ".mjs"].map((suffix) => target + suffix).find((name) => names.has(name));
    const graph = new Map(
      shipped.map((file) => {
        const imports = parseImports(read(file)).filter(({ isTypeOnly }) => !isTypeOnly || /^(app|src\/ui)\//.test(file));
        return [file, imports.flatMap(({ specifier }) => resolve(resolveImport(file, specifier) ?? "") ?? [])];
      }),
    );
    expect(findCircles(graph)).toEqual([]);
    expect(
      findCircles(
        new Map([
          ["a", ["b"]],
          ["b", ["c", "d"]],
          ["c", ["b"]],
          ["d", []],
        ]),
      ),
    ).toEqual(["b → c → b"]);
  });
});

/** Returns one circle, as `a → b → a`, for each import that closes one. */
function findCircles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: readonly string[]) => {
    const start = path.indexOf(file);
    if (start >= 0) circles.push([...path.slice(start), file].join(" → "));
    if (start >= 0 || done.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return circles;
}

describe("boundaries", () => {
  test("only src/config reads the environment; Next replaces NODE_ENV when it builds", () => {
    const found = shipped.flatMap((file) =>
      [...withoutComments(read(file)).matchAll(/process\.env\b(.{0,40})/g)].flatMap(([text, rest = ""]) => {
        if (file.startsWith("src/config/")) return [];
        if (file === "server.ts" && rest.startsWith(")")) return [];
        if (toPart(file) === "app" && rest.startsWith(".NODE_ENV")) return [];
        // next-auth takes its settings from the environment; the composition root sets them.
        if (file.startsWith("src/runtime/") && /^\.\w+ (\?\?)?= /.test(rest)) return [];
        return [`${file}: ${text}`];
      }),
    );
    expect(found).toEqual([]);
  });

  test("only the record commit writes records by SQL, because the log must contain every write", () => {
    const write =
      /\b(INSERT\s+INTO|UPDATE|DELETE\s+FROM|MERGE\s+INTO|TRUNCATE(\s+TABLE)?|COPY)\s+(ONLY\s+)?("?public"?\s*\.\s*)?"(Record|Change)"|\brecord_commit\w*\s*\(/i;
    // The sweep deletes changes that are too old to be replayed (W10). It changes no record.
    const others = shipped.filter((file) => !/^src\/db\/records\/(record-(commit|store)|change-retention)\.ts$/.test(file));
    expect(others.filter((file) => write.test(read(file)))).toEqual([]);
    expect('db.query(`update "Record" set data = 1`)').toMatch(write);
    expect(read("src/db/prisma/generated/internal/class.ts")).not.toMatch(write);
  });
});

describe("form", () => {
  test("files are short enough to be read at once", () => {
    const lines = (file: string): number => read(file).split("\n").length - 1;
    expect(
      files.filter((file) => lines(file) > (isTest(file) ? TEST_LINES_MAX : LINES_MAX)).map((file) => `${file}: ${lines(file)}`),
    ).toEqual([]);
    expect(lines("server.ts")).toBeLessThan(SERVER_LINES_MAX);
  });

  test("file names are in kebab-case", () => {
    const names = files.filter((file) => !file.startsWith("app/")).map((file) => path.posix.basename(file));
    expect(names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|spec|config|worker|d))?\.(tsx?|mjs|mts)$/.test(name))).toEqual([]);
    expect(names.filter((name) => /^(utils?|helpers?|index|misc|common)\./.test(name))).toEqual([]);
  });

  test("each file of src opens with a sentence that states its purpose", () => {
    const opening = /^(["']use (client|server)["'];\s*)?(\/\*\*|\/\/ \S)/;
    expect(shipped.filter((file) => file.startsWith("src/") && !opening.test(read(file)))).toEqual([]);
  });

  test("the type checker is never silenced", () => {
    const silencers = /@ts-(ignore|expect-error|nocheck)|\bas unknown as\b/;
    const self = "tests/architecture.test.ts";
    expect(files.filter((file) => /\.tsx?$/.test(file) && file !== self && silencers.test(read(file)))).toEqual([]);
  });

  test("no test is skipped", () => {
    const leftOut = /\b(test|it|describe)(\.\w+)*\.(skip|only|todo|fixme|fails|fail)\b/;
    const self = "tests/architecture.test.ts";
    expect(files.filter((file) => isTest(file) && file !== self && leftOut.test(read(file)))).toEqual([]);
  });
});
