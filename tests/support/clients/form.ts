/** Multipart forms, valid and invalid. */

export interface FormPart {
  /** Undefined: the part has no name. */
  name: string | undefined;
  filename?: string;
  type?: string;
  body: string | Uint8Array;
}

export const BOUNDARY = "----rested-test-boundary";
export const FORM_TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

/** The bytes of a form. `isCut`: without its end. */
export function toForm(parts: readonly FormPart[], { isCut = false }: { isCut?: boolean } = {}): Buffer<ArrayBuffer> {
  const pieces = parts.flatMap(({ name, filename, type, body }) => [
    Buffer.from(
      `--${BOUNDARY}\r\nContent-Disposition: form-data${name === undefined ? "" : `; name="${name}"`}${filename === undefined ? "" : `; filename="${filename}"`}\r\n${type === undefined ? "" : `Content-Type: ${type}\r\n`}\r\n`,
    ),
    Buffer.from(body),
    Buffer.from("\r\n"),
  ]);
  return Buffer.concat([...pieces, Buffer.from(isCut ? "" : `--${BOUNDARY}--\r\n`)]);
}

export function filePart(body: string | Uint8Array, { filename = "a.txt", type = "text/plain" } = {}): FormPart {
  return { name: "file", filename, type, body };
}
