/** Goes to a page as whoever is signed in now: by a full load, so that nothing of who was signed in before stays. */

/** Never settles: the page is being left, and its form stays busy until then. */
export function enter(path: string): Promise<never> {
  window.location.assign(path);
  return new Promise(() => undefined);
}
