import { describe, expect, it } from "vitest";
import { renderAmi } from "../../../shared/ami/amiMessage.ts";
import { readAmi } from "../../../shared/ami/amiParser.ts";
import { type AmiReadFilter, compileReadFilter, namesOf } from "../../../shared/ami/readFilter.ts";

const messages = [
  renderAmi("Hangup", ["call"], [["Cause", "16"]]),
  renderAmi("VarSet", ["dialplan"], []),
  renderAmi("VoicemailPasswordChange", ["system", "user"], []),
  readAmi("Event: Open\r\nPrivilege: <none>\r\n\r\n"),
  readAmi("Event: Unknown\r\nPrivilege: future,all\r\n\r\n"),
  readAmi("Event: Bare\r\n\r\n"),
];

const filters: readonly [AmiReadFilter, string[]][] = [
  [{}, ["Hangup", "VarSet", "VoicemailPasswordChange", "Open"]],
  [{ read: "all" }, ["Hangup", "VarSet", "VoicemailPasswordChange", "Open"]],
  [{ read: "call" }, ["Hangup", "Open"]],
  [{ read: "user" }, ["Open"]],
  [{ read: "user,system" }, ["VoicemailPasswordChange", "Open"]],
  [{ read: ["user", "system"] }, ["VoicemailPasswordChange", "Open"]],
  [{ read: ["call", "all"] }, ["Hangup", "VarSet", "VoicemailPasswordChange", "Open"]],
  [{ read: "" }, ["Open"]],
  [{ events: ["VarSet", "Bare"] }, ["VarSet"]],
  [{ events: ["VarSet"], read: "call" }, []],
  [{ eventFilters: ["Cause: 16"] }, ["Hangup"]],
  [
    { eventFilters: ["eventfilter(name(Hangup))", "eventfilter(name(VarSet))"], events: ["VarSet"] },
    ["VarSet"],
  ],
  [{ eventFilters: ["!Cause: 16"], read: "call,dialplan" }, ["VarSet", "Open"]],
];

describe("a read filter", () => {
  it.each(filters)("%j lets %j pass, and never a message of unknown class", (filter, names) => {
    expect(messages.filter(compileReadFilter(filter).passes).map(({ name }) => name)).toEqual(names);
  });

  it.each(filters)("%j is interested in every message that it lets pass", (filter) => {
    const { interest, passes } = compileReadFilter(filter);
    for (const message of messages.filter(passes))
      expect(interest === undefined || namesOf(message).some((name) => interest.includes(name))).toBe(true);
  });

  it("with only names is not interested in other names of the same class", () => {
    const { interest = [] } = compileReadFilter({ events: ["Hangup"], read: "call,dialplan" });
    expect(namesOf(renderAmi("Newchannel", ["call"], [])).some((name) => interest.includes(name))).toBe(
      false,
    );
  });

  it("with only classes is not interested in other classes", () => {
    const { interest = [] } = compileReadFilter({ read: "call" });
    expect(namesOf(renderAmi("VarSet", ["dialplan"], [])).some((name) => interest.includes(name))).toBe(
      false,
    );
  });
});
