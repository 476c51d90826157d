/** Determines the media type of a file: the declared type or, without a valid one, the type of the file name's extension (F1). */
import mime from "mime";

const FALLBACK_TYPE = "application/octet-stream";
const TYPE_LENGTH_MAX = 127;

/** Type and subtype as in RFC 6838, section 4.2, without parameters. */
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,63}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}$/;
const CHARSET = /;\s*charset\s*=\s*(?:"([^"]{1,40})"|([^\s;"]{1,40}))/i;
const EXTENSION = /\.([A-Za-z0-9]{1,16})$/;
/** Types for which the `mime` package has a name that browsers do not know. */
const OWN_TYPES: ReadonlyMap<string, string> = new Map([
  ["jfif", "image/jpeg"],
  ["flac", "audio/flac"],
]);

/**
 * The declared media type in lower case. If it is missing or invalid: the type of the extension of `name`, or `application/octet-stream` if the
 * extension is unknown. All parameters are removed except the `charset` of a text type, unless that is UTF-8.
 */
export function toMediaType(declared: string | undefined, name: string): string {
  const type = (declared ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (type.length > TYPE_LENGTH_MAX || !MEDIA_TYPE.test(type)) return findTypeByName(name);
  const charset = type.startsWith("text/") ? findCharset(declared ?? "") : undefined;
  return charset === undefined ? type : `${type}; charset=${charset}`;
}

/** The media type without parameters. */
export function toEssence(type: string): string {
  return type.split(";")[0] ?? type;
}

function findTypeByName(name: string): string {
  const extension = EXTENSION.exec(name)?.[1]?.toLowerCase();
  if (extension === undefined) return FALLBACK_TYPE;
  return OWN_TYPES.get(extension) ?? mime.getType(extension) ?? FALLBACK_TYPE;
}

/** The name of an encoding in the Encoding standard. Undefined for UTF-8, the default, and for unknown encodings. */
function findCharset(declared: string): string | undefined {
  const match = CHARSET.exec(declared);
  const label = match?.[1] ?? match?.[2];
  if (label === undefined) return undefined;
  try {
    const { encoding } = new TextDecoder(label);
    return encoding === "utf-8" ? undefined : encoding;
  } catch {
    return undefined;
  }
}
