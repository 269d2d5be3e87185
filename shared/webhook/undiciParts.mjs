// The two modules of undici that deliver uses. undici's index loads everything: fetch, WebSocket, mocks, caches.
export { default as buildConnector } from "undici/lib/core/connect.js";
export { default as Client } from "undici/lib/dispatcher/client.js";
