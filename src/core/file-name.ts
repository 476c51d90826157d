/** Makes names and types that clients send for files fit to be answered and put into headers. It must not refuse: a name is a label, never a path. */

const NAME_BYTES_MAX = 255;
const FALLBACK_NAME = "file";
const FALLBACK_TYPE = "application/octet-stream";
const TYPE_LENGTH_MAX = 127;

/** Control and format characters (line breaks, direction marks), lone surrogates, and what file systems or shells take for something else. */
const UNFIT = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}<>:"|?*]/gu;
/** RFC 6838, section 4.2, without parameters. */
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,63}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}$/;

/** The last part of what was sent, whichever way its folders are written, without unfit characters; 255 bytes of UTF-8 at most; never empty, "." or "..". */
export function toFileName(sent: string | undefined): string {
  const base = (sent ?? "").split(/[/\\]/).at(-1) ?? "";
  const fit = base.replace(UNFIT, "").trim();
  if (fit === "" || /^\.+$/.test(fit)) return FALLBACK_NAME;
  return shorten(fit);
}

/** The media type in lower case, without parameters; `application/octet-stream` for what is none. */
export function toMediaType(sent: string | undefined): string {
  const type = (sent ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  return type.length <= TYPE_LENGTH_MAX && MEDIA_TYPE.test(type) ? type : FALLBACK_TYPE;
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
