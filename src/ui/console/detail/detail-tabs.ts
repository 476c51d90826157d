/** The tabs of the detail. The URL has their names. */
export const DETAIL_TABS = ["changes", "json", "raw", "history", "delivery"] as const;
export type DetailTab = (typeof DETAIL_TABS)[number];
