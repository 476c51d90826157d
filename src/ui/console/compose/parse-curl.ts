/** Reads a curl command as a request to write a record. Pure. */
import { isUniqueId, PUT_STRATEGIES } from "@/src/shared/streams/protocol";
import type { Draft } from "./send-record";

/** Longer commands are refused. A record has at most some megabytes. */
const LENGTH_MAX = 8 * 1024 * 1024;

export type ParsedCurl = { ok: true; draft: Partial<Draft> } | { ok: false; problem: string };

/** True if a pasted text looks like a curl command. */
export function isCurl(text: string): boolean {
  return /^\s*(?:\$\s*)?curl(?:\.exe)?\s/.test(text);
}

/** The request of a command, as far as the composer can send it: method, record id, strategy, body. Address, key and other headers are ignored. */
export function parseCurl(command: string): ParsedCurl {
  if (command.length > LENGTH_MAX) return { ok: false, problem: "The command is too long." };
  const words = splitWords(command.trim().replace(/^\$\s*/, ""));
  if (!words) return { ok: false, problem: "A quote in the command is not closed." };
  let [method, url, contentType]: (string | undefined)[] = [];
  const data: string[] = [];
  for (let at = 1; at < words.length; at += 1) {
    const { name, value, skips } = readOption(words, at);
    at += skips;
    switch (name) {
      case "-X":
      case "--request":
        method = value?.toUpperCase();
        break;
      case "-H":
      case "--header":
        contentType = /^content-type:\s*(.*)$/i.exec(value ?? "")?.[1] ?? contentType;
        break;
      case "-d":
      case "--data":
      case "--data-raw":
      case "--data-binary":
      case "--data-ascii":
      case "--json":
        if (name !== "--data-raw" && value?.startsWith("@"))
          return { ok: false, problem: `The body is in the file ${value.slice(1)}. Paste its text.` };
        data.push(value ?? "");
        break;
      case "-F":
      case "--form":
        return { ok: false, problem: "The command uploads a file, which the composer can’t send." };
      case "--url":
        url = value;
        break;
      case undefined:
        url ??= value;
        break;
    }
  }
  return toDraft({ method: method ?? (data.length > 0 ? "POST" : "GET"), url, contentType, body: data.join("&") });
}

function toDraft({
  method,
  url,
  contentType,
  body,
}: {
  method: string;
  url: string | undefined;
  contentType: string | undefined;
  body: string;
}): ParsedCurl {
  if (method !== "POST" && method !== "PUT" && method !== "DELETE")
    return { ok: false, problem: `The command sends ${method}. The composer sends POST, PUT and DELETE.` };
  const parameters = toParameters(url);
  const id = parameters?.get("uniqueId") ?? "";
  const strategy = PUT_STRATEGIES.find((each) => each === parameters?.get("strategy"));
  return {
    ok: true,
    draft: {
      method,
      recordId: isUniqueId(id) ? id : "",
      strategy: strategy ?? "force",
      ...(method === "DELETE" ? {} : { body, format: /^text\//i.test(contentType ?? "") ? "text" : "json" }),
    },
  };
}

function toParameters(url: string | undefined): URLSearchParams | undefined {
  const query = url?.split("?", 2)[1];
  return query === undefined ? undefined : new URLSearchParams(query.split("#", 1)[0]);
}

/** Options without a value. Others take the next word, or what follows them in the same word. */
const FLAGS =
  /^(?:-[fgikLnNsSv#0-4]+|--(?:compressed|fail|fail-with-body|globoff|include|insecure|location|no-buffer|silent|show-error|verbose|http[\d.]+))$/;

function readOption(words: readonly string[], at: number): { name?: string; value?: string; skips: number } {
  const word = words[at] ?? "";
  if (!word.startsWith("-") || word === "-") return { value: word, skips: 0 };
  if (FLAGS.test(word)) return { name: word, skips: 0 };
  if (word.startsWith("--")) {
    const [name = word, ...rest] = word.split("=");
    const next = words[at + 1];
    return rest.length > 0 ? { name, value: rest.join("="), skips: 0 } : withSkip(name, next);
  }
  if (word.length > 2) return { name: word.slice(0, 2), value: word.slice(2), skips: 0 };
  return withSkip(word, words[at + 1]);
}

function withSkip(name: string, value: string | undefined): { name: string; value?: string; skips: number } {
  return value === undefined ? { name, skips: 0 } : { name, value, skips: 1 };
}

/** The words of a POSIX shell command, without expansion; undefined if a quote is not closed. Understands '…', "…", $'…', \ and line continuations. */
function splitWords(command: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(command)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  while (at < command.length) {
    if (take(/(?:\s|\\\r?\n|\^\r?\n)+/y) !== undefined) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    const single = take(/'[^']*'/y);
    if (single !== undefined) {
      word = (word ?? "") + single.slice(1, -1);
      continue;
    }
    const ansi = take(/\$'(?:[^'\\]|\\[\s\S])*'/y);
    if (ansi !== undefined) {
      word = (word ?? "") + unescapeAnsi(ansi.slice(2, -1));
      continue;
    }
    const double = take(/"(?:[^"\\]|\\[\s\S])*"/y);
    if (double !== undefined) {
      word = (word ?? "") + double.slice(1, -1).replace(/\\(\r?\n|["\\$`])/g, (_, char: string) => (char.endsWith("\n") ? "" : char));
      continue;
    }
    const char = command[at];
    if (char === "'" || char === '"') return undefined;
    if (char === "\\") at += 1;
    word = (word ?? "") + (command[at] ?? "");
    at += 1;
  }
  if (word !== undefined) words.push(word);
  return words;
}

const ANSI: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };

function unescapeAnsi(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|([\s\S]))/g, (_, hex: string | undefined, char: string) =>
    hex === undefined ? (ANSI[char] ?? char) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
