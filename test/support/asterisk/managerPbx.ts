import { createHash } from "node:crypto";
import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { Journal } from "./journal.ts";
import { listenLocally } from "./listenLocally.ts";
import { answerTo, type Fields } from "./managerAnswers.ts";
import { PbxStateOfTests } from "./pbxState.ts";

export interface ManagerUser {
  readonly name: string;
  readonly secret: string;
  /** Write classes of manager.conf. */
  readonly write: readonly string[];
}

export interface ManagerPbxOptions {
  readonly port?: number;
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly user?: ManagerUser;
  readonly journal?: Journal;
  readonly state?: PbxStateOfTests;
  /** Events wait until some input comes (github.com/asterisk/asterisk/issues/2145). */
  readonly isLate?: boolean;
  /** After how long a failed login is answered. Asterisk: 1 s. */
  readonly failureMillis?: number;
}

interface Session {
  readonly name: string;
  readonly socket: Socket;
  readonly challenge: string;
  isLoggedIn: boolean;
  hasEvents: boolean;
  input: string;
  waiting: Buffer[];
  readonly includes: RegExp[];
  readonly excludes: RegExp[];
}

const ADMIN: ManagerUser = { name: "bridge", secret: "secret", write: ["system", "call", "reporting"] };

/** Asterisk's Manager over TCP or TLS, with the answers of Asterisk 23. */
export class ManagerPbx implements AsyncDisposable {
  readonly journal: Journal;
  readonly state: PbxStateOfTests;
  /** The actions that came, by name. */
  readonly actions: string[] = [];
  readonly #options: ManagerPbxOptions;
  readonly #user: ManagerUser;
  readonly #sessions = new Set<Session>();
  #server: Server | undefined;
  #port: number;
  #count = 0;
  #isStalled = false;
  /** Reads, and answers nothing. */
  isDeaf = false;
  greeting = "Asterisk Call Manager/12.0.0\r\n";

  private constructor(options: ManagerPbxOptions) {
    this.#options = options;
    this.#user = options.user ?? ADMIN;
    this.#port = options.port ?? 0;
    this.journal = options.journal ?? new Journal();
    this.state = options.state ?? new PbxStateOfTests();
  }

  static async start(options: ManagerPbxOptions = {}): Promise<ManagerPbx> {
    const pbx = new ManagerPbx(options);
    await pbx.listen();
    return pbx;
  }

  get port(): number {
    return this.#port;
  }

