import { createHash } from "node:crypto";
import { SourceError } from "../sourceError.ts";
import { type AmiActions, isSuccess } from "./amiActions.ts";
import { type AmiPeer, amiLoginLoss } from "./amiFailure.ts";

/**
 * Logs in by MD5 challenge, so that the secret does not travel. Events begin with the answer.
 * Asterisk: main/manager.c, `authenticate`, `action_challenge`.
 * @throws SourceError when Manager refuses
 */
export async function login(
  actions: AmiActions,
  peer: AmiPeer,
  secret: string,
  signal: AbortSignal,
): Promise<void> {
  const challenge = await actions.send("Challenge", { AuthType: "MD5" }, signal);
  if (!isSuccess(challenge)) throw refused(challenge.response.get("Message"), peer);
  const Key = createHash("md5")
    .update(challenge.response.get("Challenge") + secret)
    .digest("hex");
  const answer = await actions.send(
    "Login",
    { AuthType: "MD5", Username: peer.username, Key, Events: "on" },
    signal,
  );
  if (!isSuccess(answer)) throw refused(answer.response.get("Message"), peer);
}

function refused(message: string, peer: AmiPeer): SourceError {
  return new SourceError(amiLoginLoss(message, peer));
}
