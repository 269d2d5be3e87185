import type { LinkLoss } from "../../source.ts";
import { networkLoss } from "../networkLoss.ts";

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
  return networkLoss(error, host, { name: "Manager", file: "manager.conf", port: "port" });
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
