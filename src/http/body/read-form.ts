/** Reads a multipart form as it arrives (F1): passes files on as streams, and collects text fields. */
import type { IncomingMessage } from "node:http";
import { Dicer } from "@fastify/busboy";
import type { Metadata } from "@/src/core/files/files";
import type { ByteHold } from "@/src/core/limits/byte-budget";
import { decodeFormText, findParameter, type PartHeaders, readPartHeaders } from "@/src/http/body/part-headers";
import { findTransferDecoder } from "@/src/http/body/transfer-encoding";
import { AppError } from "@/src/shared/errors";
import { FILES_MAX } from "@/src/shared/streams/protocol";

/** Empty file inputs included. */
const FIELDS_MAX = 100;
const FIELD_BYTES_MAX = 64 * 1024;
const FIELD_NAME_BYTES_MAX = 200;
/** RFC 2046, section 5.1.1, allows 70. */
const BOUNDARY_LENGTH_MAX = 200;
/** The headers of one part. */
const HEADER_PAIRS_MAX = 20;
const HEADER_BYTES_MAX = 16 * 1024;
/** Bytes of a file that the parser buffers before its source has to wait. */
const BUFFER_BYTES = 64 * 1024;
/** The name of the parts that contain files. */
const FILE_FIELD = "file";

/** A file part. Its bytes must be read to their end. */
export interface FormFile {
  name: string;
  /** As sent; undefined if the part has no type. */
  type: string | undefined;
  bytes: AsyncIterable<Uint8Array>;
}

/**
 * Settles with the text fields after the form has been read to its end and every file was taken, or with undefined if the client disconnected before. `onFile` takes
 * the bytes of a file, and is called in the order of the files. File inputs without a file are skipped. Throws `upload_invalid`, `too_many_files`, what `onFile`
 * and `hold` throw, and the reason of `signal`. Then the request is no longer read.
 */
export function readForm({
  request,
  onFile,
  signal,
  hold,
}: {
  request: IncomingMessage;
  onFile: (file: FormFile) => Promise<void>;
  signal: AbortSignal;
  /** Counts the bytes of text fields. */
  hold: Pick<ByteHold, "add">;
}): Promise<Metadata | undefined> {
  return new Promise((resolve, reject) => {
    const parser = createParser(request);
    const parts = new Set<Dicer.PartStream>();
    const form = new FormParts({ onFile, hold });
    let settled = false;
    /** True while the headers of the newest part have not arrived. */
    let awaitsHeaders = false;

    const settle = (act: () => void): void => {
      if (settled) return;
      settled = true;
      request.unpipe(parser);
      request.off("close", onClose).off("error", onClose);
      signal.removeEventListener("abort", onAbort);
      parser.destroy();
      // The readers of incomplete parts must be notified of their end.
      for (const part of parts) part.destroy();
      act();
    };
    const refuse = (error: unknown): void =>
      settle(() => {
        request.pause();
        reject(error);
      });
    const onClose = (): void => {
      if (!request.complete) settle(() => resolve(undefined));
    };
    const onAbort = (): void => refuse(signal.reason);

    parser.on("part", (part) => {
      if (awaitsHeaders) return refuse(invalid(HEADERS_CUT));
      awaitsHeaders = true;
      parts.add(part);
      // The reader of the part receives the error too.
      part.on("error", () => undefined);
      part.on("close", () => parts.delete(part));
      part.on("header", (header) => {
        awaitsHeaders = false;
        const headers = readPartHeaders(header);
        if (typeof headers === "string") return refuse(invalid(headers));
        form.take(headers, part).catch(refuse);
      });
    });
    parser.on("error", () => refuse(invalid(FORM_CUT)));
    parser.on("finish", () => {
      if (awaitsHeaders) return refuse(invalid(HEADERS_CUT));
      form.finish().then((fields) => settle(() => resolve(fields)), refuse);
    });

    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort);
    request.on("close", onClose).on("error", onClose);
    if (request.destroyed) return onClose();
    request.pipe(parser);
  });
}

/** The parts of one form, in their order. */
class FormParts {
  readonly #onFile: (file: FormFile) => Promise<void>;
  readonly #hold: Pick<ByteHold, "add">;
  readonly #fields: { name: string; value: Promise<string> }[] = [];
  /** Files that are being read. */
  readonly #taking: Promise<void>[] = [];
  /** Settles after the files so far were passed on or skipped. */
  #started: Promise<void> = Promise.resolve();
  #files = 0;
  #emptyInputs = 0;
  #fieldCount = 0;

  constructor({ onFile, hold }: { onFile: (file: FormFile) => Promise<void>; hold: Pick<ByteHold, "add"> }) {
    this.#onFile = onFile;
    this.#hold = hold;
  }

