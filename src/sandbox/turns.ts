/** A bounded queue whose groups take turns: one that asks much does not keep the others waiting. It must not know what waits. */

export interface Turns<Item> {
  readonly size: number;
  /** False, and nothing is added, when the queue or the group's part of it is full. */
  add(group: string, item: Item): boolean;
  /** The first of the group whose turn it is. */
  take(): Item | undefined;
  /** Whether it was waiting. */
  remove(group: string, item: Item): boolean;
}

export function createTurns<Item>({ max, groupMax }: { max: number; groupMax: number }): Turns<Item> {
  /** Never an empty list; the group whose turn it is comes first. */
  const groups = new Map<string, Item[]>();
  let size = 0;

  return {
    get size() {
      return size;
    },
    add(group, item) {
      const items = groups.get(group);
      if (size >= max || (items?.length ?? 0) >= groupMax) return false;
      if (items) items.push(item);
      else groups.set(group, [item]);
      size += 1;
      return true;
    },
    take() {
      const [next] = groups;
      if (!next) return undefined;
      const [group, items] = next;
      groups.delete(group);
      const item = items.shift();
      if (items.length > 0) groups.set(group, items);
      size -= 1;
      return item;
    },
    remove(group, item) {
      const items = groups.get(group);
      const index = items?.indexOf(item) ?? -1;
      if (!items || index < 0) return false;
      items.splice(index, 1);
      if (items.length === 0) groups.delete(group);
      size -= 1;
      return true;
    },
  };
}
