/** Converts schemas to text for the editor, and back. Pure. */
import { RequestError } from "../../api/request-error";

/** Returns an empty text if there is no schema. */
export function toSchemaText(schema: unknown): string {
  return schema === null || schema === undefined ? "" : JSON.stringify(schema, null, 2);
}

/** The schema, or why the text is not one. Only the server checks the schema itself. */
export function parseSchemaText(text: string): { schema: unknown } | { problem: string } {
  try {
    const schema: unknown = JSON.parse(text);
    if (typeof schema === "boolean" || (typeof schema === "object" && schema !== null && !Array.isArray(schema))) return { schema };
    return { problem: "A schema must be an object, true or false." };
  } catch {
    return { problem: text.trim() === "" ? "Enter a schema first." : "This isn’t valid JSON." };
  }
}

/** The server's message about the schema; undefined if the error concerns something else. */
export function toSchemaProblem(error: unknown): string | undefined {
  if (!(error instanceof RequestError)) return undefined;
  return Object.entries(error.fields).find(([field]) => field === "schema" || field.startsWith("schema."))?.[1];
}
