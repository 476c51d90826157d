/** The media type of a file: as its client declares it, or else by the extension of its name (F1). */
import mime from "mime";

const FALLBACK_TYPE = "application/octet-stream";
const TYPE_LENGTH_MAX = 127;

/** RFC 6838, section 4.2, without parameters. */
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,63}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}$/;
const CHARSET = /;\s*charset\s*=\s*(?:"([^"]{1,40})"|([^\s;"]{1,40}))/i;
const EXTENSION = /\.([A-Za-z0-9]{1,16})$/;
/** Where the database of types has a name that browsers do not know. */
const OWN_TYPES: ReadonlyMap<string, string> = new Map([
  ["jfif", "image/jpeg"],
  ["flac", "audio/flac"],
]);

/**
 * The declared media type in lower case. Without one, or where it is not valid, the type that the extension of `name` stands for;
 * `application/octet-stream` for unknown extensions. Of the parameters only the `charset` of a text is kept, unless it is UTF-8.
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

/** An encoding of the Encoding standard by its name there; undefined for UTF-8, which is the default, and for unknown ones. */
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
