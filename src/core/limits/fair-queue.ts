/**
 * A bounded queue that serves groups round robin at every level of a path such as account, project, caller, so that a busy group does not starve the
 * others.
 */
import { ShortLivedMap } from "@/src/core/short-lived-map";

export interface FairQueueLimits {
  /** The maximum number of items. */
  max: number;
  /**
   * The maximum number of items of one group, by level: the first number applies to the first name of a path, and so on. Levels without a number have
   * no limit of their own.
   */
  groupMax?: readonly number[];
}

/** Items are compared by identity. All paths of a queue have the same number of names, at least one. */
export interface FairQueue<Item> {
  readonly size: number;
  /** Adds an item at the end. Returns false, and adds nothing, if the queue or a group on the path is full. */
  add(path: readonly string[], item: Item): boolean;
  /**
   * Removes and returns the next item: round robin over the groups of the first level, within one over the groups of the second, and so on. Within a
   * group of the last level, first in, first out. `isBlocked` excludes groups of the first level. Returns undefined if nothing may be taken.
   */
  take(isBlocked?: (group: string) => boolean): Item | undefined;
  /** Removes an item. Returns true if it was queued. */
  remove(path: readonly string[], item: Item): boolean;
}

/** A group, or the root for the whole queue. Only groups with queued items are kept. */
interface Node<Item> {
  size: number;
  /** In the order in which they are served. */
  groups: ShortLivedMap<string, Node<Item>>;
  /** Only at the last level. */
  items: ShortLivedMap<Item, true>;
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
      node.items.set(item, true);
      return true;
    },
    take: (isBlocked) => takeFrom(root, isBlocked),
    remove: (path, item) => removeFrom(root, path, item),
  };
}

function createNode<Item>(): Node<Item> {
  return { size: 0, groups: new ShortLivedMap(), items: new ShortLivedMap() };
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
  for (const [name, group] of node.groups.entries()) {
    if (isBlocked?.(name)) continue;
    const item = takeFrom(group);
    if (item === undefined) continue;
    node.size -= 1;
    // Moves the group to the end.
    node.groups.delete(name);
    if (group.size > 0) node.groups.set(name, group);
    return item;
  }
  for (const [item] of node.items.entries()) {
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
