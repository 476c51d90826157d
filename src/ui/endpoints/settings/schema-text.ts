/** A schema as text in the editor, and back. Pure. */
import { RequestError } from "../../api/request-error";

/** Empty for no schema. */
export function toSchemaText(schema: unknown): string {
  return schema === null || schema === undefined ? "" : JSON.stringify(schema, null, 2);
}

/** The schema, or what keeps the text from being one; only the server knows what the schema itself lacks. */
export function parseSchemaText(text: string): { schema: unknown } | { problem: string } {
  try {
    const schema: unknown = JSON.parse(text);
    if (typeof schema === "boolean" || (typeof schema === "object" && schema !== null && !Array.isArray(schema))) return { schema };
    return { problem: "A schema is an object, true or false." };
  } catch {
    return { problem: text.trim() === "" ? "Write a schema first." : "This is not JSON." };
  }
}

/** What the server says is wrong with the schema; undefined when the error is about something else. */
export function toSchemaProblem(error: unknown): string | undefined {
  if (!(error instanceof RequestError)) return undefined;
  return Object.entries(error.fields).find(([field]) => field === "schema" || field.startsWith("schema."))?.[1];
}
