/** Checks whether the filters of streams can be parsed (W13), those that many ask for at the same time once. It must not know streams. */
import type { Sandbox } from "@/src/core/ports";

export interface FilterChecks {
  /** `group`: whose expressions take turns with others', the project. Raises `jsonata_invalid`, `jsonata_limit`, `server_busy`. */
  check(expression: string, group: string): Promise<void>;
}

export function createFilterChecks({ sandbox }: { sandbox: Pick<Sandbox, "filter"> }): FilterChecks {
  const underWay = new Map<string, Promise<void>>();

  async function parse(key: string, expression: string, group: string): Promise<void> {
    try {
      await sandbox.filter(expression, [], { group });
    } finally {
      underWay.delete(key);
    }
  }

  return {
    check: (expression, group) => {
      // A busy project's refusal is its own.
      const key = `${group} ${expression}`;
      const check = underWay.get(key) ?? parse(key, expression, group);
      underWay.set(key, check);
      return check;
    },
  };
}
