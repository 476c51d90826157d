/** Checks the guides and comments: every path and link in README.md, CONTRIBUTING.md, docs and comments leads to a file, and every ADR has its sections. */
import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

const guides = ["README.md", "CONTRIBUTING.md", ...listMarkdown("docs"), ...listMarkdown("docs/adr"), ...listMarkdown("examples")];

/** The Markdown files directly in `folder`, and those one level below `examples`. */
function listMarkdown(folder: string): string[] {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.posix.join(folder, entry.name);
    if (entry.isDirectory()) return folder === "examples" ? listMarkdown(file) : [];
    return file.endsWith(".md") ? [file] : [];
  });
}

/** Paths from the root of the repository in code spans, code blocks and diagrams. */
function findPaths(text: string): string[] {
  const code = text.match(/^```[\s\S]*?^```|`[^`\n]+`/gm) ?? [];
  const named = /(?<![\w./:-])(?:src|app|tests|e2e|bench|prisma|scripts|docs)\/[\w./@()[\]-]*[\w)\]/]/g;
  // A closing bracket without an opening one belongs to the surrounding text.
  const trim = (found: string) => (found.endsWith(")") && !found.includes("(") ? found.slice(0, -1) : found);
  return code.flatMap((span) => (span.match(named) ?? []).map(trim));
}

/** Targets of Markdown links, without those to other sites. */
function findLinks(text: string): string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = ""]) => (/^[a-z]+:/.test(target) ? [] : [target]));
}

/** The anchors that code hosts give to the headings of a file. */
function toAnchors(text: string): Set<string> {
  const headings = text.replace(/^```[\s\S]*?^```/gm, "").match(/^#+ .*$/gm) ?? [];
  const toAnchor = (heading: string) =>
    heading
      .replace(/^#+ /, "")
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-");
  return new Set(headings.map(toAnchor));
}

/** Undefined when the link leads to a file or folder, and its anchor to a heading. */
function findLinkProblem(guide: string, link: string): string | undefined {
  const [target = "", anchor] = link.split("#");
  const file = target === "" ? guide : path.posix.join(path.posix.dirname(guide), target);
  if (!fs.existsSync(file)) return `${guide}: ${link} does not exist`;
  if (anchor === undefined || toAnchors(fs.readFileSync(file, "utf8")).has(anchor)) return undefined;
  return `${guide}: ${file} has no heading #${anchor}`;
}

describe("guides", () => {
  test("name only files and folders that exist", () => {
    const missing = guides.flatMap((guide) =>
      findPaths(fs.readFileSync(guide, "utf8")).flatMap((named) => (fs.existsSync(named) ? [] : [`${guide}: ${named} does not exist`])),
    );
    expect(missing).toEqual([]);
    expect(guides.length).toBeGreaterThan(40);
  });

  test("name each file once in a row of the table of concerns", () => {
    const rows = fs.readFileSync("docs/architecture.md", "utf8").match(/^\|.*`.*\|$/gm) ?? [];
    expect(rows.filter((row) => new Set(findPaths(row)).size < findPaths(row).length)).toEqual([]);
    expect(rows.length).toBeGreaterThan(100);
  });

  test("name only members that their files have", () => {
    const text = guides.map((guide) => fs.readFileSync(guide, "utf8")).join("\n");
    const named = [...text.matchAll(/`(#?\w+)`(?: and `(#?\w+)`)? in `((?:src|app)\/[^`]+)`/g)];
    const missing = named.flatMap(([, first, second, file = ""]) => {
      const source = fs.readFileSync(file, "utf8");
      return [first, second].flatMap((name) => (name === undefined || source.includes(`${name}(`) ? [] : [`${file} has no ${name}`]));
    });
    expect(missing).toEqual([]);
    expect(named.length).toBeGreaterThan(3);
  });

  test("link only to files and headings that exist", () => {
    const problems = guides.flatMap((guide) =>
      findLinks(fs.readFileSync(guide, "utf8")).flatMap((link) => findLinkProblem(guide, link) ?? []),
    );
    expect(problems).toEqual([]);
  });

  test("the checks see paths in code spans and code blocks, links, and missing headings", () => {
    const text =
      "See `src/a/b.ts`, `npx vitest run src/core`, [c](docs/c.md#d), [e](https://example.com/src/f).\n```\nnode scripts/g.mjs\n```\n";
    expect(findPaths(text)).toEqual(["src/a/b.ts", "src/core", "scripts/g.mjs"]);
    expect(findPaths("`https://example.com/docs/h` and `./docs/i`")).toEqual([]);
    expect(findLinks(text)).toEqual(["docs/c.md#d"]);
    expect(findLinkProblem("README.md", "docs/SPEC.md#no-such-heading")).toBeDefined();
    expect(findLinkProblem("README.md", "docs/no-such-file.md")).toBeDefined();
    expect(toAnchors("# U · URL, key, origin\n```\n# not a heading\n```\n")).toEqual(new Set(["u--url-key-origin"]));
  });
});

const SOURCE_ROOTS = ["src", "app", "tests", "e2e", "bench", "scripts"];
const SOURCE = /\.(?:tsx?|mjs|mts)$/;
const GENERATED = "src/db/prisma/generated";

function listSources(folder: string): string[] {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.posix.join(folder, entry.name);
    if (entry.isDirectory()) return file === GENERATED ? [] : listSources(file);
    return SOURCE.test(file) ? [file] : [];
  });
}

