import type { LinkLoss } from "../../source.ts";
import { errorCode, networkLossCode, tlsAdvice } from "../networkLoss.ts";

/** Whom the bridge talks to, for messages. */
export interface AmiPeer {
  /** Host and port. */
  readonly host: string;
  readonly username: string;
}

/** What Manager's refusal of a login means. It does not say whether the user, the secret or the address is wrong. */
export function amiLoginLoss(answer: string, { host, username }: AmiPeer): LinkLoss {
  if (answer === "Login Already In Use")
    return {
      code: "forbidden",
      message: `the user '${username}' is logged in already at ${host} (manager.conf: section [${username}], allowmultiplelogin=yes, or a user of the bridge's own)`,
    };
  return {
    code: "credentials",
    message: `the PBX at ${host} refuses the user '${username}': ${answer || "no reason given"} (manager.conf: section [${username}], secret, permit, deny, acl; then 'manager reload')`,
  };
}

/** What the refusal of an action means. */
export function amiActionLoss(action: string, answer: string, { username }: AmiPeer): LinkLoss {
  return {
    code: answer === "Permission denied" ? "forbidden" : "protocol",
    message: `Manager refuses the action ${action}: ${answer || "no reason given"} (manager.conf: section [${username}], write=system,call,reporting)`,
  };
}

/** What a failure of the connection means. */
export function amiNetworkLoss(error: unknown, { host }: Pick<AmiPeer, "host">): LinkLoss {
  const code = networkLossCode(error);
  const named = errorCode(error);
  switch (code) {
    case "refused":
      return {
        code,
        message: `nothing listens at ${host} (manager.conf: [general] enabled=yes, bindaddr, port; for TLS tlsenable, tlsbindaddr)`,
      };
    case "unreachable":
      return {
        code,
        message: `${host} cannot be reached (${named}): check the name, the route and the firewall`,
      };
    case "timeout":
      return {
        code,
        message: `${host} does not answer in time: a firewall drops the packets, or manager.conf's bindaddr is another interface`,
      };
    case "tls":
      return {
        code,
        message: `${host}: ${tlsAdvice(named, "manager.conf (tlscertfile, tlsprivatekey, tlsbindaddr)")}`,
      };
    case "closed":
      return { code, message: `${host} closed the connection (${named})` };
    default:
      return {
        code,
        message: `${host} does not speak Manager's protocol: ${error instanceof Error ? error.message : String(error)}`,
      };
  }
}

/** A connection that ends without a word. Manager does so when it has too many clients, and with slow ones. */
export function amiClosedLoss({ host }: Pick<AmiPeer, "host">, isLoggedIn: boolean): LinkLoss {
  return {
    code: "closed",
    message: isLoggedIn
      ? `${host} closed the connection: it stopped, or the bridge read too slowly (manager.conf: writetimeout)`
      : `${host} closed the connection before the login (manager.conf: [general] authlimit, authtimeout)`,
  };
}
