/** The types that the programs of all languages share, and the values that they contain. Pure. */
import { type Target, toHttpUrl, toStreamUrl } from "../snippets";

export interface ProgramTarget extends Target {
  /** Whether requests need an access token. */
  needsToken: boolean;
  /** The data of the record that the programs store. */
  sample: unknown;
}

/** `records`: store, read, list, filter, replace, delete. `stream`: the stored records, then every change. `users`: register, log in, log out. */
export type Task = "records" | "stream" | "users";

/** The comments and texts of a language, for its colours. */
export type Syntax = "c" | "hash" | "python";

export type LanguageId =
  | "curl"
  | "fetch"
  | "websocket"
  | "event-source"
  | "python"
  | "go"
  | "java"
  | "csharp"
  | "swift"
  | "kotlin"
  | "arduino";

export interface Program {
  language: LanguageId;
  label: string;
  syntax: Syntax;
  /** The name of the file to put the code into. */
  file: string;
  /** The commands that run the file. */
  run: string;
  code: string;
}

/** The values that a program contains. */
export interface Values {
  /** The URL for HTTP, with the key. */
  http: string;
  /** The URL of the stream, with the key and, if it is needed, the access token. */
  stream: string;
  /** The same stream as server-sent events. */
  events: string;
  /** The value of `Authorization`, or undefined if none is needed. */
  authorization: string | undefined;
  sample: unknown;
  /** A JSONata expression that the stored sample matches. It contains no double quotes. */
  filter: string;
}

export type WriteProgram = (values: Values) => Omit<Program, "language" | "label" | "syntax">;

/** A language, and its programs. */
export interface Language {
  id: LanguageId;
  label: string;
  syntax: Syntax;
  tasks: Partial<Record<Task, WriteProgram>>;
}

/** Stands for the access token of a user. */
export const TOKEN_PLACEHOLDER = "<access token>";

/** The data that programs store if the endpoint has no schema. */
export const SAMPLE_DATA = { room: "kitchen", temperature: 21.5 };

/** The user that programs register. */
export const SAMPLE_USER = '{"username":"ada","password":"correct horse"}';

export function toValues(target: ProgramTarget): Values {
  const token = target.needsToken ? `&accessToken=${TOKEN_PLACEHOLDER}` : "";
  return {
    http: toHttpUrl(target),
    stream: toStreamUrl(target) + token,
    events: toHttpUrl(target) + token,
    authorization: target.needsToken ? `Bearer ${TOKEN_PLACEHOLDER}` : undefined,
    sample: target.sample,
    filter: toFilter(target.sample),
  };
}

/** A JSONata expression for a list that contains records with such data. The brackets keep a single result in an array. */
export function toFilter(sample: unknown): string {
  const members = typeof sample === "object" && sample !== null && !Array.isArray(sample) ? Object.entries(sample) : [];
  const named = members.filter(([name]) => /^[A-Za-z_]\w*$/.test(name) && !/^(?:and|or|in|true|false|null)$/.test(name));
  const number = named.find(([, value]) => typeof value === "number");
  if (number) return `[$[data.${number[0]} >= ${number[1]}]]`;
  const text = named.find(([, value]) => typeof value === "string" && /^[\w .,-]+$/.test(value));
  if (text) return `[$[data.${text[0]} = '${text[1]}']]`;
  const first = named[0];
  return first ? `[$[$exists(data.${first[0]})]]` : "[$[$exists(data)]]";
}

/** `text` as a double-quoted literal of Go, Java, C#, JavaScript and C++: no `$` or raw line breaks are special in them. */
export function toQuoted(text: string): string {
  return JSON.stringify(text);
}
