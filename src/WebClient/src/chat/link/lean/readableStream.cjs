// Of `readable-stream` those four classes that the MQTT library uses: its front door brings pipelines, operators and promises along. What that door adds
// to the classes and they use themselves is added here.
const { Buffer } = require('buffer');
const { Stream } = require('readable-stream/lib/internal/streams/legacy');

Stream._isUint8Array = (value) => value instanceof Uint8Array;
Stream._uint8ArrayToBuffer = (chunk) => Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);

exports.Duplex = require('readable-stream/lib/internal/streams/duplex');
exports.Readable = require('readable-stream/lib/internal/streams/readable');
exports.Transform = require('readable-stream/lib/internal/streams/transform');
exports.Writable = require('readable-stream/lib/internal/streams/writable');
