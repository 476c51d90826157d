/** Stores the records of a file for the endpoint's owner, all or none (G14): as one transaction, after every one of them was checked. */
import { type CallerPath, toOwnerPath } from "@/src/core/caller-path";
import type { Sandbox, Write } from "@/src/core/ports";
import { createUniqueId } from "@/src/core/unique-id";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import { type ImportedItem, type ImportKind, readImport } from "./read-import";
import { requireOwnTarget } from "./require-own-target";

/** What one statement takes. */
const BATCH_RECORDS = 1000;
const BATCH_CHARACTERS = 4 * 1024 * 1024;
/** Other writers to the endpoint wait for the transaction, so it must end. */
const TRANSACTION_MS = 60_000;
const FIRST_RECORDS = 5;
/** The first records are shown, not used: long ones are not sent back. */
const FIRST_CHARACTERS = 10_000;

interface ImportRequest {
  db: Pick<Db, "endpoint" | "$transaction">;
  sandbox: Pick<Sandbox, "validate">;
  ownerId: string;
  endpointId: string;
  kind: ImportKind;
  bytes: Uint8Array;
  recordBytesMax: number;
}

/** How many records were stored. Raises what {@link checkImport} raises; then, and when the commit fails, none was. */
export async function importRecords(request: ImportRequest): Promise<number> {
  const { db, endpointId } = request;
  const items = await readChecked(request);
  await db.$transaction(
    async (tx) => {
      for (const batch of toBatches(items)) {
        const writes = batch.map(({ data }): Write => ({ type: "POST", id: createUniqueId(), contentType: "json", data }));
        const results = await tx.record.commit(endpointId, writes);
        // Deleted while the file was checked.
        if (results.some(({ outcome }) => outcome !== "ok")) throw new AppError("not_found");
      }
    },
    { timeout: TRANSACTION_MS },
  );
  return items.length;
}

/**
 * What an import would store: how many records, and the first of them as JSON text. Raises `not_found`, `parameter_invalid` for an endpoint of users,
 * what readImport raises, and with the line `schema_mismatch`.
 */
export async function checkImport(request: ImportRequest): Promise<{ records: number; first: string }> {
  const items = await readChecked(request);
  const first = items.slice(0, FIRST_RECORDS).filter(({ data }) => data.length <= FIRST_CHARACTERS);
  return { records: items.length, first: `[${first.map(({ data }) => data).join(",")}]` };
}

async function readChecked({ db, sandbox, ownerId, endpointId, ...body }: ImportRequest): Promise<ImportedItem[]> {
  const { kind, schema, projectId } = await requireOwnTarget({ db, ownerId, endpointId });
  if (kind === "authentication") {
    throw new AppError("parameter_invalid", { detail: "Users are registered one by one, with a password each: they can't be imported." });
  }
  const items = await readImport(body);
  if (schema !== null) await requireMatches({ sandbox, schema, items, caller: toOwnerPath(ownerId, projectId) });
  return items;
}

async function requireMatches({
  sandbox,
  schema,
  items,
  caller,
}: {
  sandbox: Pick<Sandbox, "validate">;
  schema: string;
  items: readonly ImportedItem[];
  caller: CallerPath;
}): Promise<void> {
  for (const batch of toBatches(items)) {
    const texts = batch.map(({ data }) => data);
    const mismatch = await sandbox.validate(schema, texts, { caller });
    if (!mismatch) continue;
    const line = batch[mismatch.index]?.line ?? 0;
    const [[pointer, problem] = ["", "it does not match."]] = Object.entries(mismatch.problems);
    const detail = `Line ${line}: the record does not match the endpoint's schema. ${pointer === "" ? "The whole" : pointer}: ${problem}`;
    throw new AppError("schema_mismatch", { detail, fields: mismatch.problems });
  }
}

function* toBatches(items: readonly ImportedItem[]): Generator<ImportedItem[], void> {
  let batch: ImportedItem[] = [];
  let characters = 0;
  for (const item of items) {
    if (batch.length > 0 && (batch.length === BATCH_RECORDS || characters + item.data.length > BATCH_CHARACTERS)) {
      yield batch;
      batch = [];
      characters = 0;
    }
    batch.push(item);
    characters += item.data.length;
  }
  if (batch.length > 0) yield batch;
}
