/** A judge of records for tests with a log in memory, whose records have the seq of their only change as id. */
import type { JudgeDependency, JudgedRecord, RecordJudge } from "@/src/core/access/record-judge";

export interface MemoryJudge extends RecordJudge {
  /** The seqs that were judged, in order. */
  readonly judged: number[];
}

export const toSeq = ({ uniqueId }: { uniqueId: string }): number => Number.parseInt(uniqueId, 16);

/**
 * `allows` can throw. `wait`: verdicts are known later, when it settles. `redact`: the default returns the data as stored. `answer` replaces the verdicts, to
 * return what a judge must not.
 */
export function createMemoryJudge({
  identity,
  allows,
  wait,
  redact = ({ data }) => data,
  answer,
  dependencies,
  owner,
}: {
  identity: string;
  allows: (seq: number, record: JudgedRecord) => boolean;
  wait?: () => Promise<void>;
  redact?: (record: JudgedRecord) => string;
  answer?: (records: readonly JudgedRecord[]) => readonly boolean[];
  dependencies?: () => readonly JudgeDependency[];
  /** It allows only records of this user. */
  owner?: string;
}): MemoryJudge {
  const judged: number[] = [];
  const decide = (records: readonly JudgedRecord[]): readonly boolean[] => {
    const verdicts = records.map((record) => allows(toSeq(record), record));
    judged.push(...records.map(toSeq));
    return answer ? answer(records) : verdicts;
  };
  return {
    identity,
    judged,
    judge: (operation, records) => {
      if (operation !== "subscribe") throw new Error(`A stream asked about ${operation}.`);
      return wait ? wait().then(() => decide(records)) : decide(records);
    },
    isImmediate: wait === undefined,
    redact,
    hiddenFields: () => [],
    hidesFields: true,
    condition: owner === undefined ? undefined : { text: `r."ownerId" = $1::uuid`, values: [owner], isExact: true, owner },
    ...(dependencies ? { dependencies } : {}),
  };
}
