/**
 * Cleans the file names that clients send, so that they can be returned and put into headers. A name is only a label, never a path, so none is
 * rejected.
 */

const NAME_BYTES_MAX = 255;
const FALLBACK_NAME = "file";

/**
 * Characters to remove: control and format characters (line breaks, direction marks), lone surrogates, and characters with a meaning for file systems
 * or shells. Quotes stay, and so do the two joiners that emoji and scripts such as Persian need.
 */
const UNFIT = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}<>:|?*]/gu;

/** The last path segment of a name ("/" and "\" both separate), without unfit characters. At most 255 bytes of UTF-8; never empty, "." or "..". */
export function toFileName(sent: string | undefined): string {
  const base = (sent ?? "").split(/[/\\]/).at(-1) ?? "";
  const fit = base.replace(UNFIT, "").trim();
  // A name of dots and joiners alone is not readable.
  if (/^[.\u200c\u200d]*$/.test(fit)) return FALLBACK_NAME;
  return shorten(fit);
}

/** Shortens the name but keeps the extension, which shows the type of the file. */
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
