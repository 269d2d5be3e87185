import { describe, expect, it } from "vitest";
import { renderAmi } from "../../../shared/ami/amiMessage.ts";
import { compileEventFilters } from "../../../shared/ami/eventFilter.ts";
import { EventFilterError } from "../../../shared/errors.ts";

const newchannel = renderAmi(
  "Newchannel",
  ["call"],
  [
    ["Channel", "PJSIP/alice-1"],
    ["CallerIDName", ""],
    ["ChanVariable", "a=1"],
    ["ChanVariable", "b=\\d"],
  ],
);
const hangup = renderAmi(
  "Hangup",
  ["call"],
  [
    ["Channel", "PJSIP/bob-2"],
    ["Cause", "16"],
  ],
);
const varset = renderAmi("VarSet", ["dialplan"], [["Variable", "x"]]);

/** The names of the events that pass. */
function passing(...expressions: readonly string[]): string[] {
  const { passes } = compileEventFilters(expressions);
  return [newchannel, hangup, varset].filter(passes).map(({ name }) => name);
}

describe("one filter", () => {
  it.each<[string, readonly string[]]>([
    // Legacy: a regular expression over the whole text.
    ["Event: Newchannel", ["Newchannel"]],
    ["!Event: VarSet", ["Newchannel", "Hangup"]],
    ["Channel: PJSIP/(alice|bob)-", ["Newchannel", "Hangup"]],
    ["Newchannel.*alice", ["Newchannel"]],
    ["^Event: Hangup\r\nPrivilege: call,all\r\n.*Cause: 16\r\n\r\n$", ["Hangup"]],
    ["^Channel", []],
    ["[[:digit:]]$", []],
    ["b=[\\d][\\d]\r", ["Newchannel"]],
    ["event: hangup", []],
    // Syntax of the C library that the engine would read differently.
    ["Event: Han{,1}gup", ["Hangup"]],
    ["Event: Hanx{,2}gup", ["Hangup"]],
    ["\\`Event: H.*\\'", ["Hangup"]],
    ["\\`Channel", []],
    ["\\[?[.]?Event: H", ["Hangup"]],
    // Advanced: by name, by header, by both.
    ["eventfilter(action(include),name(Hangup))", ["Hangup"]],
    ["eventfilter(name(Hangup),action(exclude))", ["Newchannel", "VarSet"]],
    ["eventfilter( name(Hangup) , action(include) ) = ", ["Hangup"]],
    ["action(include),name(Hangup)", ["Hangup"]],
    ["eventfilter(name(Hang))", []],
    ["eventfilter(name(hangup))", []],
    ["eventfilter(header(Channel),method(starts_with)) = PJSIP/al", ["Newchannel"]],
    ["eventfilter(header(Channel:),method(ends_with))=-2", ["Hangup"]],
    ["eventfilter(header(Channel),method(exact)) => PJSIP/bob-2", ["Hangup"]],
    ["eventfilter(header(Channel),method(exact)) = PJSIP/bob", []],
    ["eventfilter(header(Channel),method(contains)) = ob", ["Hangup"]],
    ["eventfilter(header(Channel),method(regex)) = ^PJSIP/b", ["Hangup"]],
    ["eventfilter(header(Channel),method(regex)) = !^PJSIP/b", ["Newchannel", "VarSet"]],
    ["eventfilter(action(include),header(Channel),method(regex)) = !^PJSIP/b", ["Hangup"]],
    ["eventfilter(method(contains)) = Cause: 16", ["Hangup"]],
    ["eventfilter(name(Newchannel),header(Channel),method(contains)) = bob", []],
    // A header matches by its prefix, on any of its lines, and never an empty value.
    ["eventfilter(header(ChanVariable),method(exact)) = b=\\d", ["Newchannel"]],
    ["eventfilter(header(Cause))", ["Hangup"]],
    ["eventfilter(header(CallerIDName))", []],
    ["eventfilter(header(channel))", []],
    ["eventfilter(header(annel))", []],
    ["eventfilter = Event: Hangup", ["Hangup"]],
    // A line of manager.conf, as config.c reads it.
    ["eventfilter=!Event: VarSet ;comment", ["Newchannel", "Hangup"]],
    ["eventfilter=!Event: VarSet;comment ; and more", ["Newchannel", "Hangup"]],
    ["eventfilter => Event: Hangup\t;--- no block comment", ["Hangup"]],
    ["eventfilter(name(Hangup)) ;comment", ["Hangup"]],
    ["eventfilter(name(Hangup)) = ; nothing", ["Hangup"]],
    ["eventfilter = a=1", ["Newchannel"]],
    ["eventfilter = >Event", []],
    ["eventfilter = \\;", []],
    ["eventfilter = Event: Hangup\\;|VarSet", ["VarSet"]],
    ["eventfilter = Event: Hangup\r\n", ["Hangup"]],
    ["EventFilter = Event: Hangup", ["Hangup"]],
    ["\ufeffeventfilter = Event: Hangup", ["Hangup"]],
    // Anything else is a pattern as the Filter action takes it: a semicolon is itself.
    ["Event: Hangup;", []],
    ["!Event: VarSet ;comment", ["Newchannel", "Hangup", "VarSet"]],
  ])("%j lets %j pass", (expression, names) => {
    expect(passing(expression)).toEqual(names);
  });

  it.each<[string, string]>([
    ["", "needs a pattern"],
    ["!", "needs a pattern"],
    ["eventfilter =", "needs a pattern"],
    ["(", "does not compile"],
    ["a{2000}", "does not compile"],
    ["(a)\\1", "does not compile"],
    ["*a", "does not compile"],
    ["[[=a=]]", "collating"],
    ["[x[.hyphen.]]", "collating"],
    ["Event: \\<Hangup", "word boundary"],
    ["Hangup\\>", "word boundary"],
    ["eventfilter()", "criteria are empty"],
    ["eventfilter(name(Hangup)", ""],
    ["eventfilter(action(include)", ""],
    ["eventfilter(name", "parenthesis"],
    ["eventfilter(name())", "not a criterion"],
    ["eventfilter(color(red))", "not a criterion"],
    ["eventfilter(action(drop),name(Hangup))", 'action "drop"'],
    ["eventfilter(name(Hangup),method(like)) = x", 'method "like"'],
    ["eventfilter(action(include))", "needs a name, a header or a pattern"],
    ["eventfilter(name(Hangup)) = x", "a method other than none"],
    ["eventfilter(name(Hangup),method(regex))", "method regex needs a pattern"],
    ["x".repeat(1001), "1001 characters"],
    ["eventfilter = Event: Hangup ;-- block --; more", "block comments"],
    ["eventfilter += Event: Hangup", "+="],
    ["eventfilter(name(Hangup)) += x", "+="],
    ["eventfilter = Event: Hangup\neventfilter = Event: VarSet", "line break"],
    ["eventfilter = ;Event: Hangup", "needs a pattern"],
    ["eventfilter ;= Event: Hangup", "needs a pattern"],
    [";eventfilter = !Event: Hangup", "is a comment"],
    [" ; EventFilter(name(Hangup))", "is a comment"],
    ["name(Hangup) ; comment", "not followed by = and a pattern"],
    ["action(exclude),name(Hangup", "not followed by = and a pattern"],
    ["eventfilter(header(a=b),method(exact)) = c", "parenthesis"],
  ])("%j is refused", (expression, reason) => {
    if (reason === "") return expect(() => compileEventFilters([expression])).not.toThrow(TypeError);
    expect(() => compileEventFilters([expression])).toThrow(EventFilterError);
    expect(() => compileEventFilters([expression])).toThrow(reason);
  });

  it("runs in time linear in the text", () => {
    const evil = compileEventFilters(["(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$"]);
    const text = `${"x".repeat(20_000)}`;
    const before = performance.now();
    expect(evil.passes(renderAmi("A", ["call"], [["X", text]]))).toBe(false);
    // A backtracking engine would not finish in the age of the universe.
    expect(performance.now() - before).toBeLessThan(10_000);
  });
});

