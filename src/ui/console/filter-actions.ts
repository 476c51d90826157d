/** The changes to the console's filter (G27) that the detail of a change offers. */
import type { ComparedValue } from "@/src/shared/filters/write-expression";

export interface FilterActions {
  /**
   * Adds the condition `path operator value`. `path`: keys, and numbers for indexes of arrays; empty for the whole data. The same condition is not added
   * twice, and its opposite (`=`, `!=`) is replaced. The selection stays.
   */
  addValue(path: readonly (string | number)[], operator: "=" | "!=", value: ComparedValue): void;
  /** Shows only changes of one record. `recordId`: 32 hex digits. */
  addRecord(recordId: string): void;
}
