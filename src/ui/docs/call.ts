/** Makes requests, and their curl commands, from forms on documentation pages. Pure. */
import type { HttpMethod, ListedOperation } from "@/src/shared/openapi";
import { toShellWord } from "../snippets/snippets";

/** The values of a form. Parameters by name; empty ones are not sent. */
export interface CallValues {
  parameters: Readonly<Record<string, string>>;
  mediaType: string;
  body: string;
  files: readonly File[];
}

/** A secret that is sent as a header. The curl command uses an environment variable instead, so that it can be displayed and copied. */
export interface Secret {
  header: string;
  /** Precedes the secret, for example `Bearer `. */
  prefix: string;
  value: string;
  variable: string;
}

/** Common to all requests of a page. */
export interface CallContext {
  /** For the curl command, like `https://example.com`. Requests go to the origin of the page. */
  origin: string;
  query: Readonly<Record<string, string>>;
  secrets: readonly Secret[];
  /** Whether requests include the browser's cookies. */
  withCookies: boolean;
  /** Headers that replace the cookies in the curl command; `$NAME` is an environment variable. */
  curlHeaders?: Readonly<Record<string, string>>;
}

export interface Call {
  method: HttpMethod;
  /** Including the query. */
  path: string;
  headers: Readonly<Record<string, string>>;
  /** Undefined: no body. Files are sent as `multipart/form-data`, in parts named `file`. */
  body: string | readonly File[] | undefined;
}

export const MULTIPART = "multipart/form-data";

/** The path parameters that are not filled in. Without them there is no URL. */
export function findMissing({ parameters }: ListedOperation, values: CallValues): string[] {
  return parameters.filter((parameter) => parameter.in === "path" && !values.parameters[parameter.name]).map(({ name }) => name);
}

/** The request without its secrets. */
export function toCall(listed: ListedOperation, values: CallValues, { query }: CallContext): Call {
  const search = new URLSearchParams(query);
  const headers: Record<string, string> = {};
  let path = listed.path;
  for (const parameter of listed.parameters) {
    const value = values.parameters[parameter.name] ?? "";
    if (parameter.in === "path")
      path = path.replace(`{${parameter.name}}`, value === "" ? `{${parameter.name}}` : encodeURIComponent(value));
    else if (value === "") continue;
    else if (parameter.in === "header") headers[parameter.name] = value;
    else search.append(parameter.name, value);
  }
  const isMultipart = values.mediaType === MULTIPART;
  const hasBody = listed.body !== undefined && (isMultipart || values.body !== "" || listed.body.required);
  if (hasBody && !isMultipart) headers["Content-Type"] = values.mediaType;
  return {
    method: listed.method,
    path: search.size === 0 ? path : `${path}?${search}`,
    headers,
    body: hasBody ? (isMultipart ? values.files : values.body) : undefined,
  };
}

/** The curl command for the request, with environment variables instead of secrets. */
export function toCallCurl({ method, path, headers, body }: Call, { origin, secrets, curlHeaders = {} }: CallContext): string {
  const isPlain = method === "get" ? body === undefined : method === "post" && body !== undefined;
  const lines = [`curl${isPlain ? "" : ` -X ${method.toUpperCase()}`} ${toShellWord(`${origin}${path}`)}`];
  for (const [name, value] of Object.entries(curlHeaders)) lines.push(`-H "${name}: ${value}"`);
  for (const { header, prefix, variable } of secrets) lines.push(`-H "${header}: ${prefix}$${variable}"`);
  for (const [name, value] of Object.entries(headers)) lines.push(`-H ${toShellWord(`${name}: ${value}`)}`);
  if (typeof body === "string") lines.push(`--data-binary ${toShellWord(body)}`);
  else if (body)
    lines.push(...(body.length === 0 ? ["notes.txt"] : body.map(({ name }) => name)).map((name) => `-F ${toShellWord(`file=@${name}`)}`));
  return lines.join(" \\\n  ");
}
