import { expect, test } from "vitest";
import { describeHideEntry, describeRule } from "./describe-rule";

test("[A1] a rule is described in English", () => {
  expect(describeRule("true")).toBe("Always allowed.");
  expect(describeRule("@owner = @user.id")).toBe("Allowed if the record belongs to the user.");
  expect(describeRule("members ~ @user.id | public = true & @user.id exists")).toBe(
    "Allowed if the record’s members contains the user’s uniqueId or (the record’s public is true and a user is logged in).",
  );
  expect(describeRule('!(@input.role = "admin") & @key.scope = "write"')).toBe(
    "Allowed if not (the sent role is “admin”) and the scope of the key is “write”.",
  );
  expect(describeRule("public ==")).toBeUndefined();
});

test("[A4] an entry of hide is described in English", () => {
  expect(describeHideEntry("phone")).toBe("phone: always hidden.");
  expect(describeHideEntry('data.phone, mail unless @user.data.role = "admin"')).toBe(
    "phone, mail: hidden unless the user’s role is “admin”.",
  );
  expect(describeHideEntry("phone unless")).toBeUndefined();
});
