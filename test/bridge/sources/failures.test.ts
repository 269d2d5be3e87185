import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import type { LinkLoss, Source } from "../../../bridge/source.ts";
import {
  amiActionLoss,
  amiClosedLoss,
  amiLoginLoss,
  amiNetworkLoss,
} from "../../../bridge/sources/ami/amiFailure.ts";
import { type AmiOptions, amiSource } from "../../../bridge/sources/ami/amiSource.ts";
import { ariNetworkLoss, ariStatusLoss } from "../../../bridge/sources/ari/ariFailure.ts";
import { type AriOptions, ariSource } from "../../../bridge/sources/ari/ariSource.ts";
import { outboundStatusLoss } from "../../../bridge/sources/outbound/outboundFailure.ts";
import { freePort } from "../../../local/freePort.ts";
import { AriPbx } from "../../support/asterisk/ariPbx.ts";
import { certificate } from "../../support/asterisk/certificate.ts";
import { ManagerPbx } from "../../support/asterisk/managerPbx.ts";
import { Witness } from "../../support/asterisk/witness.ts";

const ARI_PEER = { host: "pbx:8088", username: "ari", app: "relay" };
const AMI_PEER = { host: "pbx:5038", username: "bridge" };

const failed = (code: string) => Object.assign(new Error(code), { code });

describe("what a failure of ARI means", () => {
  it.each([
    [401, false, "credentials", "ari.conf: section [ari], type=user, password"],
    [403, false, "forbidden", "permit, deny, acl"],
    [403, true, "forbidden", "read_only=no"],
    [404, false, "protocol", "[general] enabled=yes; http.conf: prefix"],
    [404, true, "protocol", "'relay' is not registered"],
    [503, false, "refused", "sessionlimit"],
    [302, false, "protocol", "follows no redirects"],
    [418, false, "protocol", "answers 418"],
  ])("status %s, writing %s", (status, isWrite, code, words) => {
    expect(ariStatusLoss(status, ARI_PEER, isWrite)).toEqual({
      code,
      message: expect.stringContaining(words),
    });
  });

  it.each([
    ["ECONNREFUSED", "refused", "http.conf: [general] enabled=yes, bindaddr, bindport"],
    ["ENOTFOUND", "unreachable", "check the name"],
    ["ETIMEDOUT", "timeout", "firewall"],
    ["EMSGSIZE", "too-large", "larger than"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "tls", "(ca)"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "tls", "tlscertfile"],
    ["EPROTO", "tls", "does not speak TLS"],
    ["WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", "too-large", "larger than"],
    ["ECONNRESET", "closed", "closed the connection"],
    ["HPE_INVALID_CONSTANT", "protocol", "does not speak ARI"],
  ])("error %s", (error, code, words) => {
    expect(ariNetworkLoss(failed(error), ARI_PEER)).toEqual({
      code,
      message: expect.stringContaining(words),
    });
    const wrapped = new Error("outer", { cause: failed(error) });
    expect(ariNetworkLoss(wrapped, ARI_PEER).code).toBe(code);
  });

  it.each([
    [401, "credentials"],
    [403, "forbidden"],
    [500, "protocol"],
  ])("status %s over the PBX's own WebSocket", (status, code) => {
    expect(outboundStatusLoss(status, "the PBX")).toMatchObject({ code });
  });
});

describe("what a failure of Manager means", () => {
  it("says which section to look at when the login is refused", () => {
    expect(amiLoginLoss("Authentication failed", AMI_PEER)).toEqual({
      code: "credentials",
      message: expect.stringContaining("manager.conf: section [bridge], secret, permit, deny"),
    });
    expect(amiLoginLoss("Login Already In Use", AMI_PEER)).toEqual({
      code: "forbidden",
      message: expect.stringContaining("allowmultiplelogin=yes"),
    });
  });

  it("says which rights an action needs", () => {
    expect(amiActionLoss("CoreStatus", "Permission denied", AMI_PEER)).toEqual({
      code: "forbidden",
      message: expect.stringContaining("section [bridge], write=system,call,reporting"),
    });
  });

  it.each([
    ["ECONNREFUSED", "refused", "manager.conf: [general] enabled=yes, bindaddr, port"],
    ["EAI_AGAIN", "unreachable", "check the name"],
    ["ETIMEDOUT", "timeout", "firewall"],
    ["SELF_SIGNED_CERT_IN_CHAIN", "tls", "manager.conf (tlscertfile"],
    ["ECONNRESET", "closed", "closed the connection"],
  ])("error %s", (error, code, words) => {
    expect(amiNetworkLoss(failed(error), AMI_PEER)).toEqual({
      code,
      message: expect.stringContaining(words),
    });
  });

  it("tells an end before the login from one after it", () => {
    expect(amiClosedLoss(AMI_PEER, false).message).toContain("authlimit");
    expect(amiClosedLoss(AMI_PEER, true).message).toContain("writetimeout");
  });
});

