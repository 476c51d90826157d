/** Makes names that clients send for files fit to be answered and put into headers. It must not refuse: a name is a label, never a path. */

const NAME_BYTES_MAX = 255;
const FALLBACK_NAME = "file";

/**
 * Control and format characters (line breaks, direction marks), lone surrogates, and what file systems or shells take for something else. Quotes
 * stay, and so do the two joiners that emoji and scripts like Persian are written with.
 */
const UNFIT = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}<>:|?*]/gu;

/** The last part of what was sent, whichever way its folders are written, without unfit characters; 255 bytes of UTF-8 at most; never empty, "." or "..". */
export function toFileName(sent: string | undefined): string {
  const base = (sent ?? "").split(/[/\\]/).at(-1) ?? "";
  const fit = base.replace(UNFIT, "").trim();
  // Dots and joiners alone are not a name that anybody could read.
  if (/^[.\u200c\u200d]*$/.test(fit)) return FALLBACK_NAME;
  return shorten(fit);
}

/** Keeps the extension, by which people and systems tell what a file is. */
function shorten(name: string): string {
  if (Buffer.byteLength(name) <= NAME_BYTES_MAX) return name;
  const extension = /\.[A-Za-z0-9]{1,16}$/.exec(name)?.[0] ?? "";
  let short = "";
  let bytes = Buffer.byteLength(extension);
  for (const character of name.slice(0, name.length - extension.length)) {
    bytes += Buffer.byteLength(character);
    if (bytes > NAME_BYTES_MAX) break;
    short += character;
  }
  return short + extension;
}
