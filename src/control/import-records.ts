/** Stores the records of a file for the endpoint's owner, all or none (G14): as one transaction, after every one of them was checked. */
import { type CallerPath, toOwnerPath } from "@/src/core/caller-path";
import type { Sandbox, Write } from "@/src/core/ports";
import { createUniqueId } from "@/src/core/unique-id";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { Importer, ImportFile } from "./imports/importer";
import type { ImportedItem } from "./imports/read-items";
import { requireOwnTarget } from "./require-own-target";

/** Other writers to the endpoint wait for the transaction, so it must end. */
const TRANSACTION_MS = 60_000;
const FIRST_RECORDS = 5;
/** The first records are shown, not used: long ones are not sent back. */
const FIRST_CHARACTERS = 10_000;

interface ImportRequest extends Omit<ImportFile, "accountId"> {
  db: Pick<Db, "endpoint" | "$transaction">;
  sandbox: Pick<Sandbox, "validate">;
  imports: Pick<Importer, "run">;
  ownerId: string;
  endpointId: string;
}

/** Returns how many records were stored. Throws what {@link checkImport} throws; then, and when the commit fails, none was. */
export async function importRecords(request: ImportRequest): Promise<number> {
  const { db, endpointId } = request;
  return readChecked(request, async (batches) => {
    const all: ImportedItem[][] = [];
    for await (const batch of batches) all.push(batch);
    let count = 0;
    await db.$transaction(
      async (tx) => {
        for (const batch of all) {
          const writes = batch.map(({ data }): Write => ({ type: "POST", id: createUniqueId(), contentType: "json", data }));
          const results = await tx.record.commit(endpointId, writes);
          // Deleted while the file was checked.
          if (results.some(({ outcome }) => outcome !== "ok")) throw new AppError("not_found");
          count += batch.length;
        }
      },
      { timeout: TRANSACTION_MS },
    );
    return count;
  });
}

/**
 * What an import would store: how many records, and the first of them as JSON text. Throws `not_found`, `parameter_invalid` for an endpoint of users,
 * what {@link Importer.run} throws, and with the line `schema_mismatch`.
 */
export async function checkImport(request: ImportRequest): Promise<{ records: number; first: string }> {
  return readChecked(request, async (batches) => {
    let records = 0;
    const first: string[] = [];
    for await (const batch of batches) {
      for (const { data } of batch.slice(0, Math.max(FIRST_RECORDS - records, 0))) if (data.length <= FIRST_CHARACTERS) first.push(data);
      records += batch.length;
    }
    return { records, first: `[${first.join(",")}]` };
  });
}

/** Passes the file's records to `use`, each batch checked against the endpoint's schema. */
async function readChecked<T>(request: ImportRequest, use: (batches: AsyncIterable<ImportedItem[]>) => Promise<T>): Promise<T> {
  const { db, sandbox, imports, ownerId, endpointId, ...file } = request;
  const { kind, schema, projectId } = await requireOwnTarget({ db, ownerId, endpointId });
  if (kind === "authentication") {
    throw new AppError("parameter_invalid", { detail: "Users are registered one by one, with a password each: they can't be imported." });
  }
  return imports.run({ ...file, accountId: ownerId }, (batches) =>
    use(schema === null ? batches : checkBatches({ sandbox, schema, batches, caller: toOwnerPath(ownerId, projectId) })),
  );
}

async function* checkBatches({
  sandbox,
  schema,
  batches,
  caller,
}: {
  sandbox: Pick<Sandbox, "validate">;
  schema: string;
  batches: AsyncIterable<ImportedItem[]>;
  caller: CallerPath;
}): AsyncGenerator<ImportedItem[], void> {
  for await (const batch of batches) {
    const texts = batch.map(({ data }) => data);
    const mismatch = await sandbox.validate(schema, texts, { caller });
    if (mismatch) throw mismatchAt(batch[mismatch.index]?.line ?? 0, mismatch.problems);
    yield batch;
  }
}

function mismatchAt(line: number, problems: Readonly<Record<string, string>>): AppError {
  const [[pointer, problem] = ["", "it does not match."]] = Object.entries(problems);
  const detail = `Line ${line}: the record does not match the endpoint's schema. ${pointer === "" ? "The whole" : pointer}: ${problem}`;
  return new AppError("schema_mismatch", { detail, fields: problems });
}
