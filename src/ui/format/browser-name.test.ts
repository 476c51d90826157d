import { expect, test } from "vitest";
import { toBrowserName } from "./browser-name";

test("[G1] a session is named by its browser and system", () => {
  const mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)";
  expect(toBrowserName(`${mac} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15`)).toBe("Safari on macOS");
  expect(toBrowserName(`${mac} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0`)).toBe("Edge on macOS");
  expect(toBrowserName("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")).toBe("Firefox on Linux");
  expect(toBrowserName("curl/8.5.0")).toBe("curl/8.5.0");
  expect(toBrowserName(null)).toBe("Unknown browser");
});
