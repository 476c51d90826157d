/** Splits JavaScript into coloured and other words, line by line. Pure. Approximate: a regular expression with a quote in it ends at its line. */

/** A line that is read; the part of CodeMirror's StringStream that is needed. */
export interface LineReader {
  /** Moves past a match at the current place. */
  match(pattern: RegExp): unknown;
  /** Moves past one character. */
  next(): unknown;
  skipToEnd(): void;
}

/** The comment or text that continues from the line before. */
export interface TokenState {
  inside: "comment" | "template" | null;
}

export const INITIAL_STATE: TokenState = { inside: null };

export type Token = "comment" | "keyword" | "number" | "atom" | "string";

const KEYWORD =
  /^(?:async|await|break|case|catch|class|const|continue|default|delete|do|else|export|extends|finally|for|function|if|in|instanceof|let|new|of|return|static|super|switch|this|throw|try|typeof|var|void|while|yield)(?![\w$])/;

/** Reads the next token. Returns null for text without colour. */
export function readToken(line: LineReader, state: TokenState): Token | null {
  if (state.inside === "comment") return readComment(line, state);
  if (state.inside === "template") return readTemplate(line, state);
  if (line.match(/^\s+/)) return null;
  if (line.match(/^\/\//)) {
    line.skipToEnd();
    return "comment";
  }
  if (line.match(/^\/\*/)) return readComment(line, state);
  if (line.match(/^`/)) return readTemplate(line, state);
  if (line.match(/^"(?:[^"\\]|\\.)*(?:"|$)/) || line.match(/^'(?:[^'\\]|\\.)*(?:'|$)/)) return "string";
  // A member such as `.delete` is not a keyword.
  if (line.match(/^\??\.\s*[A-Za-z_$][\w$]*/)) return null;
  if (line.match(KEYWORD)) return "keyword";
  if (line.match(/^(?:true|false|null|undefined|NaN|Infinity)(?![\w$])/)) return "atom";
  if (line.match(/^[A-Za-z_$][\w$]*/)) return null;
  if (line.match(/^(?:0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|\d[\d_]*(?:\.[\d_]*)?(?:[eE][+-]?\d+)?)n?/)) return "number";
  line.next();
  return null;
}

function readComment(line: LineReader, state: TokenState): Token {
  const isClosed = line.match(/^.*?\*\//);
  if (!isClosed) line.skipToEnd();
  state.inside = isClosed ? null : "comment";
  return "comment";
}

function readTemplate(line: LineReader, state: TokenState): Token {
  const isClosed = line.match(/^(?:[^`\\]|\\.)*`/);
  if (!isClosed) line.skipToEnd();
  state.inside = isClosed ? null : "template";
  return "string";
}
