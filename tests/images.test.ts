/** Checks the promises of the container image (ADR 25): a maintained Node.js, and no write access except to the data. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** The instructions of the Dockerfile with continued lines joined. Those of the last stage run in production. */
const instructions = readFileSync("Dockerfile", "utf8")
  .replaceAll(/\\\n\s*/g, "")
  .split("\n")
  .filter((line) => /^[A-Z]+ /.test(line));
const lastStage = instructions.slice(instructions.findLastIndex((line) => line.startsWith("FROM ")));
const compose = readFileSync("compose.yaml", "utf8");

/** The server's part of compose.yaml. */
const server = compose.slice(compose.indexOf("x-rested:"), compose.indexOf("\nservices:"));

test("every stage uses Node.js 24", () => {
  const bases = instructions.filter((line) => line.startsWith("FROM ")).map((line) => line.split(" ")[1]);
  expect(bases.length).toBeGreaterThan(1);
  expect(bases.filter((base) => !/^node:24[.-]/.test(base ?? ""))).toEqual([]);
});

test("the server runs as a user who owns none of its code", () => {
  expect(lastStage.filter((line) => line.startsWith("USER ")).at(-1)).toBe("USER node");
  const copies = lastStage.filter((line) => /^(COPY|ADD) /.test(line));
  expect(copies.length).toBeGreaterThan(0);
  expect(copies.filter((line) => /--(chown|chmod)/.test(line))).toEqual([]);
  const owned = lastStage.flatMap((line) =>
    [...line.matchAll(/\b(?:chown|chmod)\b (?:-\S+ )*\S+ ([^&|;]+)/g)].map(([, places = ""]) => places.trim()),
  );
  expect(owned).toEqual(["/data"]);
});

test("the image contains the health check and no other script", () => {
  expect(lastStage.find((line) => line.startsWith("HEALTHCHECK "))).toMatch(/ CMD \["node", "scripts\/check-health\.mjs"\]$/);
  expect(lastStage.filter((line) => line.includes("/scripts"))).toEqual(["COPY --from=build /app/scripts/check-health.mjs ./scripts/"]);
});

test("the server has the same options for memory as with npm start", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: { start: string } };
  const flags = scripts.start.split(" ").filter((word) => word.startsWith("--"));
  expect(flags.length).toBeGreaterThan(0);
  const command: unknown = JSON.parse(lastStage.find((line) => line.startsWith("CMD "))?.slice("CMD ".length) ?? "");
  expect(command).toEqual(["node", ...flags, "--enable-source-maps", "dist/server.js"]);
});

test("in compose.yaml the server can write only its volumes and /tmp, and cannot gain rights", () => {
  expect(server).toMatch(/^ {2}read_only: true$/m);
  expect(server).toMatch(/^ {2}cap_drop: \[ALL\]$/m);
  expect(server).toMatch(/^ {2}security_opt: \["no-new-privileges:true"\]$/m);
});

test("in compose.yaml no secret has a default, and no image has a floating version", () => {
  const secrets = [...compose.matchAll(/(?<!\$)\$\{(\w*(?:PASSWORD|SECRET|TOKEN)\w*)([^}]*)\}/g)];
  expect(secrets.length).toBeGreaterThan(3);
  expect(secrets.filter(([, , rule = ""]) => !rule.startsWith(":?"))).toEqual([]);
  const images = [...compose.matchAll(/^\s+image: (\S+)$/gm)].map(([, image = ""]) => image);
  expect(images.length).toBeGreaterThan(3);
  expect(images.filter((image) => !/:[\w.-]*\d\.\d|:RELEASE\.\d/.test(image))).toEqual([]);
});
