import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** How a PBX says who it is: by the path and the Basic user of the connection that it opens (websocket_client.conf). */
export interface PbxAccess {
  /** Begins with `/`. Several PBXs may share one. */
  readonly path: string;
  readonly username: string;
  readonly password: string;
}

export interface AccessResult<T> {
  readonly result: { readonly pbx: T } | { readonly status: 401 | 404 };
  /** Path and user as the client gave them: what failures are counted by. PBXs behind one NAT share an address. */
  readonly claim: string;
}

/** An access, with its password as a digest. */
interface Entry<T> {
  readonly access: Omit<PbxAccess, "password">;
  readonly digest: Buffer;
  readonly pbx: T;
}

/** Tells PBXs apart. Answers come from memory, and take as long for a wrong password as for an unknown user. */
export class PbxDirectory<T> {
  readonly #entries: Entry<T>[] = [];
  readonly #nobody = randomBytes(32);

  /** @throws RangeError when another PBX has the same path and user */
  add({ path, username, password }: PbxAccess, pbx: T): void {
    if (this.#find(path, username) !== undefined)
      throw new RangeError(`two PBXs have the path ${path} and the user ${username}`);
    this.#entries.push({ access: { path, username }, digest: digestOf(password), pbx });
  }

  remove({ path, username }: Omit<PbxAccess, "password">): void {
    const index = this.#entries.findIndex(
      ({ access }) => access.path === path && access.username === username,
    );
    if (index >= 0) this.#entries.splice(index, 1);
  }

  /**
   * @param target the request's target, with or without a query
   * @param authorization the header
   */
  check(target: string, authorization: string | undefined): AccessResult<T> {
    const path = target.split("?")[0] ?? "";
    const { username, password } = basicCredentials(authorization);
    const claim = `${path} ${username}`.slice(0, 300);
    if (!this.#entries.some(({ access }) => access.path === path)) return { claim, result: { status: 404 } };
    const entry = this.#find(path, username);
    const isRight = timingSafeEqual(digestOf(password), entry?.digest ?? this.#nobody);
    return { claim, result: isRight && entry !== undefined ? { pbx: entry.pbx } : { status: 401 } };
  }

  #find(path: string, username: string): Entry<T> | undefined {
    return this.#entries.find(({ access }) => access.path === path && access.username === username);
  }
}

function digestOf(password: string): Buffer {
  return createHash("sha256").update(password).digest();
}

/** The parts of a Basic header (RFC 7617). Empty when there is none. */
function basicCredentials(header: string | undefined): { username: string; password: string } {
  const encoded = /^basic +(?<encoded>[A-Za-z0-9+/=]+)$/i.exec(header ?? "")?.groups?.encoded ?? "";
  const text = Buffer.from(encoded, "base64").toString();
  const colon = text.indexOf(":");
  return colon < 0
    ? { username: "", password: "" }
    : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
