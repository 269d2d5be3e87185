import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";

const root = new URL("../../", import.meta.url);

const relay = (...args: string[]) => spawn(process.execPath, ["cli/main.ts", "ami", ...args], { cwd: root });

it("relay ami says where clients connect, and stops when it is asked to", async () => {
  const child = relay("--to", "ami.example.com", "--listen", "127.0.0.1:0");
  const [line] = await once(createInterface(child.stdout), "line");
  expect(line).toMatch(
    /^AMI clients connect to 127\.0\.0\.1:\d+; it leads to ami\.example\.com:5039 over TLS\. Ctrl-C stops it\.$/,
  );
  child.kill("SIGTERM");
  expect(await once(child, "close")).toEqual([0, null]);
});

it("relay ami says what to do when its port is in use, when a file is missing, and when an address is wrong", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  const failing = async (...args: string[]) => {
    const child = relay(...args);
    const [errors, [code]] = await Promise.all([text(child.stderr), once(child, "close")]);
    return [code, errors] as const;
  };
  expect(await failing("--to", "host", "--listen", `127.0.0.1:${port}`)).toEqual([
    1,
    `127.0.0.1:${port} is in use, perhaps by an Asterisk; --listen names another port\n`,
  ]);
  other.close();
  expect(await failing("--to", "host", "--ca", "no-such-file", "--listen", "127.0.0.1:0")).toEqual([
    1,
    expect.stringContaining("no-such-file"),
  ]);
  const [code, errors] = await failing("--to", "https://host");
  expect([code, errors]).toEqual([1, expect.stringContaining("must be HOST, HOST:PORT or [IPv6]:PORT")]);
});
