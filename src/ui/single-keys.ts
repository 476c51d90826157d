/** Whether single keys (J, K, Space …) do things, as this browser's reader wants it; WCAG 2.1.4 asks that they can be turned off. */
import { readSetting, writeSetting } from "./browser-settings";

const KEY = "rested-single-keys";

/** On unless turned off. In a browser only; hear of changes by `subscribeSettings`. */
export function areSingleKeysOn(): boolean {
  return readSetting(KEY) !== "off";
}

export function setSingleKeys(on: boolean): void {
  writeSetting(KEY, on ? undefined : "off");
}
