/** Reads a multipart form as it arrives: files are handed on as streams, text fields collected (F1). It must not store anything. */
import type { IncomingMessage } from "node:http";
import { Busboy, type BusboyFileStream, type BusboyHeaders } from "@fastify/busboy";
import type { ByteHold } from "@/src/core/byte-budget";
import type { Metadata } from "@/src/core/files";
import { AppError } from "@/src/shared/errors";
import { FILE_BYTES_MAX, FILES_MAX } from "@/src/shared/protocol";

const FIELDS_MAX = 100;
const FIELD_BYTES_MAX = 64 * 1024;
const FIELD_NAME_BYTES_MAX = 200;
/** Of one part's headers. */
const HEADER_PAIRS_MAX = 20;
const HEADER_BYTES_MAX = 16 * 1024;
/** What the parser buffers of a file before its source has to wait. */
const BUFFER_BYTES = 64 * 1024;
/** The name of the parts that are files. */
const FILE_FIELD = "file";

/** A file part, whose bytes are to be read to their end. */
export interface FormFile {
  name: string | undefined;
  type: string | undefined;
  bytes: AsyncIterable<Uint8Array>;
}

/**
 * Settles with the text fields once the form was read to its end and every file was taken; undefined when the client went away before. `onFile` takes a
 * file's bytes, one file after the other. Raises `upload_invalid`, `too_many_files`, `file_too_large`, what `onFile` and `hold` raise, and what `signal` was aborted with; then
 * the request is no longer read.
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
  /** Counts the text fields. */
  hold: Pick<ByteHold, "add">;
}): Promise<Metadata | undefined> {
  return new Promise((resolve, reject) => {
    const fields = new Map<string, string[]>();
    const taking: Promise<void>[] = [];
    const streams = new Set<BusboyFileStream>();
    const parser = createParser(request);
    let settled = false;

    const settle = (act: () => void): void => {
      if (settled) return;
      settled = true;
      request.unpipe(parser);
      request.off("close", onGone).off("error", onGone);
      signal.removeEventListener("abort", onAbort);
      parser.destroy();
      // Who takes a file that is not whole must hear of its end.
      for (const stream of streams) stream.destroy();
      act();
    };
    const refuse = (error: unknown): void =>
      settle(() => {
        request.pause();
        reject(error);
      });
    const onGone = (): void => {
      if (!request.complete) settle(() => resolve(undefined));
    };
    const onAbort = (): void => refuse(signal.reason);

    parser.on("file", (field: string | undefined, stream: BusboyFileStream, name: string | undefined, _encoding, type) => {
      streams.add(stream);
      // Its end is heard by who takes it.
      stream.on("error", () => undefined);
      const problem = fileProblem(field);
      if (problem) return refuse(problem);
      const taken = onFile({ name, type, bytes: whole(stream) });
      taking.push(taken);
      taken.catch(refuse);
    });
    parser.on("field", (field: string | undefined, value: string, isNameCut: boolean, isValueCut: boolean) => {
      const problem = fieldProblem({ field, value, isNameCut, isValueCut });
      if (problem || field === undefined) return refuse(problem);
      try {
        hold.add(Buffer.byteLength(field) + Buffer.byteLength(value));
      } catch (error) {
        return refuse(error);
      }
      const values = fields.get(field);
      if (values) values.push(value);
      else fields.set(field, [value]);
    });
    parser.on("filesLimit", () => refuse(new AppError("too_many_files")));
    parser.on("fieldsLimit", () => refuse(invalid(`There are more than ${FIELDS_MAX} text fields.`)));
    parser.on("error", (error) => refuse(invalid(`The form can't be read: ${toMessage(error)}.`)));
    parser.on("finish", () => {
      Promise.all(taking).then(() => settle(() => resolve(toMetadata(fields))), refuse);
    });

    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort);
    request.on("close", onGone).on("error", onGone);
    if (request.destroyed) return onGone();
    request.pipe(parser);
  });
}

function createParser(request: IncomingMessage) {
  const contentType = request.headers["content-type"] ?? "";
  const headers: BusboyHeaders = { ...request.headers, "content-type": contentType };
  try {
    return new Busboy({
      headers,
      fileHwm: BUFFER_BYTES,
      // A browser's empty file input has a file name, too: an empty one.
      isPartAFile: (_field, _type, name) => name !== undefined,
      limits: {
        // One more than is taken, so that it is known that there were more.
        fileSize: FILE_BYTES_MAX + 1,
        files: FILES_MAX,
        fields: FIELDS_MAX,
        fieldSize: FIELD_BYTES_MAX,
        fieldNameSize: FIELD_NAME_BYTES_MAX,
        headerPairs: HEADER_PAIRS_MAX,
        headerSize: HEADER_BYTES_MAX,
      },
    });
  } catch (error) {
    throw invalid(`The form can't be read: ${toMessage(error)}.`);
  }
}

/** The parser ends a file that is too long, or whose form was cut off, as if it were whole. */
async function* whole(stream: BusboyFileStream): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of stream) yield chunk;
  if (stream.truncated) throw new AppError("file_too_large");
}

function fileProblem(field: string | undefined): AppError | undefined {
  if (field === undefined || field === "") return invalid("A part has no name.");
  return field === FILE_FIELD ? undefined : invalid(`Files are sent in parts named ${FILE_FIELD}; this one is named otherwise.`);
}

interface Field {
  field: string | undefined;
  value: string;
  isNameCut: boolean;
  isValueCut: boolean;
}

function fieldProblem({ field, value, isNameCut, isValueCut }: Field): AppError | undefined {
  if (field === undefined || field === "") return invalid("A part has no name.");
  if (field === FILE_FIELD) return invalid(`The part named ${FILE_FIELD} has no filename, so it is no file.`);
  if (isNameCut || Buffer.byteLength(field) > FIELD_NAME_BYTES_MAX)
    return invalid(`A field's name has more than ${FIELD_NAME_BYTES_MAX} bytes.`);
  if (isValueCut) return invalid(`A text field has more than ${FIELD_BYTES_MAX} bytes.`);
  if (field.includes("\0") || value.includes("\0")) return invalid("A text field has a NUL character. Remove it.");
  return undefined;
}

/** Own members whatever their names, `__proto__` too. */
function toMetadata(fields: ReadonlyMap<string, readonly string[]>): Metadata {
  return Object.fromEntries([...fields].map(([field, values]) => [field, values.length === 1 ? (values[0] ?? "") : values]));
}

function invalid(detail: string): AppError {
  return new AppError("upload_invalid", { detail });
}

function toMessage(error: unknown): string {
  return error instanceof Error ? error.message.replace(/\.$/, "") : "unknown reason";
}
