/** Imports the records of a file, all or none (G14). Each batch is checked and staged as it is read; all records are published at the end. */
import { type CallerPath, toOwnerPath } from "@/src/core/access/caller-path";
import type { Quotas } from "@/src/core/limits/quotas";
import type { Sandbox } from "@/src/core/sandbox";
import type { Db } from "@/src/db/client";
import type { ImportStaging } from "@/src/db/records/import-staging";
import { AppError } from "@/src/shared/errors";
import { requireOwnTarget } from "../ownership";
import type { FoundCharset } from "./charset";
import type { Importer, ImportFile } from "./importer";
import type { ImportedItem } from "./read-items";

const FIRST_RECORDS = 5;
/** The first records are only displayed, so long ones are shortened. */
const FIRST_CHARACTERS = 10_000;
const NOT_ASCII = /[^\0-\x7f]/;

interface ImportRequest extends Omit<ImportFile, "accountId" | "mayGuess" | "onFound"> {
  db: Pick<Db, "endpoint">;
  sandbox: Pick<Sandbox, "validate">;
  imports: Pick<Importer, "run">;
  ownerId: string;
  endpointId: string;
}

/**
 * Returns the number of stored records. Throws what {@link checkImport} throws, `not_found` if the endpoint was deleted meanwhile, `schema_mismatch` if it has
 * another schema meanwhile, `quota_exceeded`, what `authorizeAgain` throws, and `server_busy` if the endpoint stays busy too long. After an error no record was stored.
 */
export async function importRecords(
  request: ImportRequest & {
    staging: Pick<ImportStaging, "begin">;
    quotas: Pick<Quotas, "admit">;
    /** Rejects if the account may no longer import. Called when the whole file has arrived (S9). */
    authorizeAgain: () => Promise<unknown>;
  },
): Promise<number> {
  const { staging, quotas, endpointId, authorizeAgain, ...rest } = request;
  return readChecked({ ...rest, endpointId }, async (batches, schema) => {
    const staged = staging.begin();
    try {
      let recordBytes = 0;
      for await (const batch of batches) {
        recordBytes += batch.reduce((sum, { data }) => sum + Buffer.byteLength(data), 0);
        await staged.add(batch.map(({ data }) => data));
      }
      await quotas.admit(endpointId, { records: staged.count, recordBytes });
      await authorizeAgain();
      await requireSameSchema({ db: rest.db, ownerId: rest.ownerId, endpointId, schema });
      if (!(await staged.publish(endpointId))) throw new AppError("not_found");
      return staged.count;
    } finally {
      await staged.discard();
    }
  });
}

/** Each batch was checked when it arrived, so a schema that is new since then was not applied to all records. */
async function requireSameSchema({
  db,
  ownerId,
  endpointId,
  schema,
}: Pick<ImportRequest, "db" | "ownerId" | "endpointId"> & { schema: string | null }): Promise<void> {
  const current = await requireOwnTarget({ db, ownerId, endpointId });
  if (current.schema === null || current.schema === schema) return;
  const detail = "The endpoint's schema changed while the file arrived. No record was imported. Import the file again.";
  throw new AppError("schema_mismatch", { detail });
}

export interface CheckedImport {
  records: number;
  /** The first records, as the JSON text of an array. */
  first: string;
  charset: FoundCharset;
  /** For files that are not UTF-8: further records with characters beyond ASCII, in the form of `first`. They show whether the encoding is right. */
  samples: string;
}

/**
 * Returns what an import would store. Throws `not_found`, `parameter_invalid` for an authentication endpoint, what {@link Importer.run} throws, and
 * `schema_mismatch` with the line.
 */
export async function checkImport(request: ImportRequest): Promise<CheckedImport> {
  let charset: FoundCharset = { name: "utf-8", isGuess: false };
  const onFound = (found: FoundCharset) => {
    charset = found;
  };
  return readChecked({ ...request, mayGuess: true, onFound }, async (batches) => {
    let records = 0;
    const first: string[] = [];
    const samples: string[] = [];
    for await (const batch of batches) {
      for (const { data } of batch.slice(0, Math.max(FIRST_RECORDS - records, 0))) if (data.length <= FIRST_CHARACTERS) first.push(data);
      if (samples.length < FIRST_RECORDS) {
        const rest = batch.slice(Math.max(FIRST_RECORDS - records, 0));
        const shown = rest.filter(({ data }) => data.length <= FIRST_CHARACTERS && NOT_ASCII.test(data));
        samples.push(...shown.slice(0, FIRST_RECORDS - samples.length).map(({ data }) => data));
      }
      records += batch.length;
    }
    return { records, first: toList(first), charset, samples: toList(charset.name === "utf-8" ? [] : samples) };
  });
}

function toList(texts: readonly string[]): string {
  return `[${texts.join(",")}]`;
}

/** Passes the file's records to `use`, after each batch was checked against the endpoint's schema. */
async function readChecked<T>(
  request: ImportRequest & Pick<ImportFile, "mayGuess" | "onFound">,
  use: (batches: AsyncIterable<ImportedItem[]>, schema: string | null) => Promise<T>,
): Promise<T> {
  const { db, sandbox, imports, ownerId, endpointId, ...file } = request;
  const { kind, schema, projectId } = await requireOwnTarget({ db, ownerId, endpointId });
  if (kind === "authentication") {
    throw new AppError("parameter_invalid", { detail: "Users cannot be imported. Register them one by one, each with a password." });
  }
  if (kind === "email") throw new AppError("parameter_invalid", { detail: "E-mails cannot be imported. Send them one by one." });
  return imports.run({ ...file, accountId: ownerId }, (batches) =>
    use(schema === null ? batches : checkBatches({ sandbox, schema, batches, caller: toOwnerPath(ownerId, projectId) }), schema),
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
