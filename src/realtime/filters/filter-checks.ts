/** Checks whether the filters of streams are valid JSONata (W13). Simultaneous checks of the same filter share one parse. */
import type { CallerPath } from "@/src/core/access/caller-path";
import type { Sandbox } from "@/src/core/sandbox";

export interface FilterChecks {
  /** Throws `jsonata_invalid`, `jsonata_limit`, `server_busy`. */
  check(expression: string, caller: CallerPath): Promise<void>;
}

export function createFilterChecks({ sandbox }: { sandbox: Pick<Sandbox, "filter"> }): FilterChecks {
  const underWay = new Map<string, Promise<void>>();

  async function parse(key: string, expression: string, caller: CallerPath): Promise<void> {
    try {
      await sandbox.filter(expression, [], { caller });
    } finally {
      underWay.delete(key);
    }
  }

  return {
    check: (expression, caller) => {
      // The key has the caller, because limits are per caller.
      const key = JSON.stringify([...caller, expression]);
      const check = underWay.get(key) ?? parse(key, expression, caller);
      underWay.set(key, check);
      return check;
    },
  };
}
