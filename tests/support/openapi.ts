/** Checks API descriptions: against OpenAPI's own schema for 3.1 (openapi-3.1-schema.json, by the OpenAPI Initiative, Apache-2.0), and that every reference has a target. */
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { ApiDocument } from "@/src/shared/openapi";

const DOCUMENT = "https://document.test/openapi.json";
const metaSchema: object = JSON.parse(readFileSync("tests/support/openapi-3.1-schema.json", "utf8"));

/** The problems of a description. Empty: it has none. */
export function findOpenApiProblems(document: ApiDocument): string[] {
  const ajv = createAjv();
  const validate = ajv.compile(metaSchema);
  const problems = validate(document) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message}`);
  const text = JSON.stringify(document.paths) + JSON.stringify(document.components);
  for (const [, kind = "", name = ""] of text.matchAll(/"\$ref":"#\/components\/(\w+)\/([^"]+)"/g)) {
    const found: Record<string, Record<string, unknown>> = { ...document.components };
    if (found[kind]?.[name] === undefined) problems.push(`#/components/${kind}/${name}: leads nowhere`);
  }
  const ids = Object.values(document.paths).flatMap((path) =>
    Object.values(path).flatMap((part: unknown) =>
      typeof part === "object" && part !== null && "operationId" in part ? [part.operationId] : [],
    ),
  );
  if (new Set(ids).size !== ids.length) problems.push("operationId: some are not unique");
  for (const { schema, where } of schemasOf(document)) {
    try {
      ajvOf(document).compile(rooted(schema));
    } catch (error) {
      problems.push(`${where}: ${error instanceof Error ? error.message : "invalid"}`);
    }
  }
  return problems;
}

/** Checks values against one of a description's schemas. Returns the problems. */
export function createSchemaCheck(document: ApiDocument, schema: unknown): (value: unknown) => string[] {
  const validate = ajvOf(document).compile(rooted(schema));
  return (value) => (validate(value) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message}`));
}

const known = new WeakMap<ApiDocument, Ajv2020>();

/** A validator that knows the document's components. */
function ajvOf(document: ApiDocument): Ajv2020 {
  const ajv = known.get(document) ?? createAjv().addSchema({ $id: DOCUMENT, components: document.components });
  known.set(document, ajv);
  return ajv;
}

function createAjv(): Ajv2020 {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  // OpenAPI's own schema uses this format. The media types in our documents are constants.
  ajv.addFormat("media-range", true);
  return ajv;
}

/** The schema with its references into the document made absolute. */
function rooted(schema: unknown): object | boolean {
  const text = JSON.stringify(schema).replaceAll('"#/components/', `"${DOCUMENT}#/components/`);
  const parsed: object | boolean = JSON.parse(text);
  return parsed;
}

function schemasOf({ components, paths }: ApiDocument): { schema: unknown; where: string }[] {
  // By reference, because a schema with an `$id` can be added once.
  const found = Object.keys(components.schemas).map((name) => {
    const schema: unknown = { $ref: `#/components/schemas/${name}` };
    return { schema, where: `schema ${name}` };
  });
  const visit = (value: unknown, where: string): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [name, part] of Object.entries(value)) {
      const here = `${where} ${name}`;
      if (name === "schema") found.push({ schema: part, where: here });
      else visit(part, here);
    }
  };
  visit(paths, "");
  visit(components.parameters, "parameters");
  visit(components.headers, "headers");
  visit(components.responses, "responses");
  return found;
}