describe("several filters", () => {
  it.each<[readonly string[], readonly string[]]>([
    [[], ["Newchannel", "Hangup", "VarSet"]],
    [
      ["Event: Hangup", "Event: VarSet"],
      ["Hangup", "VarSet"],
    ],
    [["!Event: Hangup", "!Event: VarSet"], ["Newchannel"]],
    [["PJSIP", "!bob"], ["Newchannel"]],
  ])("%j let %j pass together", (expressions, names) => {
    expect(passing(...expressions)).toEqual(names);
  });

  it("restrict the names only when every include has a name", () => {
    const names = (...expressions: readonly string[]) => compileEventFilters(expressions).names;
    expect(names("eventfilter(name(A))", "eventfilter(name(B))", "eventfilter(name(A))", "!x")).toEqual([
      "A",
      "B",
    ]);
    expect(names("eventfilter(name(A))", "Event: B")).toBeUndefined();
    expect(names("!Event: B")).toBeUndefined();
    expect(names()).toBeUndefined();
  });

  it("have regular expressions of a bounded size together, and the one that is too much is named", () => {
    const evil = "([a-j]{1,2}[b-k]?[a-i]){0,300}[K-Z]";
    const started = performance.now();
    expect(() => compileEventFilters(new Array(100).fill(evil))).toThrow(evil);
    expect(() => compileEventFilters(["Event: A", evil, `!${"(x{900})".repeat(100)}`])).toThrow("!(x{900})");
    expect(() => compileEventFilters(["eventfilter(header(X),method(regex)) = \\pL{0,1000}"])).toThrow(
      "\\pL",
    );
    expect(performance.now() - started).toBeLessThan(2000);
    // For the engine these would be quotation marks; here they are letters, and the rest is one pair of brackets.
    const { bytes } = compileEventFilters([`\\Q[\\E${"x{900}".repeat(100)}\\Q]\\E`]);
    expect(bytes).toBeLessThan(100_000);
  });

  it("are accepted when a hundred of them are as people write them", () => {
    const { passes, bytes } = compileEventFilters(
      Array.from({ length: 100 }, (_, index) => `^Event: (Dial|Hangup).*PJSIP/1[0-9]{2}${index}-`),
    );
    expect(passes(hangup)).toBe(false);
    expect(bytes).toBeLessThan(2 * 1024 * 1024);
    const plain = compileEventFilters(new Array(100).fill(`Event: ${"x".repeat(900)}`));
    expect(plain.bytes).toBe(0);
  });

  it("are limited to a hundred", () => {
    expect(() => compileEventFilters(new Array(101).fill("a"))).toThrow(EventFilterError);
  });
});
