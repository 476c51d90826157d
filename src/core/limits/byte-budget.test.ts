import { describe, expect, test } from "vitest";
import { AppError } from "@/src/shared/errors";
import { createByteBudget } from "./byte-budget";

const create = (max: number, groupMax: readonly number[] = []) =>
  createByteBudget({ max, groupMax, createBusyError: () => new AppError("server_busy", { retryAfterSeconds: 1 }) });

describe("a byte budget", () => {
  test("limits the total, and accepts more after bytes are released", () => {
    const budget = create(100);
    const first = budget.hold(["a"], 60);
    expect(() => budget.hold(["b"], 41)).toThrow(AppError);
    expect(budget.held).toBe(60);
    first.release();
    budget.hold(["b"], 100);
    expect(budget.held).toBe(100);
  });

  test("limits each group at each level, without affecting others", () => {
    const budget = create(1000, [100, 50]);
    budget.hold(["a", "x"], 50);
    expect(() => budget.hold(["a", "x"], 1)).toThrow(AppError);
    budget.hold(["a", "y"], 40);
    expect(() => budget.hold(["a", "z"], 11)).toThrow(AppError);
    budget.hold(["a", "z"], 10);
    budget.hold(["b", "x"], 50);
    expect(budget.held).toBe(150);
  });

  test("lets an empty group hold one large piece within the total limit", () => {
    const budget = create(100, [10]);
    const large = budget.hold(["a"], 90);
    expect(() => budget.hold(["a"], 1)).toThrow(AppError);
    large.release();
    expect(() => budget.hold(["a"], 101)).toThrow(AppError);
    expect(budget.held).toBe(0);
  });

  test("a hold grows and shrinks, and releases everything exactly once", () => {
    const budget = create(100, [50]);
    const hold = budget.hold(["a"], 0);
    hold.add(30);
    hold.add(20);
    expect(() => hold.add(1)).toThrow(AppError);
    hold.remove(25);
    hold.add(10);
    expect(budget.held).toBe(35);
    hold.remove(1000);
    expect(budget.held).toBe(0);
    hold.release();
    hold.release();
    expect(budget.held).toBe(0);
    budget.hold(["a"], 50);
  });

  test("accepts an empty hold even over a limit: committed writes begin with one", () => {
    const budget = create(100, [50]);
    budget.hold(["a"], 0).addAnyway(120);
    const empty = budget.hold(["a"], 0);
    expect(() => empty.add(1)).toThrow(AppError);
    empty.addAnyway(10);
    expect(budget.held).toBe(130);
  });

  test("distinguishes groups whose joined names look the same", () => {
    const budget = create(100, [100, 10]);
    budget.hold(["a", "b,c"], 10);
    budget.hold(["a,b", "c"], 10);
    expect(budget.held).toBe(20);
  });

  test("addAnyway holds bytes beyond the limits and blocks its group until they are released", () => {
    const budget = create(1000, [100]);
    const hold = budget.hold(["a"], 90);
    budget.requireRoom(["a"]);
    hold.addAnyway(20);
    expect(budget.held).toBe(110);
    expect(() => budget.requireRoom(["a"])).toThrow(AppError);
    expect(() => budget.hold(["a"], 1)).toThrow(AppError);
    budget.requireRoom(["b"]);
    hold.release();
    budget.requireRoom(["a"]);
    expect(budget.held).toBe(0);
  });

  test("ignores bytes that are added after the release", () => {
    const budget = create(100);
    const hold = budget.hold(["a"], 10);
    hold.release();
    hold.add(50);
    hold.addAnyway(500);
    expect(budget.held).toBe(0);
  });
});