  /** Settles after the part was read to its end. Throws its problem. */
  async take(headers: PartHeaders, part: AsyncIterable<Uint8Array>): Promise<void> {
    const problem = headers.filename === undefined ? fieldProblem(headers) : undefined;
    if (problem) throw problem;
    const decode = findTransferDecoder(headers.encoding);
    if (!decode)
      throw invalid(
        `A part has the Content-Transfer-Encoding ${headers.encoding.slice(0, 40)}. Send the bytes as they are, without this header.`,
      );
    const bytes = decode(part);
    if (headers.filename === undefined) {
      this.#countField();
      const value = this.#readField(headers, bytes);
      this.#fields.push({ name: headers.name, value });
      await value;
      return;
    }
    const { name, filename, type } = headers;
    if (filename === "") this.#countField();
    const start = this.#started.then(async () => {
      const taken = await this.#startFile({ field: name, filename, type, bytes });
      if (taken) this.#taking.push(taken.done);
    });
    this.#started = start;
    await start;
    await Promise.all(this.#taking);
  }

  /** The text fields, after every part was read. Throws `upload_invalid` if the form has only empty file inputs. */
  async finish(): Promise<Metadata> {
    await this.#started;
    await Promise.all(this.#taking);
    const fields = new Map<string, string[]>();
    for (const { name, value } of this.#fields) {
      const values = fields.get(name);
      if (values) values.push(await value);
      else fields.set(name, [await value]);
    }
    if (this.#files === 0 && this.#emptyInputs > 0) throw invalid(NO_FILE_CHOSEN);
    return toMetadata(fields);
  }

  #countField(): void {
    this.#fieldCount += 1;
    if (this.#fieldCount > FIELDS_MAX) throw invalid(`There are more than ${FIELDS_MAX} text fields.`);
  }

  async #readField({ name, type }: PartHeaders, bytes: AsyncIterable<Uint8Array>): Promise<string> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of bytes) {
      size += chunk.byteLength;
      if (size > FIELD_BYTES_MAX) throw invalid(`A text field has more than ${FIELD_BYTES_MAX} bytes.`);
      chunks.push(chunk);
    }
    this.#hold.add(Buffer.byteLength(name) + size);
    const value = decodeFormText(Buffer.concat(chunks), type === undefined ? undefined : findParameter(type, "charset"));
    if (value.includes("\0")) throw invalid(NUL);
    return value;
  }

  /** An empty file input of a form has an empty file name and no bytes. Returns undefined then. */
  async #startFile({
    field,
    filename,
    type,
    bytes,
  }: { field: string; filename: string } & Omit<FormFile, "name">): Promise<{ done: Promise<void> } | undefined> {
    const content = filename === "" ? await peek(bytes) : bytes;
    if (!content) {
      this.#emptyInputs += 1;
      return undefined;
    }
    if (field !== FILE_FIELD)
      throw invalid(`Send files in parts named ${FILE_FIELD}; this part is named ${JSON.stringify(field.slice(0, 60))}.`);
    this.#files += 1;
    if (this.#files > FILES_MAX) throw new AppError("too_many_files");
    const done = this.#onFile({ name: filename, type, bytes: content });
    // It is awaited later, possibly after it has failed.
    done.catch(() => undefined);
    return { done };
  }
}

function createParser(request: IncomingMessage): Dicer {
  const boundary = findParameter(request.headers["content-type"] ?? "", "boundary");
  if (!boundary)
    throw invalid("The Content-Type has no boundary. Do not set this header yourself; the HTTP library sets it with the boundary.");
  if (boundary.length > BOUNDARY_LENGTH_MAX) throw invalid(`The boundary has more than ${BOUNDARY_LENGTH_MAX} characters.`);
  const options = { boundary, partHwm: BUFFER_BYTES, maxHeaderPairs: HEADER_PAIRS_MAX, maxHeaderSize: HEADER_BYTES_MAX };
  return new Dicer(options);
}

/** The same bytes, after the first of them have arrived; undefined if there are none. */
async function peek(bytes: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array> | undefined> {
  const iterator = bytes[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done) return undefined;
  return (async function* () {
    yield first.value;
    yield* { [Symbol.asyncIterator]: () => iterator };
  })();
}

function fieldProblem({ name, type }: PartHeaders): AppError | undefined {
  if (/^multipart\//i.test(type ?? "")) return invalid(NESTED);
  if (name === FILE_FIELD) return invalid(`The part named ${FILE_FIELD} has no filename. Add one, like filename="photo.png".`);
  if (Buffer.byteLength(name) > FIELD_NAME_BYTES_MAX) return invalid(`A field's name has more than ${FIELD_NAME_BYTES_MAX} bytes.`);
  return name.includes("\0") ? invalid(NUL) : undefined;
}

/** Creates own properties for all names, `__proto__` included. */
function toMetadata(fields: ReadonlyMap<string, readonly string[]>): Metadata {
  return Object.fromEntries([...fields].map(([field, values]) => [field, values.length === 1 ? (values[0] ?? "") : values]));
}

function invalid(detail: string): AppError {
  return new AppError("upload_invalid", { detail });
}

const NUL = "A text field has a NUL character. Remove it.";
const NESTED = `A part is itself a multipart body. Send several files as several parts named ${FILE_FIELD}.`;
const NO_FILE_CHOSEN = "The form's file input is empty. Choose a file before you send the form.";
const FORM_CUT = "The form does not end with its boundary and two hyphens. It was cut off, or its lines do not end with CRLF.";
const HEADERS_CUT = "The headers of a part do not end with an empty line. Lines end with CRLF.";