  /** Clients that have logged in. */
  get clients(): number {
    return [...this.#sessions].filter(({ isLoggedIn }) => isLoggedIn).length;
  }

  async listen(): Promise<void> {
    const { tls } = this.#options;
    const accept = (socket: Socket) => this.#accept(socket);
    const server = tls ? createTlsServer(tls, accept) : createTcpServer(accept);
    this.#server = server;
    this.#port = await listenLocally(server, this.#port);
  }

  async down(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = new Promise<void>((done) => (server ? server.close(() => done()) : done()));
    this.cut();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
  }

  async restart(startedAtEpochMillis = this.state.startedAtEpochMillis + 3_600_000): Promise<void> {
    await this.down();
    this.state.restart(startedAtEpochMillis);
    await this.listen();
  }

  /** Sends an event block to every client. */
  emit(block: Buffer): void {
    for (const session of this.#sessions)
      if (session.hasEvents) {
        session.waiting.push(block);
        if (!this.#options.isLate) this.#flush(session);
      }
  }

  /** Sends bytes as they are to every client. */
  sendBytes(bytes: Buffer): void {
    for (const { socket } of this.#sessions) socket.write(bytes);
  }

  stall(): void {
    this.#isStalled = true;
  }

  resume(): void {
    this.#isStalled = false;
    for (const session of this.#sessions) this.#flush(session);
  }

  cut(): void {
    for (const { socket } of this.#sessions) socket.destroy();
  }

  #flush(session: Session): void {
    if (this.#isStalled) return;
    for (const block of session.waiting.splice(0)) {
      if (!passes(session, block.toString("latin1"))) continue;
      session.socket.write(block, (error) => {
        if (!error) this.journal.note(session.name, block);
      });
    }
  }

  #accept(socket: Socket): void {
    this.#count += 1;
    const session: Session = {
      name: `ami-${this.#count}`,
      socket,
      challenge: String(100_000_000 + this.#count),
      isLoggedIn: false,
      hasEvents: false,
      input: "",
      waiting: [],
      includes: [],
      excludes: [],
    };
    this.#sessions.add(session);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#sessions.delete(session));
    socket.on("data", (chunk) => {
      session.input += chunk.toString("latin1");
      if (this.isDeaf) return;
      const blocks = session.input.split("\r\n\r\n");
      session.input = blocks.pop() ?? "";
      for (const block of blocks) this.#act(session, fieldsOf(block));
      this.#flush(session);
    });
    socket.write(this.greeting);
  }

  #act(session: Session, fields: Fields): void {
    const action = fields.Action ?? "";
    this.actions.push(action);
    const id = fields.ActionID === undefined ? "" : `ActionID: ${fields.ActionID}\r\n`;
    const respond = (response: string, body: string) =>
      session.socket.write(`Response: ${response}\r\n${id}${body}\r\n\r\n`);
    const fail = () =>
      setTimeout(() => {
        respond("Error", "Message: Authentication failed");
        session.socket.end();
      }, this.#options.failureMillis ?? 1_000);
    if (action === "Login" && session.isLoggedIn) respond("Success", "Message: Already authenticated");
    else if (action === "Challenge") respond("Success", `Challenge: ${session.challenge}`);
    else if (action === "Login") {
      const key = createHash("md5")
        .update(session.challenge + this.#user.secret)
        .digest("hex");
      const isRight = fields.Key === key || fields.Secret === this.#user.secret;
      if (fields.Username !== this.#user.name || !isRight) return void fail();
      session.isLoggedIn = true;
      session.hasEvents = fields.Events !== "off";
      respond("Success", "Message: Authentication accepted");
      const uptime = Math.floor((this.state.nowEpochMillis - this.state.startedAtEpochMillis) / 1000);
      const booted = `Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: ${uptime}\r\nLastReload: ${uptime}\r\nStatus: Fully Booted\r\n\r\n`;
      if (session.hasEvents) session.waiting.push(Buffer.from(booted));
    } else if (action === "Logoff") {
      respond("Goodbye", "Message: Thanks for all the fish.");
      session.socket.end();
    } else if (!session.isLoggedIn) respond("Error", "Message: Permission denied");
    else if (action === "Filter" && this.#user.write.includes("system")) {
      const error = addFilter(session, fields);
      respond(error === undefined ? "Success" : "Error", `Message: ${error ?? "Success"}`);
    } else if (action === "Events") {
      session.hasEvents = fields.EventMask !== "off";
      respond("Success", `Events: ${session.hasEvents ? "On" : "Off"}`);
    } else session.socket.write(answerTo(fields, id, this.#user.write, this.state), "latin1");
  }
}

/** A legacy filter: a regular expression over the whole text. Returns what is wrong with it. */
function addFilter({ includes, excludes }: Session, { Operation, Filter = "" }: Fields): string | undefined {
  if (Operation !== "Add") return "Unknown operation";
  if (Filter === "") return "Filter was formatted incorrectly.  Check the syntax of the filter given.";
  const filters = Filter.startsWith("!") ? excludes : includes;
  try {
    filters.push(new RegExp(Filter.replace(/^!/, ""), "s"));
    return undefined;
  } catch {
    return "Filter did not compile.  Check the syntax of the filter given.";
  }
}

/** No filter: all. With includes one must match; no exclude may. */
function passes({ includes, excludes }: Session, text: string): boolean {
  const isIncluded = includes.length === 0 || includes.some((filter) => filter.test(text));
  return isIncluded && !excludes.some((filter) => filter.test(text));
}

function fieldsOf(block: string): Fields {
  return Object.fromEntries(
    block.split(/\r?\n/).map((line) => {
      const colon = line.indexOf(": ");
      return [line.slice(0, colon), line.slice(colon + 2)];
    }),
  );
}
