import { describe, expect, it } from "vitest";
import { classesIn, classesOf, isReadable, readMask } from "../../../shared/ami/eventClass.ts";

const ALL = 0x7fffffff;
const [SYSTEM, CALL, USER, MESSAGE] = [1, 2, 64, 1 << 30];

describe("classesOf", () => {
  it.each([
    ["call,all", ["call"]],
    ["system,user,all", ["system", "user"]],
    ["all", undefined],
    ["<none>", []],
    ["", undefined],
    ["Call,all", undefined],
    ["call,nonsense,all", undefined],
    ["toString,all", undefined],
    [undefined, undefined],
  ])("of %j is %j", (privilege, classes) => {
    expect(classesOf(privilege)).toEqual(classes);
  });
});

describe("isReadable", () => {
  it.each([
    [["call"], CALL, true],
    [["call"], SYSTEM, false],
    [["system", "user"], SYSTEM, false],
    [["system", "user"], SYSTEM | USER, true],
    [["message"], MESSAGE, true],
    [["message"], ALL, true],
    [[], 0, true],
    [undefined, ALL, false],
  ] as const)("of %j with mask %i is %s", (classes, mask, expected) => {
    expect(isReadable(classes, mask)).toBe(expected);
  });
});

describe("readMask", () => {
  it.each([
    ["", undefined],
    ["call", CALL],
    ["call,user", CALL | USER],
    ["user,call,nonsense", CALL | USER],
    ["call, user", CALL],
    ["Call", 0],
    ["none", 0],
    ["nonsense", 0],
    ["-1", 0],
    ["1", SYSTEM],
    ["66", CALL | USER],
    ["99999999999999999999", ALL],
    ["0", 0],
    ["all", ALL],
    ["call,all", ALL],
    ["no", 0],
    ["OFF", 0],
    ["f", 0],
    ["yes", ALL],
    ["On", ALL],
    ["T", ALL],
  ])("of %j is %j", (text, mask) => {
    expect(readMask(text)).toBe(mask);
  });

  it.each(["c,foo", ",foo", "s,call"])(
    "fails closed where Asterisk accepts a prefix of a name: %j",
    (text) => {
      expect(readMask(text)).toBe(text.endsWith("call") ? CALL : 0);
    },
  );
});

it("the classes in a mask are listed, except for the mask of all", () => {
  expect(classesIn(CALL | USER)).toEqual(["call", "user"]);
  expect(classesIn(0)).toEqual([]);
  expect(classesIn(ALL)).toBeUndefined();
});
