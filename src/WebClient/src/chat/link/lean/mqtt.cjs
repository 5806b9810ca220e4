// The MQTT library's client and its WebSocket, without its front door, which brings every other way to connect along. In the library's own kind of module:
// a module of the other kind gets its default exports one level too deep.
exports.MqttClient = require('mqtt/lib/client').default;
exports.browserStreamBuilder = require('mqtt/lib/connect/ws').browserStreamBuilder;
