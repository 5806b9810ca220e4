// Of its own, without imports: the document's first script and the door take it too, and nothing else of the chat.
/** A part of a topic and of an address. */
export const roomIdPattern = /^[a-z0-9][a-z0-9-]{0,63}$/;
