/** A bounded queue in which groups take turns, on every level of a path such as account, project, caller: whoever asks for much does not keep the others waiting. */

export interface FairQueueLimits {
  /** Items in all. */
  max: number;
  /** Items of one group, by level: the first number is for the first name of a path, and so on. A level without a number has no limit of its own. */
  groupMax?: readonly number[];
}

/** Items are compared by identity. Every path of one queue has the same number of names, at least one. */
export interface FairQueue<Item> {
  readonly size: number;
  /** False, and nothing is added, when the queue or one of the groups on the path is full. */
  add(path: readonly string[], item: Item): boolean;
  /**
   * Removes and returns the next item: round robin over the groups of the first level, within one over those of the second, and so on; within the
   * last, first come, first served. `isBlocked` leaves out groups of the first level. Undefined when nothing may be taken.
   */
  take(isBlocked?: (group: string) => boolean): Item | undefined;
  /** True when the item was waiting. */
  remove(path: readonly string[], item: Item): boolean;
}

/** A group of some level, or, as the root, the whole queue. Only groups that have something waiting are kept. */
interface Node<Item> {
  size: number;
  /** In the order of their turns. */
  groups: Map<string, Node<Item>>;
  /** Of the last level only. */
  items: Set<Item>;
}

export function createFairQueue<Item>({ max, groupMax = [] }: FairQueueLimits): FairQueue<Item> {
  const root = createNode<Item>();

  return {
    get size() {
      return root.size;
    },
    add(path, item) {
      if (root.size >= max || isFull(root, path, groupMax)) return false;
      let node = root;
      node.size += 1;
      for (const name of path) {
        let group = node.groups.get(name);
        if (!group) {
          group = createNode();
          node.groups.set(name, group);
        }
        group.size += 1;
        node = group;
      }
      node.items.add(item);
      return true;
    },
    take: (isBlocked) => takeFrom(root, isBlocked),
    remove: (path, item) => removeFrom(root, path, item),
  };
}

function createNode<Item>(): Node<Item> {
  return { size: 0, groups: new Map(), items: new Set() };
}

function isFull<Item>(root: Node<Item>, path: readonly string[], groupMax: readonly number[]): boolean {
  let node: Node<Item> | undefined = root;
  for (const [level, name] of path.entries()) {
    node = node.groups.get(name);
    if (!node) return false;
    if (node.size >= (groupMax[level] ?? Number.POSITIVE_INFINITY)) return true;
  }
  return false;
}

function takeFrom<Item>(node: Node<Item>, isBlocked?: (group: string) => boolean): Item | undefined {
  for (const [name, group] of node.groups) {
    if (isBlocked?.(name)) continue;
    const item = takeFrom(group);
    if (item === undefined) continue;
    node.size -= 1;
    // To the end of the line.
    node.groups.delete(name);
    if (group.size > 0) node.groups.set(name, group);
    return item;
  }
  for (const item of node.items) {
    node.items.delete(item);
    node.size -= 1;
    return item;
  }
  return undefined;
}

function removeFrom<Item>(node: Node<Item>, [name, ...rest]: readonly string[], item: Item): boolean {
  if (name === undefined) {
    if (!node.items.delete(item)) return false;
  } else {
    const group = node.groups.get(name);
    if (!group || !removeFrom(group, rest, item)) return false;
    if (group.size === 0) node.groups.delete(name);
  }
  node.size -= 1;
  return true;
}