const sources = SOURCE_ROOTS.flatMap(listSources);
const fileNames = new Set([...sources, "server.ts", "proxy.ts"].map((file) => path.posix.basename(file)));

/** The comments of a source file. `//` after a colon or a quotation mark is part of an address. */
function findComments(source: string): string[] {
  return source.match(/\/\*[\s\S]*?\*\/|(?<![:"'`\w/])\/\/.*$/gm) ?? [];
}

/** Names of files: `core/users/users.ts`, `./words.test.ts`, and bare ones such as `ports.ts`. */
function findFileNames(comment: string): string[] {
  return (
    comment.match(/(?<![\w./:@*-])(?:\.{1,2}\/)*(?:(?:[\w[\]-]+|\(\w+\))\/)*[\w[\]-][\w.[\]-]*\.(?:tsx?|mjs|mts|sql|prisma)\b(?![\w(])/g) ??
    []
  );
}

/** True if the name leads to a file from the root of the repository, from `src`, or from the folder of the file that names it. A bare name can be in any folder. */
function existsFor(file: string, named: string): boolean {
  const isFound = ["", "src", path.posix.dirname(file)].some((base) => fs.existsSync(path.posix.join(base, named)));
  return isFound || (!named.includes("/") && fileNames.has(named));
}

describe("comments", () => {
  test("name only files that exist", () => {
    const missing = sources.flatMap((file) =>
      findComments(fs.readFileSync(file, "utf8"))
        .flatMap(findFileNames)
        .flatMap((named) => (existsFor(file, named) ? [] : [`${file}: ${named} does not exist`])),
    );
    expect(missing).toEqual([]);
    expect(sources.length).toBeGreaterThan(500);
  });

  test("the check sees file names in block and line comments, and no addresses", () => {
    const source =
      '/** See core/access/access.ts. */\nconst url = "https://example.com/b/c.ts"; // As in ./docs.test.ts (src/db/migrate.ts),\n';
    expect(findComments(source).flatMap(findFileNames)).toEqual(["core/access/access.ts", "./docs.test.ts", "src/db/migrate.ts"]);
    expect(findFileNames("not https://example.com/f.ts")).toEqual([]);
    expect(existsFor("src/core/access/access.ts", "core/access/ports.ts")).toBe(true);
    expect(existsFor("src/core/access/access.ts", "core/ports.ts")).toBe(false);
    expect(existsFor("src/core/access/access.ts", "ports.ts")).toBe(true);
    expect(existsFor("src/core/access/access.ts", "no-such-file.ts")).toBe(false);
  });
});

describe("decision records", () => {
  const records = listMarkdown("docs/adr");

  test("are numbered without gaps, and their titles have the same number", () => {
    const numbers = records.map((file) => Number(/\/(\d{4})-/.exec(file)?.[1]));
    expect(numbers).toEqual(records.map((_, index) => index + 1));
    const titles = records.map((file) => Number(/^# (\d+)\. /.exec(fs.readFileSync(file, "utf8"))?.[1]));
    expect(titles).toEqual(numbers);
  });

  test("have a status, a context, a decision and consequences", () => {
    const sections = ["Status: accepted", "## Context", "## Decision", "## Consequences"];
    const lacking = records.flatMap((file) => {
      const lines = fs.readFileSync(file, "utf8").split("\n");
      return sections.filter((section) => !lines.includes(section)).map((section) => `${file}: ${section}`);
    });
    expect(lacking).toEqual([]);
  });
});
