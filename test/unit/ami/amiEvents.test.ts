import { describe, expect, it } from "vitest";
import { readAmiEvents } from "../../../shared/ami/amiEvents.ts";

const read = (text: string, charset?: string) => readAmiEvents(Buffer.from(text), charset);
const names = (text: string) => read(text).events.map((item) => ("ami" in item ? item.ami.name : item.error));

describe("the events of an AMI text", () => {
  it("are those that Manager sends to all its sessions; what belongs to a response is skipped and counted", () => {
    const status =
      "Response: Success\r\nEventList: start\r\nMessage: Channel status will follow\r\n\r\n" +
      "Event: Status\r\nPrivilege: Call\r\nChannel: SIP/3030-1\r\n\r\n" +
      "Event: StatusComplete\r\nEventList: Complete\r\nListItems: 1\r\n\r\n";
    expect(read(status)).toEqual({ events: [], skipped: 3 });
    const hangup = "Event: Hangup\r\nPrivilege: call,all\r\n\r\n";
    expect(read(`${status}${hangup}`)).toMatchObject({ events: [{ ami: { name: "Hangup" } }], skipped: 3 });
  });

  it.each([
    ["call,all", "A"],
    ["call", "A"],
    ["<none>", "A"],
    ["future,all", "A"],
  ])("with the privilege %s are sent to Manager's sessions, so they are taken", (privilege, result) => {
    expect(names(`Event: A\r\nPrivilege: ${privilege}\r\n\r\n`)).toEqual([result]);
  });

  it.each([
    "Event: FullyBootedPrivilege: system,allStatus: Fully Booted",
    "Asterisk Call Manager/5.0.2Event: FullyBootedPrivilege: system,allStatus: Fully Booted",
    "Response: SuccessMessage: Authentication acceptedEvent: FullyBooted",
    "Event: APrivilege: call,allEvent: BPrivilege: call,all",
    "Event: APrivilege: call,all\r\n",
    "\ufeffEvent: APrivilege: call,all",
  ])("without line ends are refused with the likely cause: %s", (text) => {
    expect(names(text)).toEqual([expect.stringContaining("--data-binary")]);
  });

  it("have names of visible characters", () => {
    expect(names("Event: A b\r\nPrivilege: call,all\r\n\r\n")).toEqual([
      expect.stringContaining("visible characters"),
    ]);
  });

  it("keep their bytes, and their text is what the charset says", () => {
    const bytes = Buffer.from("Event: A\r\nPrivilege: call,all\r\nX: M\u00fcller\r\n\r\n", "latin1");
    expect(readAmiEvents(bytes).events).toMatchObject([
      { ami: { text: expect.stringContaining("Müller"), raw: { charset: "iso-8859-1" } } },
    ]);
    expect(readAmiEvents(bytes, "koi8-r").events).toMatchObject([
      { ami: { text: expect.stringContaining("MЭller"), raw: { charset: "koi8-r" } } },
    ]);
  });
});
