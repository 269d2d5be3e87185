/** The bounds of the gateway. Those that Manager has too have its names and defaults. */
export interface GatewayLimits {
  /** A connection that has not logged in by then is closed. manager.conf: `authtimeout`. */
  readonly authTimeoutMillis: number;
  /**
   * Connections that have not logged in; further ones are closed at once. manager.conf: `authlimit`, which is 50. It is
   * larger here, because after a restart of the gateway all clients come at the same time.
   */
  readonly authLimit: number;
  /** The same for one address, so that one cannot take all places. */
  readonly authLimitPerAddress: number;
  readonly connections: number;
  /** Connections over HTTP of one address. A client needs one or two. */
  readonly httpConnectionsPerAddress: number;
  readonly connectionsPerUser: number;
  /** Login attempts a minute, by address and by user name. Further ones fail as with a wrong secret. */
  readonly loginsPerMinute: number;
  /** Requests a second of one connection. Further ones wait. */
  readonly requestsPerSecond: number;
  /** A connection whose socket takes nothing for this long is closed. manager.conf: `writetimeout`, which is 100 ms. */
  readonly writeTimeoutMillis: number;
  /** How long events are held after a login, because some clients lose what comes with the answer. */
  readonly loginHoldMillis: number;
  /** The answer to a wrong login comes after this. */
  readonly failureDelayMillis: number;
  /** A session over HTTP ends so long after its last request. http.conf: `httptimeout`. */
  readonly httpTimeoutMillis: number;
}

export const DEFAULT_LIMITS: GatewayLimits = {
  authTimeoutMillis: 30_000,
  authLimit: 500,
  authLimitPerAddress: 50,
  connections: 5_000,
  httpConnectionsPerAddress: 100,
  connectionsPerUser: 1_000,
  loginsPerMinute: 300,
  requestsPerSecond: 100,
  writeTimeoutMillis: 30_000,
  loginHoldMillis: 150,
  failureDelayMillis: 1_000,
  httpTimeoutMillis: 60_000,
};
