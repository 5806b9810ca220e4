// Of `readable-stream` those four classes that the MQTT library uses: its front door brings pipelines, operators and promises along.
import Duplex from 'readable-stream/lib/internal/streams/duplex';
import Readable from 'readable-stream/lib/internal/streams/readable';
import Transform from 'readable-stream/lib/internal/streams/transform';
import Writable from 'readable-stream/lib/internal/streams/writable';

export { Duplex, Readable, Transform, Writable };
