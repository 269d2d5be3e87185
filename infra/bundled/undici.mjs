// Deliver uses two modules of undici, whose index loads everything (fetch, WebSocket, mocks, caches). The two modules
// are 280 kB smaller, and load in 110 ms instead of 135 ms (medians of 20 cold imports, Node 24, two cores).
export { default as buildConnector } from "../../node_modules/undici/lib/core/connect.js";
export { default as Client } from "../../node_modules/undici/lib/dispatcher/client.js";
