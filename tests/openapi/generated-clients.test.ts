/** Tests that clients generated from both documents (G5) compile, and can create, read, list, change and delete objects. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runQuietly } from "@/scripts/setup/tool-cache.mjs";
import { toProjectDocument } from "@/src/management/openapi/project/document";
import { createDataServer, type DataServer } from "@/tests/support/servers/data-server";
import { type ManageServer, startManageServer } from "@/tests/support/servers/manage-server";
import { findGenerators } from "./generators";

/** The first run downloads the generators. */
const TIMEOUT_MS = 180_000;
const SCHEMA = {
  type: "object",
  required: ["t"],
  properties: { t: { $ref: "#/$defs/celsius" }, note: { type: "string" } },
  $defs: { celsius: { type: "number", minimum: -273.15 } },
};

const tools = await findGenerators();
for (const reason of tools.missing) console.warn(`Some generated clients are not tried: ${reason}.`);

const folder = mkdtempSync(path.join(os.tmpdir(), "rested-clients-"));
let data: DataServer;
let manage: ManageServer;
let manageHttp: Server;
/** The input of each program: both servers, and the credentials for them. */
let access: string[];

beforeAll(async () => {
  data = await createDataServer();
  manage = await startManageServer();
  manageHttp = await listen(manage);
  const address = manageHttp.address();
  const manageOrigin = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  const seed = await data.seed({ endpointName: "garden/readings" });
  await data.pool.query(`UPDATE "Endpoint" SET "schema" = $1 WHERE "id" = $2`, [SCHEMA, seed.endpointId]);
  await data.pool.query(`INSERT INTO "Endpoint" ("id", "projectId", "name") VALUES (gen_random_uuid(), $1, 'garden-notes')`, [
    seed.projectId,
  ]);
  await data.definitions.checkRevisions();
  const switches = { othersCanRead: false, othersCanUpdate: false, othersCanDelete: false, rules: null, accessFunction: null };
  const common = { description: "", ...switches, secure: false, schema: null };
  const project = toProjectDocument({
    projectId: seed.projectId,
    projectName: "Weather",
    origin: data.origin,
    endpoints: [
      { ...common, id: seed.endpointId, name: seed.endpointName, kind: "data", schema: SCHEMA },
      { ...common, id: seed.endpointId, name: "garden-notes", kind: "data" },
      { ...common, id: seed.endpointId, name: "people", kind: "authentication" },
    ],
  });
  writeFileSync(path.join(folder, "project.json"), JSON.stringify(project));
  writeFileSync(path.join(folder, "manage.json"), (await manage.call("GET", "/api/manage/openapi.json")).text);
  const { token } = await manage.createPerson("Ada");
  access = [data.origin, seed.key, manageOrigin, token];
  if (tools.jar) await generate(tools.jar);
}, TIMEOUT_MS);

