/** Completes keys and values of JSON text from a JSON Schema. Pure. */

export interface SchemaOption {
  /** The JSON text to insert: a quoted key or a value. */
  label: string;
  detail: string;
}

export interface SchemaCompletion {
  /** Where the replaced text begins. */
  from: number;
  options: readonly SchemaOption[];
}

const OPTIONS_MAX = 100;
const REFERENCES_MAX = 20;

/** The completions at an offset of a text that need not be valid JSON. Null: none. */
export function completeFromSchema(text: string, offset: number, schema: unknown): SchemaCompletion | null {
  const place = findPlace(text.slice(0, offset));
  if (!place) return null;
  const at = place.path.reduce<unknown>((found, step) => toChild(schema, found, step), resolve(schema, schema));
  if (!isObject(at)) return null;
  const options = place.isKey ? toKeys(schema, at, place.taken) : toValues(at);
  return options.length === 0 ? null : { from: place.from, options: options.slice(0, OPTIONS_MAX) };
}

interface Place {
  /** Keys of the objects around the offset; numbers in arrays. */
  path: (string | number)[];
  isKey: boolean;
  /** The keys that the object around the offset already has before it. */
  taken: ReadonlySet<string>;
  from: number;
}

type Level = { kind: "object"; key: string | undefined; isKey: boolean; taken: Set<string> } | { kind: "array"; index: number };

const TOKEN = /"(?:[^"\\]|\\.)*"?|[{}[\]:,]|[^\s{}[\]:,"]+/g;

/** Reads the tokens up to the offset. The last one is the word that is being typed, unless it is closed. */
function findPlace(before: string): Place | undefined {
  const levels: Level[] = [];
  let from = before.length;
  for (const { 0: token, index } of before.matchAll(TOKEN)) {
    const level = levels.at(-1);
    const isLast = index + token.length === before.length;
    if (token === "{") levels.push({ kind: "object", key: undefined, isKey: true, taken: new Set() });
    else if (token === "[") levels.push({ kind: "array", index: 0 });
    else if (token === "}" || token === "]") levels.pop();
    else if (token === ":") {
      if (level?.kind === "object") level.isKey = false;
    } else if (token === ",") {
      if (level?.kind === "object") level.isKey = true;
      if (level?.kind === "array") level.index += 1;
    } else if (isLast && !(token.length > 1 && token.endsWith('"'))) from = index;
    else if (level?.kind === "object" && level.isKey) {
      level.key = toText(token);
      level.taken.add(level.key);
    }
  }
  const last = levels.at(-1);
  const isKey = last?.kind === "object" && last.isKey;
  const path = levels.slice(0, isKey ? -1 : undefined).map((level) => (level.kind === "array" ? level.index : (level.key ?? "")));
  return { path, isKey, taken: last?.kind === "object" ? last.taken : new Set(), from };
}

function toText(token: string): string {
  try {
    return String(JSON.parse(token));
  } catch {
    return token;
  }
}

type Schema = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Follows references within the schema. */
function resolve(root: unknown, schema: unknown): unknown {
  let found = schema;
  for (let count = 0; isObject(found) && typeof found.$ref === "string" && count < REFERENCES_MAX; count += 1) {
    if (!found.$ref.startsWith("#")) return undefined;
    const steps = found.$ref.slice(1).split("/").slice(1);
    found = steps.reduce<unknown>((at, step) => (isObject(at) ? at[step.replaceAll("~1", "/").replaceAll("~0", "~")] : undefined), root);
  }
  return found;
}

function toChild(root: unknown, schema: unknown, step: string | number): unknown {
  if (!isObject(schema)) return undefined;
  if (typeof step === "number") {
    const first = Array.isArray(schema.prefixItems) ? schema.prefixItems[step] : undefined;
    return resolve(root, first ?? schema.items);
  }
  const named = isObject(schema.properties) ? schema.properties[step] : undefined;
  return resolve(root, named ?? schema.additionalProperties);
}

function toKeys(root: unknown, schema: Schema, taken: ReadonlySet<string>): SchemaOption[] {
  if (!isObject(schema.properties)) return [];
  const required = Array.isArray(schema.required) ? schema.required : [];
  return Object.entries(schema.properties)
    .filter(([key]) => !taken.has(key))
    .map(([key, value]) => ({ label: JSON.stringify(key), detail: toDetail(resolve(root, value), required.includes(key)) }));
}

function toDetail(schema: unknown, isRequired: boolean): string {
  const type = isObject(schema) && schema.type !== undefined ? [schema.type].flat().join(" or ") : "";
  return [type, isRequired ? "required" : ""].filter((part) => part !== "").join(", ");
}

function toValues(schema: Schema): SchemaOption[] {
  const types = [schema.type].flat();
  const values = [
    ...("const" in schema ? [schema.const] : []),
    ...(Array.isArray(schema.enum) ? schema.enum : []),
    ...("default" in schema ? [schema.default] : []),
    ...(Array.isArray(schema.examples) ? schema.examples : []),
    ...(types.includes("boolean") ? [true, false] : []),
    ...(types.includes("null") ? [null] : []),
  ];
  const labels = [...new Set(values.map((value) => JSON.stringify(value)))];
  return labels.map((label) => ({ label, detail: label === JSON.stringify(schema.default) ? "default" : "" }));
}
