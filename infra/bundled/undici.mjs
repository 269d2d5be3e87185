// Deliver uses two parts of undici, whose index loads all of it (fetch, WebSocket, mocks, caches): 290 KB less.
export { default as buildConnector } from "../../node_modules/undici/lib/core/connect.js";
export { default as Client } from "../../node_modules/undici/lib/dispatcher/client.js";