afterAll(async () => {
  manageHttp.closeAllConnections();
  await new Promise((resolve) => manageHttp.close(resolve));
  await Promise.all([data.close(), manage.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

const RESULT = {
  created: 21.5,
  listed: [21.5, 22.5],
  data: [21.5, 22.5],
  query: 44,
  updated: 23,
  deleted: 23,
  error: "record_not_found",
  name: "Weather",
  projects: true,
};

describe("generated clients", () => {
  it.skipIf(!tools.jar || !tools.npm)(
    "[G5] [U17] TypeScript: openapi-generator's and openapi-typescript's",
    async () => {
      const npm = tools.npm ?? "";
      const here = path.join(folder, "typescript");
      for (const name of ["project", "manage"])
        await runQuietly(process.execPath, [
          path.join(npm, "openapi-typescript/bin/cli.js"),
          path.join(folder, `${name}.json`),
          "-o",
          path.join(here, `${name}-paths.d.ts`),
        ]);
      symlinkSync(npm, path.join(here, "node_modules"));
      cpSync("tests/openapi/programs/round-trip.ts.txt", path.join(here, "round-trip.ts"));
      writeFileSync(path.join(here, "package.json"), '{"type":"module"}');
      const options = ["--strict", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler", "--skipLibCheck"];
      const checked = ["--lib", "es2022,dom,dom.iterable", "--types", "node", "--outDir", "out"];
      await runQuietly(process.execPath, [path.join(npm, "typescript/bin/tsc"), ...options, ...checked, "round-trip.ts"], { cwd: here });
      // The generated imports have no extensions, as bundlers take them.
      const bundle = path.join(here, "out/bundle.mjs");
      const { build } = await import("esbuild");
      await build({ entryPoints: [path.join(here, "out/round-trip.js")], bundle: true, platform: "node", format: "esm", outfile: bundle });
      const [generated, typed] = JSON.parse(await runQuietly(process.execPath, [bundle, ...access]));
      expect(generated).toEqual({ ...RESULT, content: "hello" });
      expect(typed).toEqual(RESULT);
    },
    TIMEOUT_MS,
  );

  it.skipIf(!tools.jar || !tools.python)(
    "[G5] [U17] Python: openapi-generator's and openapi-python-client's",
    async () => {
      const bin = tools.python ?? "";
      const here = path.join(folder, "python");
      for (const name of ["project", "manage"]) {
        const config = path.join(folder, `${name}.yaml`);
        writeFileSync(config, `package_name_override: ${name}_python_client\npost_hooks: []\n`);
        const from = ["--path", path.join(folder, `${name}.json`), "--config", config];
        const to = ["--meta", "none", "--output-path", path.join(here, `${name}_python_client`)];
        await runQuietly(path.join(bin, "openapi-python-client"), ["generate", ...from, ...to]);
      }
      cpSync("tests/openapi/programs/round_trip.py", path.join(here, "round_trip.py"));
      const [generated, python] = JSON.parse(await runQuietly(path.join(bin, "python"), ["round_trip.py", ...access], { cwd: here }));
      expect(generated).toEqual({ ...RESULT, content: "hello" });
      expect(python).toEqual(RESULT);
    },
    TIMEOUT_MS,
  );

  it.skipIf(!tools.jar || !tools.hasGo)(
    "[G5] [U17] Go: openapi-generator's",
    async () => {
      const here = path.join(folder, "go");
      writeFileSync(path.join(here, "go.mod"), "module clients\n\ngo 1.23\n");
      cpSync("tests/openapi/programs/round_trip.go", path.join(here, "main.go"));
      const env = { GOFLAGS: "-mod=mod", GOTOOLCHAIN: "local" };
      await runQuietly("go", ["build", "-o", "round-trip", "."], { cwd: here, env });
      expect(JSON.parse(await runQuietly(path.join(here, "round-trip"), access))).toEqual([RESULT]);
    },
    TIMEOUT_MS,
  );

  it.skipIf(!tools.jar || !tools.hasMaven)(
    "[G5] Java: openapi-generator's, on the JDK's own client, compile",
    async () => {
      const here = path.join(folder, "java/project_client");
      const sources = "src/main/java/org/openapitools";
      cpSync(path.join(folder, "java/manage_client", sources), path.join(here, sources), { recursive: true });
      await runQuietly("mvn", ["--quiet", "--batch-mode", "-DskipTests", "-Dmaven.javadoc.skip", "compile"], { cwd: here });
    },
    TIMEOUT_MS,
  );
});

/** All clients of openapi-generator in one start of Java. */
async function generate(jar: string): Promise<void> {
  const languages = { typescript: "typescript-fetch", python: "python", go: "go", java: "java" };
  const configs: string[] = [];
  for (const [language, generatorName] of Object.entries(languages)) {
    for (const name of ["project", "manage"]) {
      const client = `${name}_client`;
      const outputDir = path.join(folder, language, language === "typescript" ? `${name}-client` : language === "python" ? "" : client);
      const java = {
        invokerPackage: `org.openapitools.${name}`,
        apiPackage: `org.openapitools.${name}.api`,
        modelPackage: `org.openapitools.${name}.model`,
      };
      const additionalProperties = { packageName: client, withGoMod: "false", ...(language === "java" ? java : {}) };
      const library = language === "java" ? { library: "native" } : {};
      const ignored = ["docs/**", "test/**", "src/test/**"];
      const global = { apiTests: "false", modelTests: "false", apiDocs: "false", modelDocs: "false" };
      const config = path.join(folder, `${language}-${name}.json`);
      writeFileSync(
        config,
        JSON.stringify({
          inputSpec: path.join(folder, `${name}.json`),
          generatorName,
          outputDir,
          openapiGeneratorIgnoreList: ignored,
          globalProperties: global,
          additionalProperties,
          ...library,
        }),
      );
      mkdirSync(outputDir, { recursive: true });
      configs.push(config);
    }
  }
  await runQuietly("java", ["-jar", jar, "batch", "--fail-fast", ...configs]);
}

/** The management API over HTTP, as generated clients need it. */
async function listen(server: ManageServer): Promise<Server> {
  const http = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { authorization = "", "content-type": contentType } = request.headers;
      const raw = contentType === undefined ? {} : { raw: { contentType, bytes: Buffer.concat(chunks).toString() } };
      void server.call(request.method ?? "GET", request.url ?? "/", { ...raw, headers: { authorization } }).then((answer) => {
        response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(answer.text);
      });
    });
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  return http;
}