describe("a PBX that refuses", () => {
  async function firstLoss(source: Source): Promise<LinkLoss | undefined> {
    const witness = new Witness();
    source.start(witness);
    await witness.waitFor("failed");
    await source.stop();
    return witness.losses[0];
  }

  const ari = (url: string, options: Partial<AriOptions> = {}) =>
    firstLoss(ariSource({ url, username: "ari", password: "secret", app: "relay", ...options }));
  const ami = (port: number, options: Partial<AmiOptions> = {}) =>
    firstLoss(
      amiSource({
        host: "127.0.0.1",
        port,
        username: "bridge",
        secret: "secret",
        select: "everything",
        ...options,
      }),
    );

  it("is told apart by ARI: password, path, rights, certificate, port, silence", async () => {
    const tls = await certificate();
    await using pbx = await AriPbx.start({ user: { name: "ari", password: "secret", isReadOnly: true } });
    await using secure = await AriPbx.start({ tls });
    expect(await ari(pbx.url, { password: "wrong" })).toMatchObject({ code: "credentials" });
    expect(await ari(`${pbx.url}/other`)).toMatchObject({ code: "protocol" });
    expect(await ari(pbx.url, { disallowedTypes: ["Dial"] })).toMatchObject({
      code: "forbidden",
      message: expect.stringContaining("read_only"),
    });
    expect(await ari(secure.url)).toMatchObject({ code: "tls" });
    expect(await ari(pbx.url.replace("http", "https"))).toMatchObject({ code: "tls" });
    expect(await ari(`http://127.0.0.1:${await freePort()}`)).toMatchObject({ code: "refused" });
    pbx.handshakeMillis = 5_000;
    expect(await ari(pbx.url, { timeoutMillis: 100 })).toMatchObject({ code: "timeout" });
    pbx.handshakeMillis = 0;
    pbx.answerMillis = 5_000;
    expect(await ari(pbx.url, { timeoutMillis: 200 })).toMatchObject({ code: "timeout" });
    pbx.answerMillis = 0;
    pbx.refusal = 503;
    expect(await ari(pbx.url)).toMatchObject({ code: "refused" });
  });

  it("is told apart by AMI: secret, rights, certificate, port, greeting, a connection closed at once", async () => {
    const tls = await certificate();
    const user = { name: "bridge", secret: "secret", write: [] };
    await using pbx = await ManagerPbx.start({ failureMillis: 50, user });
    await using secure = await ManagerPbx.start({ tls });
    await using web = await AriPbx.start();
    expect(await ami(pbx.port, { secret: "wrong" })).toMatchObject({ code: "credentials" });
    expect(await ami(pbx.port)).toMatchObject({ code: "forbidden" });
    expect(await ami(secure.port, { tls: {} })).toMatchObject({ code: "tls" });
    expect(await ami(await freePort())).toMatchObject({ code: "refused" });
    expect(await ami(web.port, { timeoutMillis: 200 })).toMatchObject({ code: "timeout" });
    pbx.greeting = "SSH-2.0-OpenSSH_9.6\r\n";
    expect(await ami(pbx.port)).toMatchObject({
      code: "protocol",
      message: expect.stringContaining("greet"),
    });
    const full = createServer((socket) => socket.end()).listen(0, "127.0.0.1");
    await new Promise((listening) => full.once("listening", listening));
    const address = full.address();
    expect(await ami(typeof address === "object" ? (address?.port ?? 0) : 0)).toMatchObject({
      code: "closed",
    });
    full.close();
  });

  it("gets no password with a line break in it", async () => {
    await using pbx = await ManagerPbx.start();
    expect(await ami(pbx.port, { username: "bridge\r\nAction: Logoff" })).toMatchObject({
      code: "credentials",
    });
    // The source may have come back already, and asked for the next challenge.
    expect(new Set(pbx.actions)).toEqual(new Set(["Challenge"]));
  });
});
