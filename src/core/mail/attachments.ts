/** Reads the files of records that are attached to mails. */
import type { Files } from "@/src/core/files/files";
import { MailError } from "@/src/core/mail/ports";
import { isAppError } from "@/src/shared/errors";

/** All attachments of a mail together, before their encoding. Most mail servers accept 25 MB with it. */
export const ATTACHMENT_BYTES_MAX = 10 * 1024 * 1024;

/** Returns the bytes. Throws a {@link MailError}: final if the file was deleted or is too large, temporary if the storage is unavailable. */
export async function readMailFile(
  files: Pick<Files, "open">,
  { endpointId, recordId }: { endpointId: string; recordId: string },
): Promise<Buffer> {
  try {
    const file = await files.open({ endpointId, id: recordId });
    if (file.size > ATTACHMENT_BYTES_MAX) throw new MailError("An attached file is too large.", { isTemporary: false, code: "attachment" });
    if (file.size === 0) return Buffer.alloc(0);
    const pieces: Uint8Array[] = [];
    for await (const piece of await file.read({ start: 0, end: file.size - 1 })) pieces.push(piece);
    return Buffer.concat(pieces);
  } catch (error) {
    if (error instanceof MailError) throw error;
    const isGone = isAppError(error) && (error.code === "record_not_found" || error.code === "not_a_file");
    throw new MailError(isGone ? "An attached file was deleted." : "An attached file could not be read.", {
      isTemporary: !isGone,
      code: "attachment",
      cause: error,
    });
  }
}
