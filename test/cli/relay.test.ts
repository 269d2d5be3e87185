import { spawn } from "node:child_process";
import { once } from "node:events";
import { buffer, text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { convertAll, Recording } from "../../tools/conformance/recording.ts";

const root = new URL("../../", import.meta.url);
const recording = new Recording(new URL("local/recordings/calls-mixed", root).pathname);

async function relay(args: readonly string[], input: string | Buffer) {
  const { output, ...rest } = await relayBytes(args, input);
  return { ...rest, output: output.toString("utf8") };
}

async function relayBytes(args: readonly string[], input: string | Buffer) {
  const child = spawn(process.execPath, ["cli/main.ts", ...args], { cwd: root });
  // A command that refuses its arguments stops reading.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const [output, errors, [code]] = await Promise.all([
    buffer(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { output, errors, code };
}

describe("relay convert", () => {
  it("writes what Manager sends for the events on standard input", async () => {
    const lines = recording.stasisLines();
    const { output, errors, code } = await relay(["convert"], `${lines.join("\n")}\n`);
    expect([errors, code]).toEqual(["", 0]);
    expect(output).toBe(
      convertAll(lines)
        .map((message) => message.text)
        .join(""),
    );
  });

  it("reports lines that are not events, converts the others, and exits with 1", async () => {
    const good = '{"type":"DeviceStateChanged","device_state":{"name":"a","state":"BUSY"}}';
    const { output, errors, code } = await relay(["convert"], `${good}\r\n\nnonsense\n{"x":1}\n${good}`);
    expect(output).toBe(
      "Event: DeviceStateChange\r\nPrivilege: call,all\r\nDevice: a\r\nState: BUSY\r\n\r\n".repeat(2),
    );
    expect(errors.trim().split("\n")).toEqual([
      expect.stringMatching(/^line 3: not JSON/),
      expect.stringMatching(/^line 4: type/),
    ]);
    expect(code).toBe(1);
  });

  it("takes a byte order mark for no content, and names a line that is not UTF-8", async () => {
    const good = '{"type":"DeviceStateChanged","device_state":{"name":"a","state":"BUSY"}}';
    const bad = Buffer.from('{"type":"DeviceStateChanged","device_state":{"name":"\u00fc"}}\n', "latin1");
    const input = Buffer.concat([Buffer.from(`\ufeff${good}\r\n`), bad, Buffer.from(`\ufeff${good}`)]);
    const { output, errors, code } = await relay(["convert"], input);
    expect(output.match(/^Event: /gm)).toHaveLength(2);
    expect([errors, code]).toEqual(["line 2: not valid UTF-8\n", 1]);
  });

  it("ends lines only at line feeds: names may contain other separators", async () => {
    const { output, errors, code } = await relay(
      ["convert"],
      '{"type":"ChannelVarset","variable":"x","value":"a\u2028b\u2029c\u0085d"}\n',
    );
    expect([errors, code]).toEqual(["", 0]);
    expect(output).toContain("Value: a\u2028b\u2029c\u0085d\r\n");
  });

  it("wraps events that Manager does not know when asked to", async () => {
    const { output } = await relay(
      ["convert", "--wrap-unmapped"],
      '{"type":"PlaybackStarted","playback":{"id":"p"}}',
    );
    expect(output).toContain("UserEvent: ARI-PlaybackStarted\r\nplayback/id: p\r\n");
  });
});

describe("relay filter", () => {
  const everything = recording
    .amiEvents()
    .map(({ text: block }) => block)
    .join("");

  it("writes the events that pass, without greeting and responses", async () => {
    const input = `Asterisk Call Manager/12.0.0\r\nResponse: Success\r\n\r\n${everything}`;
    const args = [
      "filter",
      "--read",
      "call,user",
      "--event-filter",
      "!Event: New",
      "--event-filter",
      "!Event: Dial",
    ];
    const { output, code } = await relay(args, input);
    const wanted = recording.amiEvents("masked").filter(({ name }) => !/^(New|Dial)/.test(name));
    expect(code).toBe(0);
    expect(output.split("\r\n\r\n").sort()).toEqual(
      wanted
        .map(({ text: block }) => block)
        .join("")
        .split("\r\n\r\n")
        .sort(),
    );
    expect(
      (await relay(["filter", "--events", "Hangup,Newchannel"], input)).output.match(/^Event: /gm),
    ).toHaveLength(50);
  });

  it.each([
    [["filter", "--event-filter", "eventfilter(color(red))"], "not a criterion"],
    [["filter", "--event-filter", "("], "does not compile"],
    [["filter", "--read", "bogus"], "must be classes"],
  ])("%j explains the error and exits with 1", async (args, says) => {
    const { output, errors, code } = await relay(args, everything);
    expect([output, code]).toEqual(["", 1]);
    expect(errors).toContain(says);
  });

  it("names text whose line ends are lost, and exits with 1", async () => {
    const { output, errors, code } = await relay(["filter"], "Event: APrivilege: call,allX: 1");
    expect([output, code]).toEqual(["", 1]);
    expect(errors).toContain("line ends seem to be lost");
  });

  it("writes the bytes that it read, whatever their charset, and no byte order mark", async () => {
    const event = (value: string, charset: BufferEncoding) =>
      Buffer.from(`Event: A\r\nPrivilege: call,all\r\nX: ${value}\r\n\r\n`, charset);
    const cut = Buffer.from("Event: A\r\nPrivilege: call,all\r\nX: \u20ac").subarray(0, -1);
    const events = Buffer.concat([
      event("M\u00fcller", "latin1"),
      event("M\u00fcller", "utf8"),
      cut,
      Buffer.from("\r\n\r\n"),
    ]);
    const { output, code } = await relayBytes(["filter"], Buffer.concat([Buffer.from("\ufeff"), events]));
    expect(code).toBe(0);
    expect(output).toEqual(events);
    const filtered = await relayBytes(["filter", "--event-filter", "M\u00fcller"], events);
    expect(filtered.output).toEqual(events.subarray(0, -cut.length - 4));
  });

  it("reports a block that is too long and writes the others", async () => {
    const { output, errors, code } = await relay(
      ["filter"],
      `Event: A\r\nX: ${"x".repeat(70_000)}\r\n\r\nEvent: B\r\nPrivilege: call,all\r\n\r\n`,
    );
    expect([output, code]).toEqual(["Event: B\r\nPrivilege: call,all\r\n\r\n", 1]);
    expect(errors).toContain("line 2");
  });
});

it("relay help explains the commands", async () => {
  const { output, code } = await relay(["help"], "");
  expect(code).toBe(0);
  expect(output).toMatch(/convert[\s\S]*filter/);
  expect((await relay(["help", "filter"], "")).output).toContain("--event-filter");
});
