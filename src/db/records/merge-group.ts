/** Applies queued merges of one record to its state in memory, as one group that is committed together. */
import type { RecordStore, Write, WriteResult } from "@/src/core/records/ports";
import type { RecordKind } from "@/src/shared/streams/protocol";

type Merge = RecordStore["merge"];

/** The maximum number of merges in a group. */
export const GROUP_MERGES_MAX = 64;
/** After this many characters that merges of a group have read or written, the group is complete. They are held in memory until its commit. */
const GROUP_CHARACTERS_MAX = 512 * 1024;

/** The fields of a record that a merge uses. */
export interface RecordState {
  version: number;
  contentType: RecordKind;
  data: string;
  owner: string | null;
}

/** A queued merge. */
export interface Member {
  readonly change: Parameters<Merge>[2];
  readonly conditions: NonNullable<Parameters<Merge>[3]>;
  /** Its position among all merges of the record. */
  readonly arrival: number;
  /** How often its group found that the record had changed. */
  conflicts: number;
  /** Its group failed for an unknown reason, so it is tried in a group of its own. */
  isAlone: boolean;
  resolve(result: WriteResult): void;
  reject(error: unknown): void;
}

/** The effect of a merge on its group. A refused one writes nothing, and the following ones are applied without it. */
export type Step =
  | { kind: "write"; member: Member; data: string }
  | { kind: "refused"; member: Member; result: WriteResult }
  | { kind: "failed"; member: Member; error: unknown };

/**
 * Applies merges in order, each to the result of the one before it, beginning with `state`. Returns the step of each merge that belongs to the group: at
 * least one, and fewer than `members` if the group is complete before. With checks, the group ends after the first one whose check fails, because the
 * following ones were applied to its result. All its checks run at once. Never throws.
 */
export async function applyMerges(state: RecordState, members: readonly Member[]): Promise<Step[]> {
  const steps = await applyChanges(state, members);
  if (!members.some(({ conditions }) => conditions.check)) return steps;
  const errors = await Promise.all(steps.map(check));
  const failed = errors.findIndex((error) => error !== undefined);
  const step = steps[failed];
  return step ? [...steps.slice(0, failed), { kind: "failed", member: step.member, error: errors[failed]?.reason }] : steps;
}

async function applyChanges(state: RecordState, members: readonly Member[]): Promise<Step[]> {
  const { contentType, owner } = state;
  let { version, data } = state;
  let characters = 0;
  const steps: Step[] = [];
  for (const member of members) {
    if (characters > GROUP_CHARACTERS_MAX) break;
    const { expectedVersion, onlyOwner } = member.conditions;
    if (onlyOwner !== undefined && owner !== onlyOwner) {
      steps.push({ kind: "refused", member, result: { outcome: "access_denied" } });
      continue;
    }
    if (expectedVersion !== undefined && version !== expectedVersion) {
      steps.push({ kind: "refused", member, result: { outcome: "version_conflict" } });
      continue;
    }
    characters += data.length;
    try {
      const changed = member.change({ version, contentType, data, owner });
      // A short text is merged without a promise. Waiting would cost a tick for each merge.
      data = typeof changed === "string" ? changed : await changed;
    } catch (error) {
      steps.push({ kind: "failed", member, error });
      continue;
    }
    characters += data.length;
    version += 1;
    steps.push({ kind: "write", member, data });
  }
  return steps;
}

/** Undefined: the step passes, or has no check. */
async function check(step: Step): Promise<{ reason: unknown } | undefined> {
  if (step.kind !== "write") return undefined;
  try {
    await step.member.conditions.check?.(step.data);
    return undefined;
  } catch (error) {
    return { reason: error };
  }
}

/** The writes of a group, in order: the first one expects the version of `state`, and the others are chained to it. */
export function toWrites(id: string, { version, contentType, owner }: RecordState, steps: readonly Step[]): Write[] {
  // A merge that requires an owner passed that check already. So that the writes of a group agree, either all require it or none does.
  const onlyOwner = owner !== null && steps.some(({ member }) => member.conditions.onlyOwner !== undefined) ? owner : undefined;
  const writes: Write[] = [];
  for (const step of steps) {
    if (step.kind !== "write") continue;
    const isFirst = writes.length === 0;
    writes.push({
      type: "PUT",
      id,
      contentType,
      data: step.data,
      onlyOwner,
      ...(isFirst ? { expectedVersion: version } : { isChained: true }),
    });
  }
  return writes;
}
