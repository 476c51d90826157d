/** Decodes the Content-Transfer-Encoding of a form's part. RFC 7578 deprecates it, but clients that are based on mail libraries send it. */
import { AppError } from "@/src/shared/errors";

/** Decodes one encoding, chunk by chunk. Throws `upload_invalid` for bytes that are not valid in it. */
export type TransferDecoder = (bytes: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;

/** `encoding`: in lower case; "" for none. Undefined if it is not supported. */
export function findTransferDecoder(encoding: string): TransferDecoder | undefined {
  switch (encoding) {
    case "":
    case "7bit":
    case "8bit":
    case "binary":
      return (bytes) => bytes;
    case "base64":
      return decodeBase64;
    case "quoted-printable":
      return decodeQuotedPrintable;
    default:
      return undefined;
  }
}

/** Line breaks and spaces are allowed anywhere (RFC 2045, section 6.8). */
async function* decodeBase64(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let rest = "";
  let hasEnded = false;
  for await (const chunk of bytes) {
    const text = rest + Buffer.from(chunk).toString("latin1").replace(/\s+/g, "");
    const whole = text.length - (text.length % 4);
    rest = text.slice(whole);
    const part = text.slice(0, whole);
    if (part === "") continue;
    if (hasEnded || !/^[A-Za-z0-9+/]*={0,2}$/.test(part)) throw notBase64();
    hasEnded = part.endsWith("=");
    yield Buffer.from(part, "base64");
  }
  // Some clients leave out the padding.
  if (hasEnded ? rest !== "" : !/^(?:[A-Za-z0-9+/]{2,3})?$/.test(rest)) throw notBase64();
  if (rest !== "") yield Buffer.from(rest, "base64");
}

/** RFC 2045, section 6.7. An equals sign that does not start an escape is kept, as mail decoders do. */
async function* decodeQuotedPrintable(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let rest = "";
  for await (const chunk of bytes) {
    const text = rest + Buffer.from(chunk).toString("latin1");
    // An escape may continue in the next chunk: "=", "=C", "=\r".
    const cut = /=[0-9A-Fa-f\r]?$/.exec(text)?.index ?? text.length;
    rest = text.slice(cut);
    if (cut > 0) yield unescapeQuotedPrintable(text.slice(0, cut));
  }
  if (rest !== "") yield unescapeQuotedPrintable(rest);
}

function unescapeQuotedPrintable(text: string): Buffer {
  const unescaped = text
    .replace(/=\r?\n/g, "")
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(unescaped, "latin1");
}

function notBase64(): AppError {
  return new AppError("upload_invalid", {
    detail: "A part has Content-Transfer-Encoding: base64, but its bytes are not base64. Send the bytes as they are, without this header.",
  });
}
