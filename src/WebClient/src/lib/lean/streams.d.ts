// The package's types know its front door alone.
declare module 'readable-stream/lib/internal/streams/*' {
  const stream: unknown;
  export default stream;
}
